package io.doorbell.pcie;

import io.doorbell.nvme.PrpMath;
import io.doorbell.pci.PciAccess;
import io.doorbell.platform.MemoryView;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Memory of ours that the device reaches, and views of it with lifetimes of their own. Any thread. */
final class DmaRegion implements AutoCloseable {
    private final PciAccess.DmaBlock block;

    private DmaRegion(PciAccess.DmaBlock block) {
        this.block = block;
    }

    /**
     * @param bytes rounded up to whole pages
     * @throws io.doorbell.pci.PciException when it cannot be mapped
     */
    static DmaRegion allocate(PciAccess access, long bytes) {
        return new DmaRegion(access.allocate(bytes));
    }

    static long roundUpToPages(long bytes) {
        return bytes + PrpMath.PAGE_BYTES - 1 & -PrpMath.PAGE_BYTES;
    }

    /** All of it, until closed. */
    MemorySegment segment() {
        return block.segment();
    }

    long iova() {
        return block.iova();
    }

    /** The bytes from {@code offset} on, for as long as {@code arena} lives. */
    MemorySegment view(long offset, long bytes, Arena arena) {
        return MemoryView.within(block.segment().asSlice(offset, bytes), arena);
    }

    /**
     * Unmaps from the device, then frees. Idempotent.
     *
     * @throws IllegalStateException while a view is open; the device does not reach the memory any more then, and the call
     *     may be repeated
     */
    @Override
    public void close() {
        block.close();
    }
}
