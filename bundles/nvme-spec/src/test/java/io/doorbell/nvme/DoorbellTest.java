package io.doorbell.nvme;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DoorbellTest {
    @ParameterizedTest
    @CsvSource({
        "0, 0, 0x1000, 0x1004",
        "1, 0, 0x1008, 0x100C",
        "2, 0, 0x1010, 0x1014",
        "1, 1, 0x1010, 0x1018",
        "3, 4, 0x1180, 0x11C0",
        "65535, 0, 0x80FF8, 0x80FFC",
        "65535, 15, 0x3FFFC1000, 0x3FFFE1000"
    })
    void standsByQueueAndStride(int qid, int dstrd, String tail, String head) {
        assertThat(Doorbell.submissionTailOffset(qid, dstrd)).isEqualTo(Long.decode(tail));
        assertThat(Doorbell.completionHeadOffset(qid, dstrd)).isEqualTo(Long.decode(head));
        assertThat(Doorbell.shadowSubmissionTailOffset(qid, dstrd)).isEqualTo(Long.decode(tail) - 0x1000);
        assertThat(Doorbell.shadowCompletionHeadOffset(qid, dstrd)).isEqualTo(Long.decode(head) - 0x1000);
    }

    @Test
    void storesOneLittleEndianDwordAndLoadsIt() {
        var doorbells = MemorySegment.ofArray(new long[2]).fill((byte) 0xEE);

        Doorbell.store(doorbells, 4, 0x0102_0304);

        assertThat(Doorbell.load(doorbells, 4)).isEqualTo(0x0102_0304);
        var words = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
        assertThat(doorbells.get(words, 0)).isEqualTo(0x0102_0304_EEEE_EEEEL);
        assertThat(doorbells.get(words, 8)).isEqualTo(0xEEEE_EEEE_EEEE_EEEEL);
    }
}
