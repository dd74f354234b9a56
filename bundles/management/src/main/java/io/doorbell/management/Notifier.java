package io.doorbell.management;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Runs listeners of notifications on a thread of its own: whoever tells of something never waits for one. Bounded: what does not fit any
 * more is dropped, and counted.
 */
final class Notifier implements AutoCloseable {
    private static final int MAX_WAITING = 1024;

    private final AtomicLong dropped = new AtomicLong();
    private final ThreadPoolExecutor executor;

    Notifier(String name) {
        executor = new ThreadPoolExecutor(
                1,
                1,
                0,
                TimeUnit.SECONDS,
                new ArrayBlockingQueue<>(MAX_WAITING),
                Thread.ofVirtual().name(name).factory(),
                (_, _) -> dropped.incrementAndGet());
    }

    ThreadPoolExecutor executor() {
        return executor;
    }

    long dropped() {
        return dropped.get();
    }

    @Override
    public void close() {
        executor.shutdown();
    }
}
