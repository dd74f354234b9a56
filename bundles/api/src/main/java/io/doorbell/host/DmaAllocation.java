package io.doorbell.host;

/**
 * Memory allocated for a lease, with the key to give it back. {@link #close()} unmaps it from the device and frees it; do
 * so when the device can no longer reach it (its queues are deleted) and the view in {@link #memory()} is closed.
 */
public interface DmaAllocation extends AutoCloseable {
    DmaMemory memory();

    @Override
    void close();
}
