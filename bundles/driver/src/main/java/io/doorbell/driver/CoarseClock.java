package io.doorbell.driver;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Milliseconds, as the admin thread last saw them. Owners of queue pairs compare {@link #millis} with what they saw before: a
 * load from a cache line that changes a few times a second, where reading the real clock would cost as much as a command.
 *
 * <p>It does not jump: when this machine was suspended, or the admin thread got no CPU, the device got no time either.
 */
public final class CoarseClock {
    private static final VarHandle MILLIS;

    static {
        try {
            MILLIS = MethodHandles.lookup()
                    .findVarHandle(CoarseClock.class, "millis", int.class)
                    .withInvokeExactBehavior();
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Wraps around; only differences mean anything. Read plainly by owners, who need it soon, not now. */
    public int millis;

    /** A timeout is noticed in so many steps of the clock. */
    public static final int STEPS = 10;

    private static final long LONGEST_STEP_NANOS = 1_000_000_000;
    private static final long LONGEST_SLEEP_NANOS = 50_000_000;
    private static final long SHORTEST_SLEEP_NANOS = 1_000_000;

    /** How long who advances it may sleep. */
    private volatile long sleepNanos = LONGEST_SLEEP_NANOS;

    private long lastNanos = System.nanoTime();
    private long elapsedNanos;

    /** One thread at a time. */
    public synchronized void advance(long nowNanos) {
        elapsedNanos += Math.clamp(nowNanos - lastNanos, 0, LONGEST_STEP_NANOS);
        lastNanos = nowNanos;
        MILLIS.setOpaque(this, (int) (elapsedNanos / 1_000_000));
    }

    public long sleepNanos() {
        return sleepNanos;
    }

    /** Timeouts of so many milliseconds are to be noticed, 0 for none. It grows finer, not coarser. */
    public synchronized void notices(int timeoutMillis) {
        if (timeoutMillis > 0) {
            long step = Math.max(SHORTEST_SLEEP_NANOS, timeoutMillis * 1_000_000L / STEPS);
            sleepNanos = Math.min(sleepNanos, step);
        }
    }

    /** As above, for all that a queue pair has to notice. */
    public void notices(QueuePairParts parts) {
        notices((int) parts.timeout().after().toMillis());
        parts.injected().forEach(error -> notices((int) error.delay().toMillis()));
    }
}
