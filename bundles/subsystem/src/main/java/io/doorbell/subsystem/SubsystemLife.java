package io.doorbell.subsystem;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What SMART tells of a subsystem's whole life: how often it was started, for how long it ran, and how often it ended without being
 * told. A file says that it runs; one that still says so at the next start was written by a node that was killed or lost power. Hours
 * are written down each hour, so a kill costs one.
 *
 * <p>Any thread.
 */
final class SubsystemLife implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SubsystemLife.class);

    private static final Duration WRITE_DOWN = Duration.ofHours(1);

    private final InstantSource clock;
    private final Instant started;
    /** Null where nothing outlives the node. */
    private final KeptDocument document;

    private final Thread writer;

    // Guarded by this.
    private final long secondsBefore;
    private final long powerCycles;
    private long unsafeShutdowns;
    private boolean closed;

    /** @param folder of all subsystems' files; null to begin anew with each start */
    SubsystemLife(Path folder, String nqn, InstantSource clock) {
        this.clock = clock;
        started = clock.instant();
        document = folder == null ? null : new KeptDocument(folder.resolve(KeptDocument.safe(nqn) + ".json"));
        long cycles = 0;
        long seconds = 0;
        long unsafe = 0;
        try {
            var before = document == null ? null : document.read();
            if (before != null) {
                cycles = number(before.get("powerCycles"));
                seconds = number(before.get("powerOnSeconds"));
                unsafe = number(before.get("unsafeShutdowns")) + (Boolean.TRUE.equals(before.get("running")) ? 1 : 0);
            }
        } catch (IOException | ClassCastException | NullPointerException damaged) {
            LOG.error("how often {} was started is not known any more, and counted anew: {}", nqn, damaged.toString());
        }
        powerCycles = cycles + 1;
        secondsBefore = seconds;
        unsafeShutdowns = unsafe;
        write(true);
        writer = document == null
                ? null
                : Thread.ofVirtual().name("life of " + nqn).start(this::writeDown);
    }

    private static long number(Object value) {
        return ((Number) value).longValue();
    }

    private void writeDown() {
        try {
            while (true) {
                Thread.sleep(WRITE_DOWN);
                synchronized (this) {
                    if (!closed) {
                        write(true);
                    }
                }
            }
        } catch (InterruptedException ended) {
            // It is closed.
        }
    }

    private void write(boolean running) {
        if (document == null) {
            return;
        }
        var state = new LinkedHashMap<String, Object>();
        state.put("powerCycles", powerCycles);
        state.put("powerOnSeconds", powerOnSeconds());
        state.put("unsafeShutdowns", unsafeShutdowns);
        state.put("running", running);
        try {
            document.write(state);
        } catch (IOException failed) {
            LOG.error("{} cannot be written: what SMART tells will be too little", document.file(), failed);
        }
    }

    private long powerOnSeconds() {
        return secondsBefore + Duration.between(started, clock.instant()).toSeconds();
    }

    long powerCycles() {
        return powerCycles;
    }

    synchronized long powerOnHours() {
        return powerOnSeconds() / 3600;
    }

    synchronized long unsafeShutdowns() {
        return unsafeShutdowns;
    }

    /** A host lost its device without having shut it down. */
    synchronized void unsafeShutdown() {
        if (!closed) {
            unsafeShutdowns++;
        }
    }

    /** The end that it was told of. */
    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            if (writer != null) {
                writer.interrupt();
            }
            write(false);
        }
    }
}
