package io.doorbell.emulator;

import java.lang.foreign.MemorySegment;

/**
 * The device's look at the {@link Iommu}: finds the memory behind an IOVA, and remembers the region of the last hit, which is
 * nearly always that of the next. Every queue has its own. Owner: the device's reactor.
 */
final class DmaWindow {
    private final Iommu iommu;
    private Iommu.Table table = Iommu.Table.EMPTY;

    // The region of the last hit: for data, and for the lists that tell where data is.
    MemorySegment segment = MemorySegment.NULL;
    long start;
    long bytes;

    DmaWindow(Iommu iommu) {
        this.iommu = iommu;
    }

    /** Takes up what the driver has mapped and unmapped; before each batch. */
    void refresh() {
        var current = iommu.table();
        if (current != table) {
            table = current;
            segment = MemorySegment.NULL;
            start = 0;
            bytes = 0;
        }
    }

    /** Whether all of {@code length} bytes (1 or more) at {@code iova} lie in the region of the last hit. */
    boolean hit(long iova, long length) {
        long offset = iova - start;
        // No overflow: bytes and length are not negative, and an offset that wrapped is either negative or beyond them.
        return offset >= 0 && offset <= bytes - length;
    }

    /**
     * Finds {@code length} bytes (1 or more) at {@code iova}.
     *
     * @return false when they do not lie in one region; otherwise they are in {@link #segment} from {@code iova - start} on
     */
    boolean find(long iova, long length) {
        return hit(iova, length) || findRegion(iova) && hit(iova, length);
    }

    /** Finds the region of one address; {@link #available} tells how much follows. */
    boolean findRegion(long iova) {
        int found = table.find(iova);
        if (found < 0) {
            return false;
        }
        segment = table.region(found);
        start = table.start(found);
        bytes = segment.byteSize();
        return true;
    }

    /** Bytes of the region of the last hit from {@code iova} on. */
    long available(long iova) {
        return bytes - (iova - start);
    }
}
