package io.doorbell.nvme;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PrpMathTest {
    @Test
    void countsTheEntriesOfKnownTransfers() {
        assertThat(PrpMath.pageCount(0x10000, 4096, 4096)).isEqualTo(1);
        assertThat(PrpMath.pageCount(0x10000, 4097, 4096)).isEqualTo(2);
        assertThat(PrpMath.pageCount(0x10FFC, 4, 4096)).isEqualTo(1);
        assertThat(PrpMath.pageCount(0x10FFC, 8, 4096)).isEqualTo(2);
        assertThat(PrpMath.listEntryCount(0x10000, 8192, 4096)).isZero();
        assertThat(PrpMath.listEntryCount(0x10000, 8193, 4096)).isEqualTo(2);
        assertThat(PrpMath.listEntryCount(0x10004, 8192, 4096)).isEqualTo(2);
        assertThat(PrpMath.firstPageBytes(0x10FFC, 8192, 4096)).isEqualTo(4);
        assertThat(PrpMath.firstPageBytes(0x10000, 512, 4096)).isEqualTo(512);
        assertThat(PrpMath.pageStart(0xFFFF_FFFF_FFFF_FFFCL, 4096)).isEqualTo(0xFFFF_FFFF_FFFF_F000L);
        assertThat(PrpMath.isPageAligned(0x11000, 4096)).isTrue();
        assertThat(PrpMath.isPageAligned(0x11000, 8192)).isFalse();
    }

    @Test
    void agreesWithWalkingTheTransferPageByPage() {
        var random = Seed.random();
        for (int round = 0; round < 2000; round++) {
            int pageBytes = 4096 << random.nextInt(5);
            long iova = random.nextLong() & ~3L;
            if (iova < 0 && iova > -(1L << 32)) {
                continue; // The transfer would wrap around the end of the address space.
            }
            long length = 1 + random.nextInt(4 << 20);

            int pages = 0;
            long firstBytes = 0;
            for (long at = iova, left = length; left > 0; pages++) {
                long bytes = Math.min(left, pageBytes - Math.floorMod(at, (long) pageBytes));
                firstBytes = pages == 0 ? bytes : firstBytes;
                at += bytes;
                left -= bytes;
            }

            assertThat(PrpMath.pageCount(iova, length, pageBytes)).isEqualTo(pages);
            assertThat(PrpMath.firstPageBytes(iova, length, pageBytes)).isEqualTo((int) firstBytes);
            assertThat(PrpMath.listEntryCount(iova, length, pageBytes)).isEqualTo(pages > 2 ? pages - 1 : 0);
        }
    }

    @Test
    void listPagesAgreeWithFillingThemOneByOne() {
        for (int pageBytes = 4096; pageBytes <= 65_536; pageBytes *= 2) {
            for (int entries = 0; entries <= 3000; entries++) {
                assertThat(PrpMath.listPageCount(entries, pageBytes)).isEqualTo(filledPages(entries, pageBytes / 8));
            }
        }
    }

    @Test
    void mdtsIsAPowerOfTwoOfTheSmallestPage() {
        assertThat(PrpMath.maxTransferBytes(0, 4096)).isEqualTo(Long.MAX_VALUE);
        assertThat(PrpMath.maxTransferBytes(5, 4096)).isEqualTo(131_072);
        assertThat(PrpMath.maxTransferBytes(1, 8192)).isEqualTo(16_384);
    }

    @Test
    void anyMdtsIsALimitOfAtLeastTwoPages() {
        for (int pageBytes = 4096; pageBytes <= 1 << 27; pageBytes *= 2) {
            long before = pageBytes;
            for (int mdts = 1; mdts <= 0xFF; mdts++) {
                long limit = PrpMath.maxTransferBytes(mdts, pageBytes);
                assertThat(limit).as("mdts %d, pages of %d", mdts, pageBytes).isGreaterThanOrEqualTo(2L * pageBytes);
                assertThat(limit).isGreaterThanOrEqualTo(before);
                before = limit;
            }
            assertThat(before).isEqualTo(Long.MAX_VALUE);
        }
    }

    private static int filledPages(int entries, int perPage) {
        int pages = 0;
        int left = entries;
        while (left > 0) {
            pages++;
            // A page that does not hold the rest gives its last entry to the pointer to the next.
            left -= left <= perPage ? left : perPage - 1;
        }
        return pages;
    }
}
