package io.doorbell.fabrics.host;

import io.doorbell.host.DmaAllocation;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;

/** How a host reaches one address. Control plane: any thread, blocks within bounds. A transport implements it. */
public interface HostTransport extends AutoCloseable {

    /**
     * A new connection, initialized as the transport does it, and nothing sent through it yet.
     *
     * @param controllerId whose I/O queue it is to be; of no meaning for an admin queue
     * @param entries of the queue that it is to be, which bounds the commands in flight
     * @throws io.doorbell.nvme.NvmeException of kind {@code RETRY} when there is nobody, of kind {@code GIVE_UP} when who is there does not
     *     speak as it should
     */
    HostConnection connect(int queueId, int controllerId, int entries, Duration bound);

    /** Memory for data; see {@link io.doorbell.host.NvmeController#allocateDma}. */
    DmaAllocation allocateDma(long bytes, Arena arena);

    /** What of Identify Controller makes this transport impossible, as a sentence; null for nothing. */
    String objection(MemorySegment identity);

    /** No more connections. Memory is freed when those that there are have been closed. Idempotent. */
    @Override
    void close();
}
