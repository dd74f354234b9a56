package io.doorbell.emulator;

import io.doorbell.pci.PciException;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * What the driver let the device reach: an IOMMU in software. A driver in this process uses the address that the memory has here as its
 * IOVA, as users of VFIO do too; one in another process says which. It is worth nothing without an entry here.
 *
 * <p>The table is immutable and replaced as a whole by {@link #map} and {@link #unmap} (any thread). The device's reactor looks at it
 * through {@link DmaWindow}s, once per batch, so it never sees half a change and pays one load for it.
 */
final class Iommu {
    /** The most regions mapped at one time, as VFIO's default {@code dma_entry_limit}. */
    static final int MAX_REGIONS = 65_535;

    static final int PAGE_BYTES = 4096;

    /** The regions in order of their IOVAs, which do not overlap. */
    static final class Table {
        static final Table EMPTY = new Table(new MemorySegment[0], new long[0]);

        private final MemorySegment[] regions;
        private final long[] starts;

        private Table(MemorySegment[] regions, long[] starts) {
            this.regions = regions;
            this.starts = starts;
        }

        /** The index of the region that {@code iova} lies in, or -1. */
        int find(long iova) {
            int found = Arrays.binarySearch(starts, iova);
            if (found < 0) {
                found = -found - 2;
            }
            // IOVAs are positive, so what looks negative lies below the first region.
            return found < 0 || iova - starts[found] >= regions[found].byteSize() ? -1 : found;
        }

        MemorySegment region(int index) {
            return regions[index];
        }

        /** The IOVA of its first byte. */
        long start(int index) {
            return starts[index];
        }

        private Table with(int at, MemorySegment region, long start) {
            var more = new MemorySegment[regions.length + 1];
            var moreStarts = new long[more.length];
            System.arraycopy(regions, 0, more, 0, at);
            System.arraycopy(starts, 0, moreStarts, 0, at);
            more[at] = region;
            moreStarts[at] = start;
            System.arraycopy(regions, at, more, at + 1, regions.length - at);
            System.arraycopy(starts, at, moreStarts, at + 1, regions.length - at);
            return new Table(more, moreStarts);
        }

        private Table without(int at) {
            var fewer = new MemorySegment[regions.length - 1];
            var fewerStarts = new long[fewer.length];
            System.arraycopy(regions, 0, fewer, 0, at);
            System.arraycopy(starts, 0, fewerStarts, 0, at);
            System.arraycopy(regions, at + 1, fewer, at, fewer.length - at);
            System.arraycopy(starts, at + 1, fewerStarts, at, fewer.length - at);
            return new Table(fewer, fewerStarts);
        }

        int size() {
            return regions.length;
        }
    }

    // Volatile: the device reactor's acquire load pairs with the store in map and unmap.
    private volatile Table table = Table.EMPTY;

    Table table() {
        return table;
    }

    /** Adds a region at the address that it has here. The caller has checked that the device's thread may access it. */
    void map(MemorySegment memory) {
        map(memory.address(), memory);
    }

    /** Adds a region at an IOVA that the driver chose. */
    synchronized void map(long start, MemorySegment memory) {
        long bytes = memory.byteSize();
        if (!memory.isNative() || memory.isReadOnly()) {
            throw new PciException("only native memory that can be written to can be mapped for DMA");
        }
        if (start % PAGE_BYTES != 0 || bytes == 0 || bytes % PAGE_BYTES != 0 || start < 0 || start + bytes < 0) {
            throw new PciException(String.format(
                    "DMA memory is mapped in whole pages of %d bytes below 2^63: not %d bytes at %Xh",
                    PAGE_BYTES, bytes, start));
        }
        var old = table;
        if (old.regions.length == MAX_REGIONS) {
            throw new PciException("no more than " + MAX_REGIONS + " regions can be mapped for DMA at one time");
        }
        int at = Arrays.binarySearch(old.starts, start);
        int insertion = at < 0 ? -at - 1 : at;
        boolean meetsNext = insertion < old.regions.length && old.starts[insertion] - start < bytes;
        boolean meetsPrevious =
                insertion > 0 && start - old.starts[insertion - 1] < old.regions[insertion - 1].byteSize();
        if (at >= 0 || meetsNext || meetsPrevious) {
            throw new PciException(
                    String.format("DMA memory at %Xh, %d bytes, overlaps what is mapped already", start, bytes));
        }
        table = old.with(insertion, memory, start);
    }

    /** Takes the very region away that was mapped. Returns whether it was there. */
    synchronized boolean unmap(MemorySegment memory) {
        var old = table;
        for (int i = 0; i < old.regions.length; i++) {
            if (old.regions[i] == memory) {
                table = old.without(i);
                return true;
            }
        }
        return false;
    }

    /** Takes everything away. */
    synchronized void clear() {
        table = Table.EMPTY;
    }
}
