package io.doorbell.reactor;

/**
 * A duty cycle that a {@link Reactor} runs over and over. Every method is called by the reactor's thread only, must not
 * block, and must not throw for anything a peer or a device did: an exception removes the poller (the reactor logs and
 * counts it; the other pollers go on). Only an {@link InternalError}, by which the JVM tells, and sometimes late, that mapped memory has
 * gone, leaves it where it is, unless they do not end.
 */
public interface Poller {

    /**
     * One cycle.
     *
     * @param nowNanos {@link System#nanoTime()} as the reactor read it lately: coarse, good for timeouts and for the
     *     latency of a batch, never read per I/O
     * @return how much work was done; 0 tells the reactor that it may become idle
     */
    int poll(long nowNanos);

    /**
     * Asked once the reactor has been idle for a while and would like to sleep. Returning {@code true} promises that
     * from now on someone calls {@link Reactor#wake()} when there is work again, or that the work comes by
     * {@link Reactor#execute}. A poller that waits for a device which gives no sign (a polled queue pair with commands
     * in flight) returns {@code false}. Arm the sign (an event index, say) first and look for work once more after it.
     */
    boolean readyToPark();

    /** The reactor is awake again after {@link #readyToPark()} returned true: disarm. */
    default void unparked() {}

    /** The longest time a sleep may last, for pollers with deadlines; the reactor takes the least of all. */
    default long parkLimitNanos(long nowNanos) {
        return Long.MAX_VALUE;
    }

    /**
     * A file descriptor that is readable while there is work (an epoll of sockets), or -1 for none. The reactor sleeps on it too, so it needs no
     * {@link Reactor#wake()}. Asked once, when the poller is added; open for as long as the poller runs.
     */
    default int descriptor() {
        return -1;
    }
}
