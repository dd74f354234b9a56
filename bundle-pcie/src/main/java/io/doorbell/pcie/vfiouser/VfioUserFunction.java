package io.doorbell.pcie.vfiouser;

import io.doorbell.pci.PciAccess;
import io.doorbell.pci.PciException;
import io.doorbell.pci.PciFunction;
import io.doorbell.pci.PciIdentity;
import io.doorbell.pcie.Lingering;
import io.doorbell.platform.PlatformException;
import io.doorbell.platform.UnixSocket;
import io.doorbell.vfiouser.ChannelException;
import io.doorbell.vfiouser.DeviceDirectory;
import io.doorbell.vfiouser.Message;
import io.doorbell.vfiouser.MessageChannel;
import io.doorbell.vfiouser.ProtocolException;
import io.doorbell.vfiouser.Reply;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/**
 * A PCI function in another process: one connection to it, from when it was made to when it ends, by the death of the other side or by
 * {@link #close}. Then it is gone for good; whoever wants it again connects again. Any thread.
 */
public final class VfioUserFunction implements PciFunction, AutoCloseable {
    /** The {@code trtype} of such functions. */
    public static final String TRANSPORT = "VFIOUSER";

    private final String address;
    private final VfioUserDevice device;
    private final PciIdentity identity;
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile String endedFor;

    /** Written under this object's monitor; read without it by the thread that receives, for which whoever has the monitor may be waiting. */
    private volatile VfioUserAccess claim;

    // Guarded by this.
    /** Doorbells of earlier claims of which someone still has views. */
    private final Lingering lingering = new Lingering();

    private VfioUserFunction(String address, UnixSocket socket, Duration answerBound) {
        this.address = address;
        device = new VfioUserDevice(address, socket, new Watch(), answerBound);
        try {
            identity = device.identity();
        } catch (RuntimeException failed) {
            device.close();
            throw failed;
        }
    }

    /**
     * Connects to a device and asks what it is.
     *
     * @param directory in which its socket is; absolute
     * @param answerBound how long an answer may take, this time and later; a device that takes longer is taken for dead
     * @throws PciException if nobody listens there, or no PCI device of our protocol does
     */
    public static VfioUserFunction connect(Path directory, Duration answerBound) {
        try {
            var socket = UnixSocket.connect(directory.resolve(DeviceDirectory.SOCKET), answerBound);
            // From here on the channel closes it.
            return new VfioUserFunction(directory.toString(), socket, answerBound);
        } catch (PlatformException | ProtocolException | ChannelException refused) {
            throw new PciException(directory + " is not reachable: " + refused.getMessage(), refused);
        }
    }

    @Override
    public String address() {
        return address;
    }

    @Override
    public String transport() {
        return TRANSPORT;
    }

    @Override
    public PciIdentity identity() {
        return identity;
    }

    @Override
    public synchronized PciAccess open(String driver) {
        if (endedFor != null) {
            throw new PciException(address + " is gone: " + endedFor);
        }
        if (claim != null) {
            throw new PciException(address + " is claimed by " + claim.driver() + " already");
        }
        closeLingering();
        try {
            claim = new VfioUserAccess(this, device, driver);
        } catch (ProtocolException | ChannelException | PlatformException refused) {
            throw new PciException(address + " cannot be claimed: " + refused.getMessage(), refused);
        }
        if (endedFor != null) {
            // The end did not see this claim.
            claim.removed(endedFor);
        }
        return claim;
    }

    /** Waits until the connection has ended. */
    public void awaitEnd() throws InterruptedException {
        ended.await();
    }

    /** Why the connection has ended, or null while it has not. */
    public String endedFor() {
        return endedFor;
    }

    /** Ends the connection. A claim that is still open stays usable as one of a removed function. Idempotent. */
    @Override
    public void close() {
        disconnect("the connection was closed here");
        closeLingering();
    }

    void disconnect(String reason) {
        end(reason);
        device.close();
    }

    /** A claim has ended. */
    synchronized void released(VfioUserAccess access, DoorbellPage page) {
        lingering.add(page::close);
        if (claim == access) {
            claim = null;
        }
    }

    synchronized void closeLingering() {
        lingering.closeAll();
    }

    private void end(String reason) {
        VfioUserAccess told;
        synchronized (this) {
            if (endedFor != null) {
                return;
            }
            endedFor = reason;
            told = claim;
        }
        try {
            if (told != null) {
                told.removed(reason);
            }
        } finally {
            // Whoever is told may fail; the watch goes on all the same.
            ended.countDown();
        }
    }

    @Override
    public String toString() {
        return TRANSPORT + " " + address + " " + identity;
    }

    /** What the channel calls. */
    private final class Watch implements MessageChannel.Handler {
        @Override
        public Reply handle(Message message) {
            var access = claim;
            if (access == null) {
                throw new ProtocolException("nobody has claimed the function");
            }
            return access.handle(message);
        }

        @Override
        public void ended(String reason) {
            end(reason);
        }
    }
}
