package io.doorbell.pcie.vfio;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.doorbell.pci.PciException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * What a container can map: {@code struct vfio_iommu_type1_info}.
 *
 * @param ranges of addresses that devices may use
 * @param mappings that can be made, as far as the kernel tells
 */
record IommuInfo(List<Range> ranges, long mappings) {
    /** Both ends belong to it; unsigned. */
    record Range(long first, long last) {}

    /** Kernels before 5.10 do not tell; this is what they have. */
    private static final long DEFAULT_MAPPINGS = 65_535;

    /** Kernels before 5.4 do not tell: what every IOMMU can do, without the window in which x86 has its interrupts. */
    private static final List<Range> DEFAULT_RANGES =
            List.of(new Range(0, 0xFEDF_FFFFL), new Range(0xFEF0_0000L, 0x7F_FFFF_FFFFL));

    private static final int FLAGS = 4;
    private static final int CAPABILITIES = 16;
    private static final int RANGE_COUNT = 8;
    private static final int RANGES = 16;
    private static final int RANGE_BYTES = 16;
    private static final int AVAILABLE = 8;

    IommuInfo {
        ranges = List.copyOf(ranges);
    }

    /** @param answer as long as the kernel says that it is */
    static IommuInfo decode(MemorySegment answer) {
        if (answer.byteSize() < Vfio.IOMMU_INFO_BYTES || (answer.get(JAVA_INT, FLAGS) & Vfio.IOMMU_CAPS) == 0) {
            return new IommuInfo(DEFAULT_RANGES, DEFAULT_MAPPINGS);
        }
        var capabilities = CapabilityChain.of(
                "the IOMMU", answer, CAPABILITIES + Integer.BYTES, answer.get(JAVA_INT, CAPABILITIES));
        var ranges = capabilities.get(Vfio.IOMMU_CAP_IOVA_RANGE);
        var available = capabilities.get(Vfio.IOMMU_CAP_DMA_AVAIL);
        return new IommuInfo(
                ranges == null ? DEFAULT_RANGES : ranges(ranges),
                available == null || available.byteSize() < AVAILABLE + Integer.BYTES
                        ? DEFAULT_MAPPINGS
                        : Integer.toUnsignedLong(available.get(JAVA_INT, AVAILABLE)));
    }

    private static List<Range> ranges(MemorySegment capability) {
        if (capability.byteSize() < RANGES) {
            throw new PciException("the IOMMU: a list of addresses of " + capability.byteSize() + " bytes");
        }
        int count = capability.get(JAVA_INT, RANGE_COUNT);
        var table = CapabilityChain.table("the IOMMU", capability, RANGES, count, RANGE_BYTES);
        var ranges = new ArrayList<Range>();
        for (int i = 0; i < count; i++) {
            long first = table.get(JAVA_LONG_UNALIGNED, (long) i * RANGE_BYTES);
            long last = table.get(JAVA_LONG_UNALIGNED, (long) i * RANGE_BYTES + 8);
            if (Long.compareUnsigned(first, last) > 0) {
                throw new PciException(String.format("the IOMMU: addresses from %Xh to %Xh", first, last));
            }
            ranges.add(new Range(first, last));
        }
        return ranges;
    }
}
