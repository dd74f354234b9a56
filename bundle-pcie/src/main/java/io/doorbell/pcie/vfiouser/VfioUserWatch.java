package io.doorbell.pcie.vfiouser;

import io.doorbell.pci.PciException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps one function there whenever its process is: connects, tells that it came, tells when it went, and connects again. A thread of its own; close it
 * to end it.
 */
public final class VfioUserWatch implements AutoCloseable {
    /** The first wait after a failure; each further one is twice as long, up to the bound. */
    private static final Duration FIRST_WAIT = Duration.ofMillis(20);

    /** How long {@link #close} waits for whoever was told that the function has gone: drivers shut controllers down then. */
    private static final Duration CLOSE_BOUND = Duration.ofSeconds(60);

    private static final Logger LOG = LoggerFactory.getLogger(VfioUserWatch.class);

    private final Path directory;
    private final Duration answerBound;
    private final Duration longestWait;
    private final Consumer<VfioUserFunction> came;
    private final Consumer<VfioUserFunction> went;
    private final Thread thread;
    private volatile boolean closed;

    /**
     * @param directory in which the socket is; absolute
     * @param answerBound see {@link VfioUserFunction#connect}
     * @param longestWait the longest pause between two attempts to connect
     * @param came is told of each function, on the thread of the watch
     * @param went is told of the same function when it has gone or the watch is closed; it is closed when this has returned
     */
    public VfioUserWatch(
            Path directory,
            Duration answerBound,
            Duration longestWait,
            Consumer<VfioUserFunction> came,
            Consumer<VfioUserFunction> went) {
        this.directory = directory;
        this.answerBound = answerBound;
        this.longestWait = longestWait;
        this.came = came;
        this.went = went;
        thread = Thread.ofVirtual().name("vfio-user watch of " + directory).start(this::run);
    }

    private void run() {
        var wait = FIRST_WAIT;
        boolean toldWaiting = false;
        while (!closed) {
            try {
                var function = VfioUserFunction.connect(directory, answerBound);
                wait = FIRST_WAIT;
                toldWaiting = false;
                attend(function);
                continue;
            } catch (PciException absent) {
                if (!toldWaiting) {
                    LOG.info("waiting for the device: {}", absent.getMessage());
                    toldWaiting = true;
                }
            } catch (RuntimeException failed) {
                LOG.error("{}: cannot be watched now", directory, failed);
            }
            if (!pause(wait)) {
                return;
            }
            wait = longestWait.compareTo(wait.multipliedBy(2)) < 0 ? longestWait : wait.multipliedBy(2);
        }
    }

    private void attend(VfioUserFunction function) {
        LOG.info("{} is there", function);
        try {
            came.accept(function);
            function.awaitEnd();
            LOG.info("{} has gone: {}", function, function.endedFor());
        } catch (InterruptedException closing) {
            // The loop ends.
        } finally {
            // While it still answers, if it does: a driver shuts its controller down.
            went.accept(function);
            function.close();
        }
    }

    private boolean pause(Duration wait) {
        try {
            Thread.sleep(wait);
            return !closed;
        } catch (InterruptedException closing) {
            return false;
        }
    }

    /** Ends the watch: if there is a function, it goes. Idempotent. */
    @Override
    public void close() {
        closed = true;
        thread.interrupt();
        try {
            if (!thread.join(CLOSE_BOUND)) {
                LOG.warn("{}: the watch has not ended within {}", directory, CLOSE_BOUND);
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
