package io.doorbell.verbs;

/**
 * A part of a region that one peer may reach for a while: a memory window of type 2B. A {@linkplain SendRequests#bind request} binds it under a
 * new key, and it is unbound by a {@linkplain SendRequests#invalidate request}, or by the peer with {@link SendRequests#sendInvalidate}.
 */
public interface MemoryWindow extends AutoCloseable {

    /** The key of the last bind; its lower 8 bits are the user's, who counts them up for the next one. The owner of the queue pair. */
    int remoteKey();

    /** How a provider knows it in a request. */
    long handle();

    /** Unbinds it, if it is bound. Control path. */
    @Override
    void close();
}
