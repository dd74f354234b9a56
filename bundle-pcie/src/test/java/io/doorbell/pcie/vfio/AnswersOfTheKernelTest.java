package io.doorbell.pcie.vfio;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.pci.PciException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** {@link RegionInfo}, {@link IommuInfo} and {@link CapabilityChain}: what the kernel says is read, what cannot be is refused. */
class AnswersOfTheKernelTest {
    private static final int FUZZED = 200_000;

    private final Arena arena = Arena.ofAuto();

    private MemorySegment answer(int bytes) {
        var answer = arena.allocate(bytes, Long.BYTES);
        answer.set(JAVA_INT, 0, bytes);
        return answer;
    }

    private MemorySegment region(int bytes, int flags, int capability, long size, long offset) {
        var answer = answer(bytes);
        answer.set(JAVA_INT, 4, flags);
        answer.set(JAVA_INT, 12, capability);
        answer.set(JAVA_LONG, 16, size);
        answer.set(JAVA_LONG, 24, offset);
        return answer;
    }

    private static void capability(MemorySegment answer, long at, int id, int next) {
        answer.set(JAVA_SHORT, at, (short) id);
        answer.set(JAVA_SHORT, at + 2, (short) 1);
        answer.set(JAVA_INT, at + 4, next);
    }

    private static void entry(MemorySegment answer, long at, long first, long second) {
        answer.set(JAVA_LONG, at, first);
        answer.set(JAVA_LONG, at + 8, second);
    }

    @Test
    void aRegionThatCanBeMappedHasOneArea() {
        var info = RegionInfo.decode(region(32, 7, 0, 0x4000, 1L << 40), 0);

        assertThat(info.bytes()).isEqualTo(0x4000);
        assertThat(info.offset()).isEqualTo(1L << 40);
        assertThat(info.areas()).containsExactly(new RegionInfo.Area(0, 0x4000));
    }

    @Test
    void aRegionThatCannotBeMappedHasNone() {
        assertThat(RegionInfo.decode(region(32, 3, 0, 0x4000, 0), 0).areas()).isEmpty();
    }

    /** As kernels before 4.16 have it, for a table of interrupts in the third page. */
    @Test
    void theAreasOfASparseRegionAreThoseOfItsList() {
        var answer = region(96, 15, 40, 0x4000, 0);
        capability(answer, 40, 1, 0);
        answer.set(JAVA_INT, 48, 2);
        entry(answer, 56, 0, 0x2000);
        entry(answer, 72, 0x3000, 0x1000);

        assertThat(RegionInfo.decode(answer, 0).areas())
                .containsExactly(new RegionInfo.Area(0, 0x2000), new RegionInfo.Area(0x3000, 0x1000));
    }

    @Test
    void capabilitiesThatAreNotKnownArePassedOver() {
        var answer = region(64, 15, 32, 0x4000, 0);
        capability(answer, 32, 3, 40);
        capability(answer, 40, 99, 0);

        assertThat(RegionInfo.decode(answer, 0).areas()).containsExactly(new RegionInfo.Area(0, 0x4000));
    }

    @Test
    void anAreaOutsideOfItsRegionIsRefused() {
        var answer = region(72, 15, 32, 0x4000, 0);
        capability(answer, 32, 1, 0);
        answer.set(JAVA_INT, 40, 1);
        entry(answer, 48, 0x3000, 0x2000);

        assertThatThrownBy(() -> RegionInfo.decode(answer, 0))
                .isInstanceOf(PciException.class)
                .hasMessageContaining("2000h bytes at 3000h");

        entry(answer, 48, Long.MAX_VALUE, 0x2000);
        assertThatThrownBy(() -> RegionInfo.decode(answer, 0)).isInstanceOf(PciException.class);
    }

    @Test
    void aListLongerThanItsAnswerIsRefused() {
        var answer = region(72, 15, 32, 0x4000, 0);
        capability(answer, 32, 1, 0);
        answer.set(JAVA_INT, 40, -1);

        assertThatThrownBy(() -> RegionInfo.decode(answer, 0)).hasMessageContaining("4294967295 entries");
    }

    @Test
    void capabilitiesThatLeadAstrayAreRefused() {
        var outside = region(64, 15, 60, 0x4000, 0);
        assertThatThrownBy(() -> RegionInfo.decode(outside, 0)).hasMessageContaining("capability 0 at 60");

        var fixedPart = region(64, 15, 8, 0x4000, 0);
        assertThatThrownBy(() -> RegionInfo.decode(fixedPart, 0)).hasMessageContaining("capability 0 at 8");

        var unsigned = region(64, 15, -8, 0x4000, 0);
        assertThatThrownBy(() -> RegionInfo.decode(unsigned, 0)).hasMessageContaining("at 4294967288");

        var circle = region(64, 15, 32, 0x4000, 0);
        capability(circle, 32, 9, 40);
        capability(circle, 40, 8, 32);
        assertThatThrownBy(() -> RegionInfo.decode(circle, 0)).hasMessageContaining("capability 64");
    }

    @Test
    void anIommuTellsItsRangesAndHowManyMappingsItHas() {
        var answer = answer(24 + 48 + 16);
        answer.set(JAVA_INT, 4, 3);
        answer.set(JAVA_INT, 16, 24);
        capability(answer, 24, 1, 72);
        answer.set(JAVA_INT, 32, 2);
        entry(answer, 40, 0, 0xFEDF_FFFFL);
        entry(answer, 56, 0xFEF0_0000L, 0x7F_FFFF_FFFFL);
        capability(answer, 72, 3, 0);
        answer.set(JAVA_INT, 80, 65_535);

        var info = IommuInfo.decode(answer);

        assertThat(info.ranges())
                .containsExactly(
                        new IommuInfo.Range(0, 0xFEDF_FFFFL), new IommuInfo.Range(0xFEF0_0000L, 0x7F_FFFF_FFFFL));
        assertThat(info.mappings()).isEqualTo(65_535);
    }

    @Test
    void anOldKernelTellsNothingAndWhatEveryIommuCanDoIsTaken() {
        var info = IommuInfo.decode(answer(24));

        assertThat(info.ranges())
                .hasSize(2)
                .allSatisfy(range -> assertThat(range.last()).isLessThan(1L << 39));
        assertThat(info.mappings()).isEqualTo(65_535);
    }

    @Test
    void arrangedAnswersAreReadOrRefusedWhateverIsInThem() {
        long seed = Long.getLong("doorbell.seed", System.nanoTime());
        System.out.println("AnswersOfTheKernelTest -Ddoorbell.seed=" + seed);
        var random = new Random(seed);
        int read = 0;
        int refused = 0;
        for (int i = 0; i < FUZZED; i++) {
            var bytes = new byte[32 + 8 * random.nextInt(16)];
            random.nextBytes(bytes);
            var answer = arena.allocate(bytes.length, Long.BYTES);
            answer.copyFrom(MemorySegment.ofArray(bytes));
            // Likely values in the places that matter, so that decoding comes far.
            answer.set(JAVA_INT, 4, random.nextInt(16));
            answer.set(JAVA_INT, 12, 8 * random.nextInt(12));
            answer.set(JAVA_INT, 16, 8 * random.nextInt(12));
            answer.set(JAVA_INT, 20, random.nextInt(2));
            for (int at = 32; at + 8 <= bytes.length; at += 8) {
                if (random.nextInt(3) == 0) {
                    capability(answer, at, random.nextInt(4), 8 * random.nextInt(16));
                } else if (random.nextInt(3) == 0) {
                    answer.set(JAVA_BYTE, at, (byte) random.nextInt(4));
                    answer.asSlice(at + 1, 7).fill((byte) 0);
                }
            }
            try {
                var region = RegionInfo.decode(answer, 0);
                assertThat(region.areas())
                        .allMatch(area -> area.offset() >= 0
                                && area.bytes() > 0
                                && area.offset() + area.bytes() <= region.bytes());
                new IovaSpace(IommuInfo.decode(answer).ranges());
                read++;
            } catch (PciException wrong) {
                refused++;
            }
        }
        assertThat(read).as("read").isPositive();
        assertThat(refused).as("refused").isPositive();
    }
}
