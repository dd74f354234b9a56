package io.doorbell.pcie.vfio;

import io.doorbell.pci.PciAccess;
import io.doorbell.pci.PciException;
import io.doorbell.pci.PciFunction;
import io.doorbell.pci.PciIdentity;
import io.doorbell.pcibus.PciDevice;
import io.doorbell.pcie.Lingering;
import io.doorbell.platform.DeviceMemory;
import io.doorbell.platform.PlatformException;
import java.util.function.Consumer;

/**
 * A PCI function that the kernel's vfio-pci driver has, from when it was found to when it goes: unplugged, or bound to another driver. Then it is gone
 * for good; whoever wants it again looks for it again. Nothing of it is open while nobody has claimed it. Any thread.
 */
public final class VfioFunction implements PciFunction {
    /** The {@code trtype} of such functions. */
    public static final String TRANSPORT = "PCIE";

    private final PciDevice device;
    private final Obstacles obstacles;
    private final PciIdentity identity;

    // Guarded by this.
    private String endedFor;
    private Consumer<String> watcher;
    private VfioAccess claim;
    /** Doorbells of earlier claims of which someone still has views. */
    private final Lingering lingering = new Lingering();

    VfioFunction(PciDevice device, Obstacles obstacles) {
        this.device = device;
        this.obstacles = obstacles;
        identity = new PciIdentity(
                device.vendorId(),
                device.deviceId(),
                device.subsystemVendorId(),
                device.subsystemId(),
                device.revision(),
                device.classCode());
    }

    @Override
    public String address() {
        return device.address();
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
            throw new PciException(address() + " is gone: " + endedFor);
        }
        if (claim != null) {
            throw new PciException(address() + " is claimed by " + claim.driver() + " already");
        }
        lingering.closeAll();
        var group = VfioGroup.acquire(device, obstacles);
        VfioDevice opened;
        try {
            opened = new VfioDevice(address(), group.device(address()));
        } catch (RuntimeException refused) {
            group.release();
            throw explained(refused);
        }
        try {
            claim = new VfioAccess(this, group, opened, driver);
            return claim;
        } catch (RuntimeException refused) {
            throw explained(refused);
        }
    }

    private RuntimeException explained(RuntimeException refused) {
        return refused instanceof PlatformException
                ? new PciException(address() + " cannot be claimed: " + refused.getMessage(), refused)
                : refused;
    }

    /** Why it is gone, or null while it is not. */
    public synchronized String endedFor() {
        return endedFor;
    }

    /** Who ends claims in order when the function has to go: is told once, on any thread, and must not block. */
    synchronized void watch(Consumer<String> watcher) {
        this.watcher = watcher;
    }

    /**
     * It goes, or has gone. A claim that is open works on as long as the device answers: the kernel waits until it is closed. Returns whether somebody
     * sees to that.
     */
    boolean ended(String reason) {
        Consumer<String> told;
        synchronized (this) {
            if (endedFor == null) {
                endedFor = reason;
            }
            told = watcher;
            watcher = null;
        }
        if (told != null) {
            told.accept(reason);
        }
        return told != null;
    }

    /** A claim has ended. */
    synchronized void released(VfioAccess access, DeviceMemory page) {
        lingering.add(page::close);
        if (claim == access) {
            claim = null;
        }
    }

    @Override
    public String toString() {
        return TRANSPORT + " " + address() + " " + identity;
    }
}
