package io.doorbell.verbs;

import java.net.InetSocketAddress;

/** A connection of two queue pairs. Any thread; control path. */
public interface Connection extends AutoCloseable {
    /** Private data that can go with a request to connect; the rest of the 92 bytes is the header of RDMA_CM: Linux {@code struct cma_hdr}. */
    int MAX_CONNECT_BYTES = 56;

    int MAX_ACCEPT_BYTES = 196;
    int MAX_REJECT_BYTES = 148;

    VerbsQueuePair queuePair();

    InetSocketAddress peer();

    InetSocketAddress local();

    /** What the peer sent along when it accepted, zeros behind it; empty on the side that accepted. */
    byte[] privateData();

    /** What came of {@link ConnectParameters} of both sides, for this one. */
    ConnectParameters agreed();

    /** Tells the peer and ends the queue pair's work: everything in flight is flushed. Does not wait. Idempotent. */
    void disconnect();

    /** Disconnects. The queue pair is closed by whoever made it. */
    @Override
    void close();
}
