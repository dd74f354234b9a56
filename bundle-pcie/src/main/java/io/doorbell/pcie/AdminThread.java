package io.doorbell.pcie;

import java.util.concurrent.locks.LockSupport;

/**
 * The one thread of a controller: takes admin completions, advances the {@link CoarseClock}, and looks after the controller
 * now and then. Right after a command it polls closely, later in steps that grow with the wait, and when nobody waits it
 * sleeps: asynchronous events are seen within {@link #LONGEST_SLEEP_NANOS}.
 */
final class AdminThread implements AutoCloseable {
    static final long LONGEST_SLEEP_NANOS = 50_000_000;

    private static final long CLOSE_BOUND_MILLIS = 2_000;
    private static final long SPIN_NANOS = 20_000;
    private static final long LONGEST_WAIT_NANOS = 1_000_000;
    private static final long LOOK_AFTER_NANOS = 100_000_000;

    private final AdminQueue queue;
    private final CoarseClock clock;
    private final Runnable lookAfter;
    private final long sleepNanos;
    private final Thread thread;
    private volatile boolean closed;

    /**
     * @param sleepNanos longest sleep, at most {@link #LONGEST_SLEEP_NANOS}: the clock's step
     * @param lookAfter what to do about ten times a second; must not block
     */
    AdminThread(String name, AdminQueue queue, CoarseClock clock, long sleepNanos, Runnable lookAfter) {
        this.queue = queue;
        this.clock = clock;
        this.sleepNanos = Math.min(sleepNanos, LONGEST_SLEEP_NANOS);
        this.lookAfter = lookAfter;
        thread = Thread.ofPlatform().name(name).daemon().unstarted(this::run);
        queue.wakes(thread);
        thread.start();
    }

    private void run() {
        long quietSince = System.nanoTime();
        long lookedAfter = quietSince;
        boolean wasAwaited = false;
        while (!closed) {
            boolean worked = queue.reap() > 0;
            long now = System.nanoTime();
            clock.advance(now);
            if (now - lookedAfter >= LOOK_AFTER_NANOS) {
                lookAfter.run();
                lookedAfter = now;
            }
            boolean awaited = queue.isAwaited();
            if (worked || awaited && !wasAwaited) {
                quietSince = now;
            }
            wasAwaited = awaited;
            if (!awaited) {
                LockSupport.parkNanos(sleepNanos);
            } else if (now - quietSince < SPIN_NANOS) {
                Thread.yield();
            } else {
                LockSupport.parkNanos(Math.min(now - quietSince, LONGEST_WAIT_NANOS));
            }
        }
    }

    /** Ends the thread and waits for it, within a bound; not when called by the thread itself. */
    @Override
    public void close() {
        closed = true;
        LockSupport.unpark(thread);
        if (Thread.currentThread() == thread) {
            return;
        }
        boolean interrupted = false;
        try {
            thread.join(CLOSE_BOUND_MILLIS);
        } catch (InterruptedException e) {
            interrupted = true;
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
