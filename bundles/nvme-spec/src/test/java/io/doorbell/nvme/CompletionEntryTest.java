package io.doorbell.nvme;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CompletionEntryTest {
    @ParameterizedTest
    @CsvSource({"dw0, 0, 4", "dw1, 4, 4", "sqhd, 8, 2", "sqid, 10, 2", "cid, 12, 2", "status, 14, 2"})
    void fieldsStandWhereTheSpecificationPutsThem(String name, long offset, long bytes) {
        assertThat(CompletionEntry.LAYOUT.byteOffset(groupElement(name))).isEqualTo(offset);
        assertThat(CompletionEntry.LAYOUT.select(groupElement(name)).byteSize()).isEqualTo(bytes);
    }

    @Test
    void isSixteenBytes() {
        assertThat(CompletionEntry.LAYOUT.byteSize()).isEqualTo(16).isEqualTo(CompletionEntry.SIZE_BYTES);
    }

    @Test
    void postsByteForByteAndReadsBack() {
        var random = Seed.random();
        for (int round = 0; round < 1000; round++) {
            var queue = MemorySegment.ofArray(new long[6]).fill((byte) 0xFF);
            long dw01 = random.nextLong();
            int sqhd = random.nextInt(65_536);
            int sqid = random.nextInt(65_536);
            int cid = random.nextInt(65_536);
            int status = random.nextInt(1 << 15);
            int phase = random.nextInt(2);

            CompletionEntry.post(queue, 16, dw01, sqhd, sqid, cid, status, phase);

            var expected = ByteBuffer.allocate(48).order(ByteOrder.LITTLE_ENDIAN);
            expected.putLong(-1).putLong(-1).putLong(dw01);
            expected.putShort((short) sqhd).putShort((short) sqid).putShort((short) cid);
            expected.putShort((short) (status << 1 | phase)).putLong(-1).putLong(-1);
            assertThat(queue.toArray(JAVA_BYTE)).isEqualTo(expected.array());
            long tail = CompletionEntry.tail(queue, 16);
            assertThat(CompletionEntry.sqhd(tail)).isEqualTo(sqhd);
            assertThat(CompletionEntry.sqid(tail)).isEqualTo(sqid);
            assertThat(CompletionEntry.cid(tail)).isEqualTo(cid);
            assertThat(CompletionEntry.status(tail)).isEqualTo(status);
            assertThat(CompletionEntry.phase(tail)).isEqualTo(phase);
            assertThat(CompletionEntry.dw0(queue, 16)).isEqualTo((int) dw01);
            assertThat(CompletionEntry.dw1(queue, 16)).isEqualTo((int) (dw01 >>> 32));
            assertThat(CompletionEntry.dw01(queue, 16)).isEqualTo(dw01);
        }
    }

    @Test
    void decodesTheHighestValueOfEachFieldAlone() {
        assertThat(CompletionEntry.sqhd(0xFFFFL)).isEqualTo(0xFFFF);
        assertThat(CompletionEntry.sqid(0xFFFF_0000L)).isEqualTo(0xFFFF);
        assertThat(CompletionEntry.cid(0xFFFF_0000_0000L)).isEqualTo(0xFFFF);
        assertThat(CompletionEntry.phase(1L << 48)).isEqualTo(1);
        assertThat(CompletionEntry.status(0xFFFE_0000_0000_0000L)).isEqualTo(0x7FFF);
        assertThat(CompletionEntry.tail(0xFFFF, 0, 0, 0, 0)).isEqualTo(0xFFFFL);
        assertThat(CompletionEntry.tail(0, 0xFFFF, 0, 0, 0)).isEqualTo(0xFFFF_0000L);
        assertThat(CompletionEntry.tail(0, 0, 0, 0x7FFF, 0)).isEqualTo(0xFFFE_0000_0000_0000L);
    }

    @Test
    void ignoresBitsAboveAFieldWhenItPosts() {
        assertThat(CompletionEntry.tail(0x1_0001, 0x2_0002, 0x3_0003, Status.DNR, 3))
                .isEqualTo(CompletionEntry.tail(1, 2, 3, Status.DNR, 1));
    }

    /** A ring, so each entry is seen through many rounds of both phases. */
    @Test
    @Timeout(300)
    void whoSeesThePhaseSeesTheResult() throws Exception {
        // On a busy machine each side gets on once per turn of the scheduler, and by a ring at most.
        int entries = 128;
        int completions = 100_000;
        var queue = MemorySegment.ofArray(new long[entries * 2]);
        var head = MemorySegment.ofArray(new long[1]);
        try (var device = Executors.newSingleThreadExecutor()) {
            var posted = device.submit(() -> {
                for (int i = 0; i < completions; i++) {
                    while (i - Doorbell.load(head, 0) >= entries) {
                        giveWay();
                    }
                    CompletionEntry.post(
                            queue, i % entries * 16L, i * 0x1_0000_0001L, i, 1, ~i, 0, 1 - i / entries % 2);
                }
            });

            for (int i = 0; i < completions; i++) {
                long at = i % entries * 16L;
                long tail = CompletionEntry.tail(queue, at);
                while (CompletionEntry.phase(tail) != 1 - i / entries % 2) {
                    giveWay();
                    tail = CompletionEntry.tail(queue, at);
                }
                if (CompletionEntry.dw01(queue, at) != i * 0x1_0000_0001L
                        || CompletionEntry.sqhd(tail) != (i & 0xFFFF)
                        || CompletionEntry.cid(tail) != (~i & 0xFFFF)) {
                    throw new AssertionError("completion " + i + " was torn");
                }
                Doorbell.store(head, 0, i + 1);
            }
            posted.get(60, TimeUnit.SECONDS);
        }
    }

    /** Yields, because the two sides may have one core between them, and ends when the test has timed out. */
    private static void giveWay() {
        if (Thread.currentThread().isInterrupted()) {
            throw new IllegalStateException("interrupted: the other side did not get on");
        }
        Thread.yield();
    }
}
