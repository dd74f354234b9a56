package io.doorbell.verbs;

import io.doorbell.reactor.Reactor;

/** Where requests end. Owner: the thread of {@link #owner}. */
public interface CompletionQueue extends AutoCloseable {

    Reactor owner();

    int entries();

    /**
     * Takes what has ended, up to the size of {@code into}. The owner's thread; no system call is promised, and no garbage made.
     *
     * @return how many
     * @throws IllegalStateException when the queue has overrun, which is a mistake of whoever chose its size
     */
    int poll(Completions into);

    /**
     * Arms the sign of {@link #descriptor}, and looks whether there is anything. The owner's thread.
     *
     * @return whether the owner may sleep: nothing is there, and what comes makes the descriptor readable or wakes the owner
     */
    boolean readyToPark();

    /** A descriptor that is readable when something has come since {@link #readyToPark}; -1 where the owner is woken without one. */
    int descriptor();

    /** @throws IllegalStateException while a queue pair uses it */
    @Override
    void close();
}
