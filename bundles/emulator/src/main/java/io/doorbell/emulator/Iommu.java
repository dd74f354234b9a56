package io.doorbell.emulator;

import io.doorbell.pci.PciException;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * What the driver let the device reach: an IOMMU in software. An IOVA is the address that the memory has in this process, as users
 * of VFIO choose it too; it is worth nothing without an entry here.
 *
 * <p>The table is immutable and replaced as a whole by {@link #map} and {@link #unmap} (any thread). The device's reactor looks at it
 * through {@link DmaWindow}s, once per batch, so it never sees half a change and pays one load for it.
 */
final class Iommu {
    /** The most regions mapped at one time, as VFIO's default {@code dma_entry_limit}. */
    static final int MAX_REGIONS = 65_535;

    static final int PAGE_BYTES = 4096;

    /** The regions in order of their addresses, which do not overlap. */
    static final class Table {
        static final Table EMPTY = new Table(new MemorySegment[0]);

        private final MemorySegment[] regions;
        private final long[] starts;

        Table(MemorySegment[] regions) {
            this.regions = regions;
            starts = new long[regions.length];
            for (int i = 0; i < regions.length; i++) {
                starts[i] = regions[i].address();
            }
        }

        /** The region that {@code iova} lies in, or null. */
        MemorySegment region(long iova) {
            int found = Arrays.binarySearch(starts, iova);
            if (found < 0) {
                found = -found - 2;
            }
            // Addresses of a process are positive, so what looks negative lies below the first region.
            if (found < 0 || iova - starts[found] >= regions[found].byteSize()) {
                return null;
            }
            return regions[found];
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

    /** Adds a region. The caller has checked that the device's thread may access it. */
    synchronized void map(MemorySegment memory) {
        long start = memory.address();
        long bytes = memory.byteSize();
        if (!memory.isNative() || memory.isReadOnly()) {
            throw new PciException("only native memory that can be written to can be mapped for DMA");
        }
        if (start % PAGE_BYTES != 0 || bytes == 0 || bytes % PAGE_BYTES != 0) {
            throw new PciException(String.format(
                    "DMA memory is mapped in whole pages of %d bytes: not %d bytes at %Xh", PAGE_BYTES, bytes, start));
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
        var regions = new MemorySegment[old.regions.length + 1];
        System.arraycopy(old.regions, 0, regions, 0, insertion);
        regions[insertion] = memory;
        System.arraycopy(old.regions, insertion, regions, insertion + 1, old.regions.length - insertion);
        table = new Table(regions);
    }

    /** Takes the very region away that was mapped. Returns whether it was there. */
    synchronized boolean unmap(MemorySegment memory) {
        var old = table;
        for (int i = 0; i < old.regions.length; i++) {
            if (old.regions[i] == memory) {
                var regions = new MemorySegment[old.regions.length - 1];
                System.arraycopy(old.regions, 0, regions, 0, i);
                System.arraycopy(old.regions, i + 1, regions, i, regions.length - i);
                table = new Table(regions);
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
