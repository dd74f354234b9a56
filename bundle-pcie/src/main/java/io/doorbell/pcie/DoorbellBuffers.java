package io.doorbell.pcie;

import io.doorbell.nvme.Doorbell;
import io.doorbell.nvme.PrpMath;
import io.doorbell.pci.PciAccess;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * One page of shadow doorbells and one of event indexes. NVMe Base 2.1 §5.2.5 "Doorbell Buffer Config command". They live as
 * long as the controller object, over resets: a stale holder of a queue pair may still store to its words.
 */
final class DoorbellBuffers implements AutoCloseable {
    private static final long EVENT_INDEX_OFFSET = PrpMath.PAGE_BYTES;

    private final DmaRegion region;

    DoorbellBuffers(PciAccess access) {
        region = DmaRegion.allocate(access, 2 * PrpMath.PAGE_BYTES);
    }

    /** Whether a page holds the words of so many queue pairs besides the admin queue. */
    static boolean hold(int queuePairs, int dstrd) {
        return Doorbell.shadowCompletionHeadOffset(queuePairs, dstrd) + Doorbell.SIZE_BYTES <= PrpMath.PAGE_BYTES;
    }

    long shadowIova() {
        return region.iova();
    }

    long eventIndexIova() {
        return region.iova() + EVENT_INDEX_OFFSET;
    }

    /** All zero, as the controller expects them. */
    void clear() {
        region.segment().fill((byte) 0);
    }

    void clear(long wordOffset) {
        Doorbell.store(region.segment(), wordOffset, 0);
        Doorbell.store(region.segment(), EVENT_INDEX_OFFSET + wordOffset, 0);
    }

    MemorySegment shadow(long wordOffset, Arena arena) {
        return region.view(wordOffset, Doorbell.SIZE_BYTES, arena);
    }

    MemorySegment eventIndex(long wordOffset, Arena arena) {
        return region.view(EVENT_INDEX_OFFSET + wordOffset, Doorbell.SIZE_BYTES, arena);
    }

    @Override
    public void close() {
        region.close();
    }
}
