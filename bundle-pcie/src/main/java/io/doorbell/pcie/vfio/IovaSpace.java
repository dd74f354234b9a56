package io.doorbell.pcie.vfio;

import io.doorbell.pci.PciException;
import io.doorbell.platform.Machine;
import java.util.List;
import java.util.TreeMap;

/**
 * The addresses that devices of a container may use, and which of them are taken. Ours to choose: an IOMMU often has fewer bits than addresses of
 * a process. Guarded by whoever has it.
 */
final class IovaSpace {
    /** Nothing lies below: address 0 means "none" in places of NVMe, and is what a device that was not set up writes to. */
    static final long LOWEST = 2L << 20;

    private final TreeMap<Long, Long> free = new TreeMap<>();

    /** Whole pages of the ranges; what needs a sign bit is left out. */
    IovaSpace(List<IommuInfo.Range> ranges) {
        for (var range : ranges) {
            long last = range.last() < 0 ? Long.MAX_VALUE : range.last();
            if (range.first() < 0 || last < LOWEST) {
                continue;
            }
            long first = roundUp(Math.max(range.first(), LOWEST), Machine.PAGE_BYTES);
            // The byte behind the last one would be no long.
            long end = last == Long.MAX_VALUE ? last & -Machine.PAGE_BYTES : last + 1 & -Machine.PAGE_BYTES;
            if (first >= 0 && first < end) {
                free.merge(first, end - first, Math::max);
            }
        }
    }

    /**
     * The lowest addresses that fit. Those of a huge page or more are aligned to one, so that the IOMMU needs one entry for it.
     *
     * @param bytes whole pages
     * @throws PciException if there are none
     */
    long take(long bytes) {
        long alignment = bytes >= Machine.HUGE_PAGE_BYTES ? Machine.HUGE_PAGE_BYTES : Machine.PAGE_BYTES;
        for (var entry : free.entrySet()) {
            long start = entry.getKey();
            long end = start + entry.getValue();
            long iova = roundUp(start, alignment);
            if (iova >= start && iova < end && end - iova >= bytes) {
                free.remove(start);
                putFree(start, iova - start);
                putFree(iova + bytes, end - iova - bytes);
                return iova;
            }
        }
        throw new PciException("the IOMMU has no " + bytes + " bytes of addresses in one piece left");
    }

    /** Undoes one {@link #take}. */
    void giveBack(long iova, long bytes) {
        long start = iova;
        long end = iova + bytes;
        var before = free.lowerEntry(iova);
        if (before != null && before.getKey() + before.getValue() == start) {
            start = before.getKey();
            free.remove(start);
        }
        var after = free.remove(end);
        putFree(start, end - start + (after == null ? 0 : after));
    }

    long freeBytes() {
        return free.values().stream().mapToLong(Long::longValue).sum();
    }

    private void putFree(long start, long bytes) {
        if (bytes > 0) {
            free.put(start, bytes);
        }
    }

    private static long roundUp(long value, long powerOfTwo) {
        return value + powerOfTwo - 1 & -powerOfTwo;
    }
}
