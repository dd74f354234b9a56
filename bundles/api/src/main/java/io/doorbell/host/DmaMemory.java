package io.doorbell.host;

import java.lang.foreign.MemorySegment;

/**
 * Memory that a controller can reach, contiguous to the device: byte {@code n} of {@link #segment()} is at
 * {@code iova() + n}. The segment lives as long as the lease (or whoever asked) that it was allocated for; an access
 * after that throws {@link IllegalStateException}. No thread owns it: use it from the owner of the queue pair.
 */
public final class DmaMemory {
    private final MemorySegment segment;
    private final long iova;

    /** Of the segment: here, so that checking a transfer needs no call. */
    private final long byteSize;

    /** For providers: {@code segment} is the view with the lifetime of the lease. */
    public DmaMemory(MemorySegment segment, long iova) {
        this.segment = segment;
        this.iova = iova;
        this.byteSize = segment.byteSize();
    }

    public MemorySegment segment() {
        return segment;
    }

    /** The address by which the device sees the first byte. */
    public long iova() {
        return iova;
    }

    public long byteSize() {
        return byteSize;
    }
}
