package io.doorbell.emulator.vfiouser;

import io.doorbell.emulator.EmulatedFunction;
import io.doorbell.platform.PlatformException;
import io.doorbell.platform.UnixListener;
import io.doorbell.vfiouser.DeviceDirectory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets drivers in other processes claim an emulated function, one at a time: {@code trtype:VFIOUSER traddr:DIRECTORY}. A client that comes while
 * another is served is turned away; when a client leaves or dies, the function is reset before the next is let in. Any thread; the function stays
 * its maker's, and is to be closed after this.
 */
public final class VfioUserServer implements AutoCloseable {
    /** Clients that wait to be let in, or turned away. */
    private static final int BACKLOG = 8;

    /** How long a client may take from its connection to its VERSION, which others wait for. */
    private static final Duration INTRODUCTION_BOUND = Duration.ofSeconds(5);

    /** How long {@link #close} waits for the client's end: it takes a reset of the function. */
    private static final Duration CLOSE_BOUND = Duration.ofSeconds(30);

    private static final Duration RETRY = Duration.ofMillis(100);

    private static final Logger LOG = LoggerFactory.getLogger(VfioUserServer.class);

    private final EmulatedFunction function;
    private final UnixListener listener;
    private final Thread acceptor;
    private volatile boolean closed;

    // The acceptor's.
    private volatile Session session;

    /**
     * Listens.
     *
     * @param directory made if it is missing, for this user only
     * @throws PlatformException if somebody listens there already, or the socket cannot be made
     * @throws UncheckedIOException if the directory cannot be made
     */
    public VfioUserServer(EmulatedFunction function, Path directory) {
        this.function = function;
        try {
            Files.createDirectories(directory);
        } catch (IOException refused) {
            throw new UncheckedIOException(refused);
        }
        listener = UnixListener.listen(directory.resolve(DeviceDirectory.SOCKET), BACKLOG);
        acceptor = Thread.ofPlatform()
                .name("vfio-user server of " + function.address())
                .daemon()
                .start(this::run);
        LOG.info("{} is served at {}", function.address(), listener.path());
    }

    private void run() {
        while (!closed) {
            try {
                accept();
            } catch (IllegalStateException | InterruptedException closing) {
                return;
            } catch (PlatformException outOfDescriptors) {
                LOG.warn("{}: a client could not be let in: {}", function.address(), outOfDescriptors.getMessage());
                pause();
            }
        }
    }

    private void accept() throws InterruptedException {
        var socket = listener.accept(Long.MAX_VALUE);
        if (socket == null) {
            return;
        }
        boolean alone = false;
        try {
            var before = session;
            // One that has left is waited for, whether that was seen or not: whoever comes back at once is not turned
            // away.
            alone = before == null || before.awaitEnd(before.isEnding() ? CLOSE_BOUND : Duration.ZERO);
            if (!alone) {
                LOG.info("{}: a second client is turned away", function.address());
                return;
            }
        } finally {
            // Also when this server is closed meanwhile.
            if (!alone) {
                socket.close();
            }
        }
        var next = new Session(function, socket);
        session = next;
        if (closed || !next.awaitAgreement(INTRODUCTION_BOUND)) {
            next.close();
        }
    }

    private static void pause() {
        try {
            Thread.sleep(RETRY);
        } catch (InterruptedException closing) {
            Thread.currentThread().interrupt();
        }
    }

    /** Whether a client is being served, or what it left is being put away. */
    public boolean hasClient() {
        var now = session;
        return now != null && now.holdsTheFunction();
    }

    /** Stops listening, ends the client's connection, resets the function. Idempotent. */
    @Override
    public void close() {
        closed = true;
        listener.close();
        acceptor.interrupt();
        var now = session;
        if (now != null) {
            now.close();
        }
        try {
            if (!acceptor.join(CLOSE_BOUND)) {
                LOG.warn("{}: the vfio-user server has not ended within {}", function.address(), CLOSE_BOUND);
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
