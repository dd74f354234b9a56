package io.doorbell.verbs;

/**
 * One end of a reliable connection (RC). Owner: the thread of its completion queues' reactor, which posts; closing is control path.
 *
 * <p>Requests of the send queue begin in the order of posting, and complete in it. Data of an RDMA write are there before the peer sees a send that was
 * posted behind it. Memory that a request names is left alone until the request has completed.
 *
 * <p>When something fails, the request that met it completes with the status that says what, and every other one, also of the receive queue, with
 * {@link Completions#FLUSHED}; that happens too when the connection ends. A shared receive queue keeps its requests. An error completes with or without
 * {@link SendRequests#SIGNALED}.
 */
public interface VerbsQueuePair extends AutoCloseable {
    /** It is not connected, or no more: nothing was posted. */
    int NOT_CONNECTED = -2;

    /** The number that the peer sends to, 24 bits. */
    int number();

    /** Whether it is connected, so that sends can be posted. Any thread. */
    boolean isConnected();

    /**
     * Posts requests to the send queue.
     *
     * @return how many, from the first on: fewer than there are when the queue is full; or {@link #NOT_CONNECTED}
     */
    int post(SendRequests requests);

    /**
     * Posts requests to its own receive queue; possible before it is connected.
     *
     * @return how many, from the first on; or {@link #NOT_CONNECTED} when it is not connected any more
     */
    int postReceive(ReceiveRequests requests);

    /** Ends it. What was posted and is not polled is gone. Control path; idempotent. Not on the thread of another reactor. */
    @Override
    void close();
}
