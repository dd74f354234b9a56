package io.doorbell.verbs;

/** What becomes of a connection; one call at a time, in order, on virtual threads. */
public interface ConnectionListener {

    /** The peer has taken what was accepted. Not called for a connection that this side asked for. */
    default void established() {}

    /**
     * It has ended, once: the peer disconnected, is gone, or one of the queue pairs failed. Everything in flight is being flushed.
     *
     * @param reason for a log
     */
    void disconnected(String reason);
}
