package io.doorbell.verbs.provider;

import io.doorbell.reactor.Reactor;
import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Has something done on the thread of the reactor that owns a device's queues, and by the caller when that thread has ended: then nobody owns them. Any
 * thread.
 */
public final class OwnerThread {
    private static final Duration CALL_BOUND = Duration.ofSeconds(5);

    /** A reactor that has no room for one more task is asked again after this. */
    private static final long FULL_RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private OwnerThread() {}

    /**
     * Waits for the end of the task.
     *
     * @throws IllegalStateException when the owner does not come round in 5 s; a task that has begun may end yet
     */
    public static void run(Reactor owner, Runnable task) {
        long deadline = System.nanoTime() + CALL_BOUND.toNanos();
        while (true) {
            try {
                owner.call(
                        () -> {
                            task.run();
                            return null;
                        },
                        CALL_BOUND);
                return;
            } catch (RejectedExecutionException endedOrFull) {
                // Beside an owner that lives nothing may run.
                if (!owner.thread().isAlive()) {
                    task.run();
                    return;
                }
                if (System.nanoTime() - deadline > 0) {
                    throw new IllegalStateException(owner.name() + " took no task for " + CALL_BOUND, endedOrFull);
                }
                LockSupport.parkNanos(FULL_RETRY_NANOS);
            }
        }
    }

    /** Does not wait, neither for the task nor for room for it. */
    public static void runLater(Reactor owner, Runnable task) {
        try {
            owner.execute(task);
        } catch (RejectedExecutionException endedOrFull) {
            if (!owner.thread().isAlive()) {
                task.run();
                return;
            }
            // The caller may hold a lock that the owner waits for.
            Thread.ofVirtual().name("task for " + owner.name()).start(() -> run(owner, task));
        }
    }
}
