package io.doorbell.pcie.vfio;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.doorbell.pci.PciException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * A region of a device: {@code struct vfio_region_info}.
 *
 * @param bytes of the region; 0 if it is not there
 * @param offset of its first byte in the file of the device
 * @param areas of it that can be mapped, none that is empty
 */
record RegionInfo(long bytes, long offset, List<Area> areas) {
    /** Offsets from the start of the region. */
    record Area(long offset, long bytes) {}

    private static final int FLAGS = 4;
    private static final int CAPABILITIES = 12;
    private static final int SIZE = 16;
    private static final int OFFSET = 24;
    private static final int AREA_COUNT = 8;
    private static final int AREAS = 16;
    private static final int AREA_BYTES = 16;

    RegionInfo {
        areas = List.copyOf(areas);
    }

    /** @param answer as long as the kernel says that it is */
    static RegionInfo decode(MemorySegment answer, int index) {
        var what = "region " + index;
        int flags = answer.get(JAVA_INT, FLAGS);
        long bytes = answer.get(JAVA_LONG_UNALIGNED, SIZE);
        long offset = answer.get(JAVA_LONG_UNALIGNED, OFFSET);
        if (bytes < 0 || offset < 0 || offset + bytes < 0) {
            throw new PciException(String.format("%s: %Xh bytes at %Xh of the device", what, bytes, offset));
        }
        return new RegionInfo(bytes, offset, areas(what, answer, flags, bytes));
    }

    private static List<Area> areas(String what, MemorySegment answer, int flags, long bytes) {
        if ((flags & Vfio.REGION_MMAP) == 0 || bytes == 0) {
            return List.of();
        }
        var sparse = (flags & Vfio.REGION_CAPS) == 0
                ? null
                : CapabilityChain.of(what, answer, Vfio.REGION_INFO_BYTES, answer.get(JAVA_INT, CAPABILITIES))
                        .get(Vfio.REGION_CAP_SPARSE_MMAP);
        if (sparse == null) {
            return List.of(new Area(0, bytes));
        }
        if (sparse.byteSize() < AREAS) {
            throw new PciException(what + ": a list of areas of " + sparse.byteSize() + " bytes");
        }
        int count = sparse.get(JAVA_INT, AREA_COUNT);
        var table = CapabilityChain.table(what, sparse, AREAS, count, AREA_BYTES);
        var areas = new ArrayList<Area>();
        for (int i = 0; i < count; i++) {
            long offset = table.get(JAVA_LONG_UNALIGNED, (long) i * AREA_BYTES);
            long size = table.get(JAVA_LONG_UNALIGNED, (long) i * AREA_BYTES + 8);
            if (offset < 0 || size < 0 || offset > bytes || size > bytes - offset) {
                throw new PciException(
                        String.format("%s of %Xh bytes: an area of %Xh bytes at %Xh", what, bytes, size, offset));
            }
            if (size > 0) {
                areas.add(new Area(offset, size));
            }
        }
        return areas;
    }
}
