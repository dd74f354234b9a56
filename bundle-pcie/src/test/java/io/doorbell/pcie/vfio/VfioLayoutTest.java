package io.doorbell.pcie.vfio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * Numbers against {@code linux/vfio.h}, where the machine has it. Sizes and offsets of structures were printed by a C program that includes it (Linux
 * 6.1, x86-64): group_status 8; device_info 20, flags 4, num_regions 8, num_irqs 12; region_info 32, index 8, cap_offset 12, size 16, offset 24; sparse
 * mmap: nr_areas 8, areas 16, an area 16; irq_info 16, index 8, count 12; irq_set 20, flags 4, index 8, start 12, count 16, data 20;
 * iommu_type1_info 24, iova_pgsizes 8, cap_offset 16; iova ranges: nr_iovas 8, iova_ranges 16, a range 16; dma_avail: avail 8; dma_map 32, vaddr 8, iova 16,
 * size 24; dma_unmap 24, iova 8, size 16.
 */
class VfioLayoutTest {
    private static final Path HEADER = Path.of("/usr/include/linux/vfio.h");
    private static final Pattern REQUEST =
            Pattern.compile("#define\\s+(VFIO_\\w+)\\s+_IO\\(VFIO_TYPE, VFIO_BASE \\+ (\\d+)\\)");
    private static final int TYPE = ';' << 8;
    private static final int BASE = 100;

    @Test
    void requestsAreThoseOfTheHeader() throws IOException {
        assumeTrue(Files.exists(HEADER), "no kernel headers here");
        var ours = Map.ofEntries(
                Map.entry("VFIO_GET_API_VERSION", Vfio.GET_API_VERSION),
                Map.entry("VFIO_CHECK_EXTENSION", Vfio.CHECK_EXTENSION),
                Map.entry("VFIO_SET_IOMMU", Vfio.SET_IOMMU),
                Map.entry("VFIO_GROUP_GET_STATUS", Vfio.GROUP_GET_STATUS),
                Map.entry("VFIO_GROUP_SET_CONTAINER", Vfio.GROUP_SET_CONTAINER),
                Map.entry("VFIO_GROUP_GET_DEVICE_FD", Vfio.GROUP_GET_DEVICE_FD),
                Map.entry("VFIO_DEVICE_GET_INFO", Vfio.DEVICE_GET_INFO),
                Map.entry("VFIO_DEVICE_GET_REGION_INFO", Vfio.DEVICE_GET_REGION_INFO),
                Map.entry("VFIO_DEVICE_GET_IRQ_INFO", Vfio.DEVICE_GET_IRQ_INFO),
                Map.entry("VFIO_DEVICE_SET_IRQS", Vfio.DEVICE_SET_IRQS),
                Map.entry("VFIO_DEVICE_RESET", Vfio.DEVICE_RESET),
                Map.entry("VFIO_IOMMU_GET_INFO", Vfio.IOMMU_GET_INFO),
                Map.entry("VFIO_IOMMU_MAP_DMA", Vfio.IOMMU_MAP_DMA),
                Map.entry("VFIO_IOMMU_UNMAP_DMA", Vfio.IOMMU_UNMAP_DMA));
        int compared = 0;

        var found = REQUEST.matcher(Files.readString(HEADER));
        while (found.find()) {
            var number = ours.get(found.group(1));
            if (number != null) {
                assertThat(number).as(found.group(1)).isEqualTo(TYPE + BASE + Integer.parseInt(found.group(2)));
                compared++;
            }
        }

        assertThat(compared).isEqualTo(ours.size());
    }

    @Test
    void flagsAreThoseOfTheHeader() throws IOException {
        assumeTrue(Files.exists(HEADER), "no kernel headers here");
        var header = Files.readString(HEADER);

        assertThat(header)
                .containsPattern("VFIO_TYPE1v2_IOMMU\\s+3\\b")
                .containsPattern("VFIO_GROUP_FLAGS_VIABLE\\s+\\(1 << 0\\)")
                .containsPattern("VFIO_DEVICE_FLAGS_RESET\\s+\\(1 << 0\\)")
                .containsPattern("VFIO_DEVICE_FLAGS_PCI\\s+\\(1 << 1\\)")
                .containsPattern("VFIO_REGION_INFO_FLAG_MMAP\\s+\\(1 << 2\\)")
                .containsPattern("VFIO_REGION_INFO_FLAG_CAPS\\s+\\(1 << 3\\)")
                .containsPattern("VFIO_REGION_INFO_CAP_SPARSE_MMAP\\s+1\\b")
                .containsPattern("VFIO_IRQ_INFO_EVENTFD\\s+\\(1 << 0\\)")
                .containsPattern("VFIO_IRQ_SET_DATA_NONE\\s+\\(1 << 0\\)")
                .containsPattern("VFIO_IRQ_SET_DATA_EVENTFD\\s+\\(1 << 2\\)")
                .containsPattern("VFIO_IRQ_SET_ACTION_TRIGGER\\s+\\(1 << 5\\)")
                .containsPattern("VFIO_IOMMU_INFO_CAPS\\s+\\(1 << 1\\)")
                .containsPattern("VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE\\s+1\\b")
                .containsPattern("VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL\\s+3\\b");
    }
}
