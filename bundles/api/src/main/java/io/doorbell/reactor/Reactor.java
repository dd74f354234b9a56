package io.doorbell.reactor;

import io.doorbell.platform.EventFd;
import java.time.Duration;
import java.util.concurrent.Callable;

/**
 * One thread that runs {@link Poller}s: it spins while there is work, yields when there is none, and parks on an eventfd
 * when there has been none for a while and every poller agrees. All methods may be called by any thread.
 */
public interface Reactor extends AutoCloseable {

    String name();

    /** The CPU this reactor is pinned to, or -1 where pinning was neither asked for nor permitted. */
    int cpu();

    Thread thread();

    default boolean isCurrent() {
        return Thread.currentThread() == thread();
    }

    /** Adds a poller; when this returns, it runs. On the reactor's own thread it runs from the next cycle on. */
    void add(Poller poller);

    /** Removes a poller; when this returns it does not run any more. Unknown pollers are ignored. */
    void remove(Poller poller);

    /**
     * Hands a task to the reactor's thread and returns at once.
     *
     * @throws java.util.concurrent.RejectedExecutionException when the bounded queue of tasks is full or the reactor closed
     */
    void execute(Runnable task);

    /**
     * Runs a task on the reactor's thread and waits for its result; runs it directly when called on that thread.
     *
     * @throws IllegalStateException when the reactor does not come round within the bound; the task is then withdrawn
     *     if it has not begun
     */
    <T> T call(Callable<T> task, Duration bound);

    /**
     * Ends a park, if there is one. Costs a volatile load when there is none. What it announces must be visible first: by
     * a volatile store, or with {@link java.lang.invoke.VarHandle#fullFence} between the store and this call. A release
     * store alone may pass the load, and then the reactor sleeps.
     */
    void wake();

    /**
     * What this reactor sleeps on, for those who can signal but not call: a device that interrupts, a process that shares it. A signal ends a sleep as
     * {@link #wake()} does, also one that begins after it; when the reactor is awake it costs one spurious wakeup at most. Only signal it:
     * waiting, draining and closing are the reactor's.
     */
    EventFd sign();

    ReactorStatistics statistics();

    /** Stops the thread after the current cycle and waits for it, within a bound. Pollers are dropped. Idempotent. */
    @Override
    void close();
}
