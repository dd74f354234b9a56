package io.doorbell.pcie;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.PrpMath;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PrpListsTest {
    private static final int SLOTS = 7;
    private static final long DATA_IOVA = 0x7_0000_0000L;

    private final Arena arena = Arena.ofConfined();

    @AfterEach
    void close() {
        arena.close();
    }

    @Test
    void describesEveryTransferAsAWalkOverItsPagesFindsIt() {
        var random = Seed.random("PRP lists");
        for (int maxTransfer : new int[] {4096, 8192, 128 * 1024, PrpLists.MAX_TRANSFER_BYTES}) {
            var segment = arena.allocate(DmaRegion.roundUpToPages(PrpLists.bytes(SLOTS, maxTransfer)), 4096);
            var lists = new PrpLists(segment, segment.address(), maxTransfer);
            for (int i = 0; i < 200; i++) {
                long offset = random.nextInt(4096) & -PrpMath.ALIGNMENT_BYTES;
                long bytes = 1 + random.nextInt(maxTransfer);
                int slot = random.nextInt(SLOTS);
                long iova = DATA_IOVA + offset;

                long prp2 = lists.prp2(slot, iova, bytes);

                assertThat(pages(iova, prp2, bytes, segment))
                        .as("%d bytes from %x on", bytes, iova)
                        .isEqualTo(expected(iova, bytes));
            }
        }
    }

    @Test
    void keepsTheListsOfTwoSlotsApart() {
        int maxTransfer = 64 * 1024;
        var segment = arena.allocate(DmaRegion.roundUpToPages(PrpLists.bytes(SLOTS, maxTransfer)), 4096);
        var lists = new PrpLists(segment, segment.address(), maxTransfer);

        long first = lists.prp2(0, DATA_IOVA + 2048, maxTransfer);
        long second = lists.prp2(1, DATA_IOVA + 0x10_0000 + 2048, maxTransfer);

        assertThat(pages(DATA_IOVA + 2048, first, maxTransfer, segment))
                .containsExactlyElementsOf(expected(DATA_IOVA + 2048, maxTransfer));
        assertThat(pages(DATA_IOVA + 0x10_0000 + 2048, second, maxTransfer, segment))
                .containsExactlyElementsOf(expected(DATA_IOVA + 0x10_0000 + 2048, maxTransfer));
    }

    private static List<Long> expected(long iova, long bytes) {
        var pages = new ArrayList<Long>();
        pages.add(iova);
        for (long page = (iova & -4096L) + 4096; page < iova + bytes; page += 4096) {
            pages.add(page);
        }
        return pages;
    }

    /** As a controller reads them. */
    private static List<Long> pages(long prp1, long prp2, long bytes, MemorySegment lists) {
        var pages = new ArrayList<Long>();
        pages.add(prp1);
        int count = PrpMath.pageCount(prp1, bytes, 4096);
        if (count == 2) {
            pages.add(prp2);
        } else if (count > 2) {
            long at = prp2 - lists.address();
            assertThat(at / 4096).as("a list stays in its page").isEqualTo((at + (count - 1) * 8L - 1) / 4096);
            for (int i = 0; i < count - 1; i++) {
                pages.add(lists.get(ValueLayout.JAVA_LONG, at + i * 8L));
            }
        } else {
            assertThat(prp2).isZero();
        }
        return pages;
    }
}
