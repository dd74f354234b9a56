package io.doorbell.driver;

import io.doorbell.platform.EventFd;
import java.util.concurrent.locks.LockSupport;

/**
 * The one thread of a controller: takes admin completions, advances the {@link CoarseClock}, and looks after the controller
 * now and then. Right after a command it polls closely, later in steps that grow with the wait, and when nobody waits it
 * sleeps: asynchronous events are seen within the clock's step. Where the admin queue interrupts, it sleeps on that instead of polling.
 */
public final class AdminThread implements AutoCloseable {
    private static final long CLOSE_BOUND_MILLIS = 2_000;
    private static final long SPIN_NANOS = 20_000;
    private static final long LONGEST_WAIT_NANOS = 1_000_000;
    private static final long LOOK_AFTER_NANOS = 100_000_000;

    private final AdminQueue queue;
    private final CoarseClock clock;
    private final Runnable lookAfter;

    /** What it sleeps on; null where it polls. */
    private final EventFd sign;

    private final Runnable ended;
    private final Thread thread;
    private volatile boolean closed;

    /**
     * @param sign what completions signal; null to poll
     * @param ended called when the thread has ended: the sign is not waited on any more
     * @param lookAfter what to do about ten times a second; must not block
     */
    public AdminThread(
            String name, AdminQueue queue, CoarseClock clock, EventFd sign, Runnable ended, Runnable lookAfter) {
        this.queue = queue;
        this.clock = clock;
        this.lookAfter = lookAfter;
        this.sign = sign;
        this.ended = ended;
        thread = Thread.ofPlatform().name(name).daemon().unstarted(this::run);
        queue.wakes(this::wake);
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
                sleep(clock.sleepNanos());
            } else if (now - quietSince < SPIN_NANOS) {
                Thread.yield();
            } else if (sign != null) {
                sleep(clock.sleepNanos());
            } else {
                sleep(Math.min(now - quietSince, LONGEST_WAIT_NANOS));
            }
        }
        ended.run();
    }

    private void sleep(long nanos) {
        if (sign == null) {
            LockSupport.parkNanos(nanos);
        } else if (sign.await(nanos)) {
            sign.drain();
        }
    }

    /** Any thread. */
    private void wake() {
        if (sign == null) {
            LockSupport.unpark(thread);
        } else {
            Signs.signal(sign);
        }
    }

    /** Ends the thread and waits for it, within a bound; not when called by the thread itself. */
    @Override
    public void close() {
        closed = true;
        wake();
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
