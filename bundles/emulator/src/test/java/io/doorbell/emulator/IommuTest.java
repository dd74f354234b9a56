package io.doorbell.emulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.pci.PciException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import org.junit.jupiter.api.Test;

class IommuTest {
    private static final int PAGE = 4096;

    private final Iommu iommu = new Iommu();
    private final MemorySegment memory = Arena.ofAuto().allocate(64 * PAGE, PAGE);

    @Test
    void refusesWhatIsNoWholeNumberOfPages() {
        assertThatThrownBy(() -> iommu.map(memory.asSlice(8, PAGE))).isInstanceOf(PciException.class);
        assertThatThrownBy(() -> iommu.map(memory.asSlice(0, PAGE - 1))).isInstanceOf(PciException.class);
        assertThatThrownBy(() -> iommu.map(memory.asSlice(0, 0))).isInstanceOf(PciException.class);
        assertThatThrownBy(() -> iommu.map(memory.asReadOnly())).isInstanceOf(PciException.class);
        assertThatThrownBy(() -> iommu.map(MemorySegment.ofArray(new byte[PAGE])))
                .isInstanceOf(PciException.class);
    }

    @Test
    void refusesWhatOverlaps() {
        iommu.map(memory.asSlice(4 * PAGE, 4 * PAGE));

        for (int start = 1; start < 8; start++) {
            var overlapping = memory.asSlice((long) start * PAGE, 4 * PAGE);
            assertThatThrownBy(() -> iommu.map(overlapping)).isInstanceOf(PciException.class);
        }
        iommu.map(memory.asSlice(0, 4 * PAGE));
        iommu.map(memory.asSlice(8 * PAGE, 4 * PAGE));
        assertThat(iommu.table().size()).isEqualTo(3);
    }

    @Test
    void findsWhatIsMappedAndNothingElse() {
        var random = Seed.random("IOMMU");
        var mapped = new ArrayList<MemorySegment>();
        var window = new DmaWindow(iommu);
        long base = memory.address();
        for (int round = 0; round < 20_000; round++) {
            if (random.nextInt(10) == 0) {
                if (mapped.size() < 12 && random.nextBoolean()) {
                    long start = random.nextInt(64);
                    var region = memory.asSlice(start * PAGE, Math.min(64 - start, 1 + random.nextInt(6)) * PAGE);
                    boolean free = mapped.stream()
                            .allMatch(other -> other.asOverlappingSlice(region).isEmpty());
                    if (free) {
                        iommu.map(region);
                        mapped.add(region);
                    }
                } else if (!mapped.isEmpty()) {
                    assertThat(iommu.unmap(mapped.remove(random.nextInt(mapped.size()))))
                            .isTrue();
                }
                window.refresh();
            }
            long iova = base + random.nextInt(-PAGE, 65 * PAGE);
            long length = 1 + random.nextInt(3 * PAGE);
            boolean expected = mapped.stream()
                    .anyMatch(region ->
                            iova >= region.address() && iova + length <= region.address() + region.byteSize());

            assertThat(window.find(iova, length)).isEqualTo(expected);

            if (expected) {
                assertThat(window.segment.address()).isEqualTo(window.start);
                assertThat(window.available(iova)).isGreaterThanOrEqualTo(length);
            }
        }
    }

    @Test
    void doesNotOverflow() {
        iommu.map(memory);
        var window = new DmaWindow(iommu);
        window.refresh();

        assertThat(window.find(memory.address(), memory.byteSize())).isTrue();
        assertThat(window.find(memory.address(), memory.byteSize() + 1)).isFalse();
        assertThat(window.find(memory.address() + 1, memory.byteSize())).isFalse();
        assertThat(window.find(memory.address() - 1, 1)).isFalse();
        for (long iova : new long[] {0, -1, Long.MIN_VALUE, Long.MAX_VALUE, memory.address() + Long.MIN_VALUE}) {
            assertThat(window.find(iova, 1)).as("%x", iova).isFalse();
            assertThat(window.find(iova, Integer.MAX_VALUE)).as("%x", iova).isFalse();
        }
        assertThat(window.find(memory.address(), Long.MAX_VALUE)).isFalse();
    }
}
