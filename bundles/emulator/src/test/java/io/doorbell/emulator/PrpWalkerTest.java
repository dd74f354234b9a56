package io.doorbell.emulator;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.Status;
import io.doorbell.platform.MappingOptions;
import io.doorbell.platform.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** PRPs as the specification spells them, against a model that follows them page by page. */
class PrpWalkerTest {
    private static final int PAGE = 4096;
    private static final int PAGES = 512;

    private final NativeMemory memory = NativeMemory.allocate(PAGES * PAGE, MappingOptions.ORDINARY);
    private final MemorySegment all = memory.segment();
    private final long base = all.address();
    private final Iommu iommu = new Iommu();

    @AfterEach
    void free() {
        memory.close();
    }

    /** Two regions side by side with a hole before the last pages, so that ranges cross regions. */
    private void mapAll() {
        iommu.map(all.asSlice(0, 100 * PAGE));
        iommu.map(all.asSlice(100 * PAGE, (PAGES - 110) * PAGE));
    }

    private boolean mapped(long iova) {
        long page = (iova - base) / PAGE;
        return iova >= base && page < PAGES - 10;
    }

    private record Walk(int status, List<Long> bytes) {}

    private static EmulatedRequest request(int bytes) {
        var request = new EmulatedRequest(null);
        request.dataBytes = bytes;
        return request;
    }

    private Walk walk(int bytes, long prp1, long prp2) {
        var request = request(bytes);
        request.prp1 = prp1;
        request.prp2 = prp2;
        var data = new HostData(iommu, PAGE, true, MemorySegment.NULL);
        data.refresh();
        int status = data.map(request);
        // Once more, now that the region is remembered.
        var again = request(bytes);
        again.prp1 = prp1;
        again.prp2 = prp2;
        assertThat(data.map(again)).isEqualTo(status);
        assertThat(addresses(again)).isEqualTo(addresses(request));
        return new Walk(status, status == Status.SUCCESS ? addresses(request) : List.of());
    }

    /** Start and length of every piece, joined where one goes on: regions that touch are two pieces. */
    private static List<Long> addresses(EmulatedRequest request) {
        var list = new ArrayList<Long>();
        for (int i = 0; i < request.pieceCount; i++) {
            long start = request.pieces[i].address() + request.pieceOffsets[i];
            int last = list.size() - 2;
            if (last >= 0 && list.get(last) + list.get(last + 1) == start) {
                list.set(last + 1, list.get(last + 1) + request.pieceBytes[i]);
            } else {
                list.add(start);
                list.add((long) request.pieceBytes[i]);
            }
        }
        return list;
    }

    /** What the specification says, one page after the other. */
    private Walk model(int bytes, long prp1, long prp2) {
        var list = new ArrayList<Long>();
        if ((prp1 & 3) != 0) {
            return new Walk(Status.PRP_OFFSET_INVALID, List.of());
        }
        int left = bytes;
        long next = prp1;
        int part = (int) Math.min(left, PAGE - (prp1 & PAGE - 1));
        boolean inList = left - part > PAGE;
        long entry = prp2;
        for (boolean first = true; left > 0; first = false) {
            if (!first) {
                part = Math.min(left, PAGE);
                if (!inList) {
                    next = prp2;
                } else {
                    if ((entry & 7) != 0) {
                        return new Walk(Status.PRP_OFFSET_INVALID, List.of());
                    }
                    if (!mapped(entry)) {
                        return new Walk(Status.DATA_TRANSFER_ERROR, List.of());
                    }
                    if ((entry & PAGE - 1) == PAGE - 8 && left > PAGE) {
                        entry = all.get(JAVA_LONG_UNALIGNED, entry - base);
                        if ((entry & PAGE - 1) != 0) {
                            return new Walk(Status.PRP_OFFSET_INVALID, List.of());
                        }
                        if (!mapped(entry)) {
                            return new Walk(Status.DATA_TRANSFER_ERROR, List.of());
                        }
                    }
                    next = all.get(JAVA_LONG_UNALIGNED, entry - base);
                    entry += 8;
                }
                if ((next & PAGE - 1) != 0) {
                    return new Walk(Status.PRP_OFFSET_INVALID, List.of());
                }
            }
            if (!mapped(next)) {
                return new Walk(Status.DATA_TRANSFER_ERROR, List.of());
            }
            int last = list.size() - 2;
            if (last >= 0 && list.get(last) + list.get(last + 1) == next) {
                list.set(last + 1, list.get(last + 1) + part);
            } else {
                list.add(next);
                list.add((long) part);
            }
            left -= part;
        }
        return new Walk(Status.SUCCESS, list);
    }

    @Test
    void takesOnePageAnywhereInIt() {
        mapAll();

        assertThat(walk(512, base + 3584, 0)).isEqualTo(new Walk(Status.SUCCESS, List.of(base + 3584, 512L)));
        assertThat(walk(4096, base, -1)).isEqualTo(new Walk(Status.SUCCESS, List.of(base, 4096L)));
    }

    @Test
    void takesTheSecondPageFromPrp2() {
        mapAll();

        assertThat(walk(4096, base + 2048, base + 9 * PAGE))
                .isEqualTo(new Walk(Status.SUCCESS, List.of(base + 2048, 2048L, base + 9 * PAGE, 2048L)));
        assertThat(walk(4096, base + 2048, base + 9 * PAGE + 8).status()).isEqualTo(Status.PRP_OFFSET_INVALID);
    }

    @Test
    void refusesOddAddresses() {
        mapAll();

        assertThat(walk(512, base + 2, 0).status()).isEqualTo(Status.PRP_OFFSET_INVALID);
        assertThat(walk(4 * PAGE, base, base + 4).status()).isEqualTo(Status.PRP_OFFSET_INVALID);
    }

    @Test
    void refusesWhatIsNotMapped() {
        mapAll();
        long unmapped = base + (PAGES - 10) * PAGE;

        assertThat(walk(512, unmapped, 0).status()).isEqualTo(Status.DATA_TRANSFER_ERROR);
        assertThat(walk(512, unmapped - 512, 0).status()).isEqualTo(Status.SUCCESS);
        assertThat(walk(512, base - 512, 0).status()).isEqualTo(Status.DATA_TRANSFER_ERROR);
        for (long iova : new long[] {0, -512, Long.MAX_VALUE - 511, Long.MIN_VALUE, Long.MIN_VALUE + base, -4096}) {
            assertThat(walk(512, iova & -4, 0).status()).as("%x", iova).isEqualTo(Status.DATA_TRANSFER_ERROR);
            assertThat(walk(2 * PAGE, base, iova & -4096).status())
                    .as("%x", iova)
                    .isEqualTo(Status.DATA_TRANSFER_ERROR);
            assertThat(walk(3 * PAGE, base, iova & -8).status()).as("%x", iova).isEqualTo(Status.DATA_TRANSFER_ERROR);
        }
    }

    @Test
    void followsAListThatBeginsAtTheLastEntryOfItsPage() {
        mapAll();
        long list = base + 20 * PAGE - 8;
        all.set(JAVA_LONG_UNALIGNED, 20 * PAGE - 8, base + 30 * PAGE);
        all.set(JAVA_LONG_UNALIGNED, 30 * PAGE, base + 40 * PAGE);
        all.set(JAVA_LONG_UNALIGNED, 30 * PAGE + 8, base + 50 * PAGE);

        assertThat(walk(3 * PAGE, base, list).bytes())
                .containsExactly(base, (long) PAGE, base + 40 * PAGE, (long) PAGE, base + 50 * PAGE, (long) PAGE);
    }

    @Test
    void doesAsTheModelDoes() {
        mapAll();
        var random = Seed.random("PRPs");
        int good = 0;
        for (int round = 0; round < 20_000; round++) {
            // Lists live in pages 0 to 15, and one in ten of everything is wrong in some way.
            for (int i = 0; i < 24; i++) {
                int at = random.nextInt(16) * PAGE + (random.nextBoolean() ? PAGE - 8 : random.nextInt(PAGE / 8) * 8);
                all.set(JAVA_LONG_UNALIGNED, at, anyPage(random, at % PAGE == PAGE - 8 ? 16 : PAGES));
            }
            int bytes = (1 + random.nextInt(random.nextBoolean() ? 16 : 1 << 11)) * 512;
            long prp1 = anyPage(random, PAGES) + random.nextInt(PAGE / 4) * 4L;
            boolean list = bytes - (PAGE - (prp1 & PAGE - 1)) > PAGE;
            long prp2 = anyPage(random, list ? 16 : PAGES)
                    + (list ? (random.nextInt(8) == 0 ? PAGE - 8 : random.nextInt(PAGE / 8) * 8L) : 0);
            if (list) {
                // Entries where this list begins, so that some lists are whole.
                fillList(random, prp2, bytes / PAGE + 2);
            }

            var expected = model(bytes, prp1, prp2);

            assertThat(walk(bytes, prp1, prp2))
                    .as("%d bytes, prp1 %x, prp2 %x", bytes, prp1 - base, prp2 - base)
                    .isEqualTo(expected);
            good += expected.status() == Status.SUCCESS ? 1 : 0;
        }
        assertThat(good).isBetween(2_000, 19_000);
    }

    private void fillList(SplittableRandom random, long list, int entries) {
        long at = list & -8;
        int wrongAt = random.nextInt(4) == 0 ? random.nextInt(entries + 1) : -1;
        for (int i = 0; i < entries && at >= base && at < base + 16 * PAGE; i++) {
            boolean last = (at & PAGE - 1) == PAGE - 8;
            long value = last ? base + random.nextInt(16) * PAGE : base + random.nextInt(PAGES - 10) * (long) PAGE;
            all.set(JAVA_LONG_UNALIGNED, at - base, i == wrongAt ? anyPage(random, PAGES) + 8 : value);
            at = last && i < entries - 1 ? value : at + 8;
        }
    }

    private long anyPage(SplittableRandom random, int pages) {
        return switch (random.nextInt(80)) {
            case 0 -> random.nextLong() & -PAGE;
            case 1 -> base + random.nextInt(pages) * (long) PAGE + random.nextInt(PAGE);
            case 2 -> base + (PAGES - 1 - random.nextInt(10)) * (long) PAGE;
            default -> base + random.nextInt(Math.min(pages, PAGES - 10)) * (long) PAGE;
        };
    }
}
