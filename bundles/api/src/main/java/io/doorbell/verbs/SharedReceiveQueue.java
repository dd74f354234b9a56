package io.doorbell.verbs;

import io.doorbell.reactor.Reactor;

/** Receives for several queue pairs, which take them in the order of posting. Owner: the thread of {@link #owner}. */
public interface SharedReceiveQueue extends AutoCloseable {

    Reactor owner();

    /** As {@link VerbsQueuePair#postReceive}. */
    int postReceive(ReceiveRequests requests);

    /** @throws IllegalStateException while a queue pair uses it */
    @Override
    void close();
}
