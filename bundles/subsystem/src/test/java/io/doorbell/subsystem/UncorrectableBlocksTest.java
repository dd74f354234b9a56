package io.doorbell.subsystem;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.Status;
import org.junit.jupiter.api.Test;

class UncorrectableBlocksTest {
    private final UncorrectableBlocks blocks = new UncorrectableBlocks();

    @Test
    void aWriteIntoTheMiddleLeavesBothSidesMarked() {
        assertThat(blocks.mark(100, 50)).isZero();

        blocks.clear(110, 5);

        assertThat(blocks.meets(100, 10)).isTrue();
        assertThat(blocks.meets(110, 5)).isFalse();
        assertThat(blocks.meets(115, 35)).isTrue();
        assertThat(blocks.meets(149, 1)).isTrue();
        assertThat(blocks.meets(150, 1)).isFalse();
    }

    @Test
    void whoWritesEverySecondBlockFillsNoMemory() {
        int count = 3 * UncorrectableBlocks.MAX_RANGES;
        for (int first = 0; first < count; first += 60_000) {
            assertThat(blocks.mark(first, Math.min(60_000, count - first))).isZero();
        }

        for (int block = 1; block < count; block += 2) {
            blocks.clear(block, 1);
            assertThat(blocks.meets(block, 1)).isFalse();
        }

        int marked = 0;
        for (int block = 0; block < count; block++) {
            marked += blocks.meets(block, 1) ? 1 : 0;
        }
        assertThat(marked).isBetween(UncorrectableBlocks.MAX_RANGES - 1, UncorrectableBlocks.MAX_RANGES);
        assertThat(blocks.mark(2L * count, 1)).isIn(Status.SUCCESS, Status.INTERNAL_ERROR);
    }
}
