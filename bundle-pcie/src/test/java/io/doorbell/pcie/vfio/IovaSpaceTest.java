package io.doorbell.pcie.vfio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.pci.PciException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class IovaSpaceTest {
    private static final long PAGE = 4096;
    private static final long HUGE = 2L << 20;
    private static final int STEPS = 20_000;

    private static IovaSpace space(long... ends) {
        var ranges = new ArrayList<IommuInfo.Range>();
        for (int i = 0; i < ends.length; i += 2) {
            ranges.add(new IommuInfo.Range(ends[i], ends[i + 1]));
        }
        return new IovaSpace(ranges);
    }

    @Test
    void beginsAboveAddressZero() {
        assertThat(space(0, 0xFFFF_FFFFL).take(PAGE)).isEqualTo(IovaSpace.LOWEST);
    }

    @Test
    void hugePagesAreAligned() {
        var space = space(0, 0xFFFF_FFFFL);
        space.take(PAGE);

        assertThat(space.take(HUGE)).isEqualTo(2 * HUGE);
        assertThat(space.take(PAGE)).as("the gap is used").isEqualTo(IovaSpace.LOWEST + PAGE);
    }

    @Test
    void aBlockLiesInOneRange() {
        var space = space(HUGE, HUGE + 3 * PAGE - 1, 4 * HUGE, 5 * HUGE - 1);

        assertThat(space.take(4 * PAGE)).isEqualTo(4 * HUGE);
        assertThat(space.take(3 * PAGE)).isEqualTo(HUGE);
        assertThatThrownBy(() -> space.take(HUGE))
                .isInstanceOf(PciException.class)
                .hasMessageContaining("2097152 bytes");
    }

    @Test
    void partsOfPagesAndWhatNeedsASignAreLeftOut() {
        var space = space(HUGE + 1, HUGE + 3 * PAGE, Long.MIN_VALUE, -1L);
        assertThat(space.freeBytes()).isEqualTo(2 * PAGE);

        assertThat(space(0, -1L).take(PAGE)).isEqualTo(HUGE);
        assertThat(space(0, 4095).freeBytes()).isZero();
    }

    @Test
    void blocksNeverOverlapAndAllComeBack() {
        long seed = Long.getLong("doorbell.seed", System.nanoTime());
        System.out.println("IovaSpaceTest -Ddoorbell.seed=" + seed);
        var random = new Random(seed);
        var space = space(0, 0xFFF_FFFFL, 0x2000_0000L, 0x2FFF_FFFFL);
        long all = space.freeBytes();
        record Block(long iova, long bytes) {}
        List<Block> taken = new ArrayList<>();

        for (int i = 0; i < STEPS; i++) {
            if (taken.isEmpty() || random.nextInt(5) > 1) {
                long bytes = random.nextInt(10) == 0 ? HUGE * (1 + random.nextInt(4)) : PAGE * (1 + random.nextInt(64));
                try {
                    var block = new Block(space.take(bytes), bytes);
                    assertThat(taken)
                            .noneMatch(
                                    other -> block.iova < other.iova + other.bytes && other.iova < block.iova + bytes);
                    taken.add(block);
                } catch (PciException full) {
                    assertThat(taken).isNotEmpty();
                }
            }
            if (taken.size() > 60 || random.nextInt(3) == 0 && !taken.isEmpty()) {
                var block = taken.remove(random.nextInt(taken.size()));
                space.giveBack(block.iova, block.bytes);
            }
        }
        taken.forEach(block -> space.giveBack(block.iova, block.bytes));

        assertThat(space.freeBytes()).isEqualTo(all);
        assertThat(space.take(0x800_0000)).as("in one piece again").isEqualTo(HUGE);
    }
}
