package io.doorbell.verbs;

/** Registered memory. Requests name it by {@link #localKey}, peers by {@link #remoteKey}; both by virtual addresses. Any thread. */
public interface MemoryRegion extends AutoCloseable {

    /** The virtual address of the first byte. */
    long address();

    long bytes();

    int localKey();

    /** For peers; of no use to them without an access flag for them. */
    int remoteKey();

    /** How a provider knows it in a request that binds a window: {@link SendRequests#bind}. */
    long handle();

    /**
     * From its return on nobody reaches the memory through this region any more. Requests and peers that still try end with an error.
     * Windows on it open nothing any more.
     *
     * @throws IllegalStateException where a device refuses that while a window is bound to it
     */
    @Override
    void close();
}
