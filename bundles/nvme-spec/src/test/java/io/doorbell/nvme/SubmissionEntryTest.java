package io.doorbell.nvme;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SubmissionEntryTest {
    private static final int ENTRIES = 8;

    /** Full of ones, so that a byte nobody wrote is seen. */
    private final MemorySegment queue =
            MemorySegment.ofArray(new long[ENTRIES * 8]).fill((byte) 0xFF);

    private final SplittableRandom random = Seed.random();

    @ParameterizedTest
    @CsvSource({
        "opc, 0, 1",
        "flags, 1, 1",
        "cid, 2, 2",
        "nsid, 4, 4",
        "cdw2, 8, 4",
        "cdw3, 12, 4",
        "mptr, 16, 8",
        "prp1, 24, 8",
        "prp2, 32, 8",
        "cdw10, 40, 4",
        "cdw11, 44, 4",
        "cdw12, 48, 4",
        "cdw13, 52, 4",
        "cdw14, 56, 4",
        "cdw15, 60, 4"
    })
    void fieldsStandWhereTheSpecificationPutsThem(String name, long offset, long bytes) {
        assertThat(SubmissionEntry.LAYOUT.byteOffset(groupElement(name))).isEqualTo(offset);
        assertThat(SubmissionEntry.LAYOUT.select(groupElement(name)).byteSize()).isEqualTo(bytes);
    }

    @Test
    void isSixtyFourBytes() {
        assertThat(SubmissionEntry.LAYOUT.byteSize()).isEqualTo(64).isEqualTo(SubmissionEntry.SIZE_BYTES);
        assertThat(SubmissionEntry.LAYOUT.byteOffset(groupElement("prp1")))
                .isEqualTo(SubmissionEntry.DPTR_OFFSET_BYTES);
    }

    @Test
    void encodesReadsAndWritesByteForByteAndTouchesNoNeighbour() {
        for (int round = 0; round < 1000; round++) {
            queue.fill((byte) 0xFF);
            int index = random.nextInt(ENTRIES);
            int opc = random.nextInt(256);
            int cid = random.nextInt(65_536);
            int nsid = random.nextInt();
            long slba = random.nextLong();
            int cdw12 = random.nextInt();
            long prp1 = random.nextLong();
            long prp2 = random.nextLong();

            SubmissionEntry.encodeReadWrite(queue, index * 64L, opc, cid, nsid, slba, cdw12, prp1, prp2);

            var expected = onesWithHoleAt(index);
            expected.put((byte) opc)
                    .put((byte) 0)
                    .putShort((short) cid)
                    .putInt(nsid)
                    .putLong(0)
                    .putLong(0);
            expected.putLong(prp1)
                    .putLong(prp2)
                    .putLong(slba)
                    .putInt(cdw12)
                    .putInt(0)
                    .putInt(0)
                    .putInt(0);
            assertThat(queue.toArray(JAVA_BYTE)).isEqualTo(expected.array());
            assertThat(SubmissionEntry.slba(queue, index * 64L)).isEqualTo(slba);
            assertThat(SubmissionEntry.nlbZeroBased(queue, index * 64L)).isEqualTo(cdw12 & 0xFFFF);
            assertThat(SubmissionEntry.blockCount(queue, index * 64L)).isEqualTo((cdw12 & 0xFFFF) + 1);
        }
    }

    @Test
    void encodesAnyCommandByteForByteAndReadsItBack() {
        for (int round = 0; round < 1000; round++) {
            queue.fill((byte) 0xFF);
            int index = random.nextInt(ENTRIES);
            long at = index * 64L;
            int opc = random.nextInt(256);
            int flags = random.nextInt(256);
            int cid = random.nextInt(65_536);
            int nsid = random.nextInt();
            long mptr = random.nextLong();
            long prp1 = random.nextLong();
            long prp2 = random.nextLong();
            var cdw = random.ints(6).toArray();

            SubmissionEntry.encode(
                    queue, at, opc, flags, cid, nsid, mptr, prp1, prp2, cdw[0], cdw[1], cdw[2], cdw[3], cdw[4], cdw[5]);

            var expected = onesWithHoleAt(index);
            expected.put((byte) opc)
                    .put((byte) flags)
                    .putShort((short) cid)
                    .putInt(nsid)
                    .putLong(0);
            expected.putLong(mptr).putLong(prp1).putLong(prp2);
            for (int dword : cdw) {
                expected.putInt(dword);
            }
            assertThat(queue.toArray(JAVA_BYTE)).isEqualTo(expected.array());
            assertThat(SubmissionEntry.opc(queue, at)).isEqualTo(opc);
            assertThat(SubmissionEntry.flags(queue, at)).isEqualTo(flags);
            assertThat(SubmissionEntry.fuse(queue, at)).isEqualTo(flags & 3);
            assertThat(SubmissionEntry.psdt(queue, at)).isEqualTo(flags >> 6);
            assertThat(SubmissionEntry.cid(queue, at)).isEqualTo(cid);
            assertThat(SubmissionEntry.nsid(queue, at)).isEqualTo(nsid);
            assertThat(SubmissionEntry.cdw2(queue, at)).isZero();
            assertThat(SubmissionEntry.cdw3(queue, at)).isZero();
            assertThat(SubmissionEntry.mptr(queue, at)).isEqualTo(mptr);
            assertThat(SubmissionEntry.prp1(queue, at)).isEqualTo(prp1);
            assertThat(SubmissionEntry.prp2(queue, at)).isEqualTo(prp2);
            assertThat(SubmissionEntry.cdw10(queue, at)).isEqualTo(cdw[0]);
            assertThat(SubmissionEntry.cdw11(queue, at)).isEqualTo(cdw[1]);
            assertThat(SubmissionEntry.cdw12(queue, at)).isEqualTo(cdw[2]);
            assertThat(SubmissionEntry.cdw13(queue, at)).isEqualTo(cdw[3]);
            assertThat(SubmissionEntry.cdw14(queue, at)).isEqualTo(cdw[4]);
            assertThat(SubmissionEntry.cdw15(queue, at)).isEqualTo(cdw[5]);
        }
    }

    @Test
    void readsReservedDwordsAsTheyAre() {
        assertThat(SubmissionEntry.cdw2(queue, 0)).isEqualTo(-1);
        assertThat(SubmissionEntry.cdw3(queue, 64)).isEqualTo(-1);
    }

    @Test
    void setsSingleFieldsAndLeavesTheRest() {
        SubmissionEntry.encode(queue, 64, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13);

        SubmissionEntry.cid(queue, 64, 0xFFFE);
        SubmissionEntry.nsid(queue, 64, 0x1234_5678);
        SubmissionEntry.mptr(queue, 64, -2);
        SubmissionEntry.prp1(queue, 64, -3);
        SubmissionEntry.prp2(queue, 64, -4);

        var expected = onesWithHoleAt(1);
        expected.put((byte) 1)
                .put((byte) 2)
                .putShort((short) -2)
                .putInt(0x1234_5678)
                .putLong(0);
        expected.putLong(-2)
                .putLong(-3)
                .putLong(-4)
                .putInt(8)
                .putInt(9)
                .putInt(10)
                .putInt(11)
                .putInt(12)
                .putInt(13);
        assertThat(queue.toArray(JAVA_BYTE)).isEqualTo(expected.array());
    }

    @Test
    void copiesACommandAsItIs() {
        var source = MemorySegment.ofArray(random.longs(24).toArray());

        SubmissionEntry.copy(source, 64, queue, 128);

        var expected = onesWithHoleAt(2);
        expected.put(source.asSlice(64, 64).toArray(JAVA_BYTE));
        assertThat(queue.toArray(JAVA_BYTE)).isEqualTo(expected.array());
    }

    @Test
    void readsTheDataPointerAsOneSglDescriptor() {
        int identifier = SglDescriptor.identifier(SglDescriptor.TYPE_LAST_SEGMENT, SglDescriptor.SUBTYPE_OFFSET);

        SubmissionEntry.sgl1(queue, 64, identifier, 0x1122_3344_5566_7788L, 0xFFFF_FFF0);

        assertThat(SubmissionEntry.sgl1Address(queue, 64)).isEqualTo(0x1122_3344_5566_7788L);
        assertThat(SubmissionEntry.sgl1Length(queue, 64)).isEqualTo(0xFFFF_FFF0L);
        assertThat(SubmissionEntry.sgl1Identifier(queue, 64)).isEqualTo(0x31);
        long dptr = 64 + SubmissionEntry.DPTR_OFFSET_BYTES;
        assertThat(SglDescriptor.address(queue, dptr)).isEqualTo(0x1122_3344_5566_7788L);
        assertThat(SglDescriptor.length(queue, dptr)).isEqualTo(0xFFFF_FFF0L);
        assertThat(SglDescriptor.type(queue, dptr)).isEqualTo(SglDescriptor.TYPE_LAST_SEGMENT);
        assertThat(SglDescriptor.subtype(queue, dptr)).isEqualTo(SglDescriptor.SUBTYPE_OFFSET);
    }

    @Test
    void packsFuseAndPsdtIntoTheFlags() {
        assertThat(SubmissionEntry.flags(SubmissionEntry.FUSE_NONE, SubmissionEntry.PSDT_PRP))
                .isZero();
        assertThat(SubmissionEntry.flags(SubmissionEntry.FUSE_SECOND, SubmissionEntry.PSDT_SGL))
                .isEqualTo(0x42);
        assertThat(SubmissionEntry.flags(SubmissionEntry.FUSE_FIRST, SubmissionEntry.PSDT_SGL_METADATA_SGL))
                .isEqualTo(0x81);
    }

    @Test
    void refusesAnEntryThatLeavesTheQueue() {
        assertThatThrownBy(() -> SubmissionEntry.encodeReadWrite(queue, ENTRIES * 64L, 2, 0, 1, 0, 0, 0, 0))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> SubmissionEntry.cid(queue, -64)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    private static ByteBuffer onesWithHoleAt(int index) {
        var bytes = new byte[ENTRIES * 64];
        Arrays.fill(bytes, (byte) 0xFF);
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).position(index * 64);
    }
}
