package io.doorbell.nvme;

import static io.doorbell.nvme.ProtectionInformation.PRACT;
import static io.doorbell.nvme.ProtectionInformation.PRCHK;
import static io.doorbell.nvme.ProtectionInformation.PRCHK_APPLICATION_TAG;
import static io.doorbell.nvme.ProtectionInformation.PRCHK_GUARD;
import static io.doorbell.nvme.ProtectionInformation.PRCHK_REFERENCE_TAG;
import static io.doorbell.nvme.ProtectionInformation.TYPE_1;
import static io.doorbell.nvme.ProtectionInformation.TYPE_2;
import static io.doorbell.nvme.ProtectionInformation.TYPE_3;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ProtectionInformationTest {
    /** SBC-4 table "CRC test cases", and the check value of the catalogue of parametrised CRC algorithms. */
    @Test
    void computesTheGuardsOfTheSpecification() {
        assertThat(guard("123456789".getBytes(StandardCharsets.US_ASCII))).isEqualTo(0xD0DB);
        assertThat(guard(new byte[32])).isZero();
        assertThat(guard(bytes(i -> 0xFF))).isEqualTo(0xA293);
        assertThat(guard(bytes(i -> i))).isEqualTo(0x0224);
    }

    @Test
    void agreesWithTheBitwiseDefinitionHoweverTheBytesArePieced() {
        var random = Seed.random();
        for (int round = 0; round < 500; round++) {
            var bytes = new byte[random.nextInt(5000)];
            random.nextBytes(bytes);
            var segment = MemorySegment.ofArray(bytes);
            int start = random.nextInt(bytes.length + 1);
            int middle = start + random.nextInt(bytes.length + 1 - start);

            int guard = ProtectionInformation.guard(segment, start, middle - start);
            guard = ProtectionInformation.guard(guard, segment, middle, bytes.length - middle);

            assertThat(guard).isEqualTo(bitwise(bytes, start));
        }
    }

    @Test
    void hasItsFieldsMostSignificantByteFirst() {
        var tuple = MemorySegment.ofArray(new byte[9]);

        ProtectionInformation.encode(tuple, 1, 0x1234, 0x5678, 0x9ABCDEF0);

        assertThat(tuple.toArray(java.lang.foreign.ValueLayout.JAVA_BYTE))
                .containsExactly(0, 0x12, 0x34, 0x56, 0x78, 0x9A, 0xBC, 0xDE, 0xF0);
        assertThat(ProtectionInformation.guard(tuple, 1)).isEqualTo(0x1234);
        assertThat(ProtectionInformation.applicationTag(tuple, 1)).isEqualTo(0x5678);
        assertThat(ProtectionInformation.referenceTag(tuple, 1)).isEqualTo(0x9ABCDEF0);
    }

    @Test
    void checksWhatTheCommandAsksFor() {
        var tuple = tuple(0x1111, 0xAB12, 7);
        int tags = ProtectionInformation.tagDword(0xAB34, 0xFF00);

        assertThat(check(tuple, TYPE_1, 0x1111, PRCHK, 7, tags)).isEqualTo(Status.SUCCESS);
        assertThat(check(tuple, TYPE_1, 0x1112, PRCHK, 7, tags)).isEqualTo(Status.GUARD_CHECK_ERROR);
        assertThat(check(tuple, TYPE_1, 0x1111, PRCHK, 7, tags | 0x00FF_0000))
                .isEqualTo(Status.APPLICATION_TAG_CHECK_ERROR);
        assertThat(check(tuple, TYPE_1, 0x1111, PRCHK, 8, tags)).isEqualTo(Status.REFERENCE_TAG_CHECK_ERROR);
        assertThat(check(tuple, TYPE_2, 0x1111, PRCHK, 8, tags)).isEqualTo(Status.REFERENCE_TAG_CHECK_ERROR);
        assertThat(check(tuple, TYPE_3, 0x1111, PRCHK, 8, tags)).isEqualTo(Status.SUCCESS);
        assertThat(check(tuple, TYPE_1, 0x2222, PRACT, 8, -1)).isEqualTo(Status.SUCCESS);
        assertThat(check(tuple, TYPE_1, 0x2222, PRCHK_REFERENCE_TAG, 7, -1)).isEqualTo(Status.SUCCESS);
        assertThat(check(tuple, TYPE_1, 0x1111, PRCHK_GUARD, 8, -1)).isEqualTo(Status.SUCCESS);
        assertThat(check(tuple, TYPE_1, 0x2222, PRCHK_APPLICATION_TAG, 8, tags)).isEqualTo(Status.SUCCESS);
    }

    @Test
    void leavesBlocksAloneThatSayTheyAreNotToBeChecked() {
        assertThat(check(tuple(1, 0xFFFF, 1), TYPE_1, 2, PRCHK, 2, -1 << 16)).isEqualTo(Status.SUCCESS);
        assertThat(check(tuple(1, 0xFFFF, 1), TYPE_2, 2, PRCHK, 2, -1 << 16)).isEqualTo(Status.SUCCESS);
        assertThat(check(tuple(1, 0xFFFF, 1), TYPE_3, 2, PRCHK, 2, -1 << 16)).isEqualTo(Status.GUARD_CHECK_ERROR);
        assertThat(check(tuple(1, 0xFFFF, -1), TYPE_3, 2, PRCHK, 2, -1 << 16)).isEqualTo(Status.SUCCESS);
    }

    @Test
    void refusesTagsThatTheTypeDoesNotHave() {
        int refused = Status.INVALID_PROTECTION_INFORMATION | Status.DNR;
        long slba = 0x1_0000_0005L;

        assertThat(ProtectionInformation.admit(TYPE_1, PRCHK, slba, 5)).isEqualTo(Status.SUCCESS);
        assertThat(ProtectionInformation.admit(TYPE_1, PRCHK, slba, 6)).isEqualTo(refused);
        assertThat(ProtectionInformation.admit(TYPE_1, PRACT | PRCHK_GUARD, slba, 6))
                .isEqualTo(Status.SUCCESS);
        assertThat(ProtectionInformation.admit(TYPE_2, PRCHK, slba, 6)).isEqualTo(Status.SUCCESS);
        assertThat(ProtectionInformation.admit(TYPE_3, PRCHK, slba, 5)).isEqualTo(refused);
        assertThat(ProtectionInformation.admit(TYPE_3, PRCHK_GUARD | PRCHK_APPLICATION_TAG, slba, 5))
                .isEqualTo(Status.SUCCESS);
    }

    @Test
    void knowsWhereTheTupleStandsAndWhatItsGuardIsOf() {
        var random = Seed.random();
        var data = new byte[512];
        var metadata = new byte[64];
        random.nextBytes(data);
        random.nextBytes(metadata);
        var last = new ProtectionFormat(TYPE_1, false, 512, 64);
        var first = new ProtectionFormat(TYPE_1, true, 512, 64);
        var all = Arrays.copyOf(data, 512 + 56);
        System.arraycopy(metadata, 0, all, 512, 56);

        assertThat(last.tupleOffset()).isEqualTo(56);
        assertThat(first.tupleOffset()).isZero();
        assertThat(last.guard(MemorySegment.ofArray(data), 0, MemorySegment.ofArray(metadata), 0))
                .isEqualTo(bitwise(all, 0));
        assertThat(first.guard(MemorySegment.ofArray(data), 0, MemorySegment.ofArray(metadata), 0))
                .isEqualTo(bitwise(data, 0));
    }

    @Test
    void readsTheFormatFromWhatANamespaceSays() {
        assertThat(ProtectionFormat.of(0, 512, 8)).isNull();
        assertThat(ProtectionFormat.of(1, 512, 0)).isNull();
        assertThat(ProtectionFormat.of(4, 512, 8)).isNull();
        assertThat(ProtectionFormat.of(0xA, 4096, 16)).isEqualTo(new ProtectionFormat(TYPE_2, true, 4096, 16));
        assertThat(new ProtectionFormat(TYPE_2, true, 4096, 16).dps()).isEqualTo(0xA);
        assertThat(new ProtectionFormat(TYPE_3, false, 4096, 8).dps()).isEqualTo(3);
        assertThatIllegalArgumentException().isThrownBy(() -> new ProtectionFormat(TYPE_1, false, 512, 7));
    }

    @Test
    void protectsBlocksSoThatEveryFlippedBitIsFound() {
        var random = Seed.random();
        for (int round = 0; round < 300; round++) {
            int type = 1 + random.nextInt(3);
            int metadataBytes = new int[] {8, 16, 64}[random.nextInt(3)];
            var format = new ProtectionFormat(type, random.nextBoolean(), 512, metadataBytes);
            boolean extended = random.nextBoolean();
            int blocks = 1 + random.nextInt(4);
            int stride = 512 + metadataBytes;
            var bytes = new byte[blocks * stride];
            random.nextBytes(bytes);
            var buffer = MemorySegment.ofArray(bytes);
            long metadataOffset = extended ? 512 : blocks * 512L;
            long dataStride = extended ? stride : 512;
            long metadataStride = extended ? stride : metadataBytes;
            int cdw12 = type == TYPE_3 ? PRCHK & ~PRCHK_REFERENCE_TAG : PRCHK;
            int tags = ProtectionInformation.tagDword(0x1234, 0xFFFF);
            int reference = random.nextInt();

            format.protect(buffer, 0, dataStride, buffer, metadataOffset, metadataStride, blocks, reference, 0x1234);

            assertThat(format.check(
                            buffer,
                            0,
                            dataStride,
                            buffer,
                            metadataOffset,
                            metadataStride,
                            blocks,
                            cdw12,
                            reference,
                            tags))
                    .isEqualTo(Status.SUCCESS);
            int block = random.nextInt(blocks);
            bytes[(int) (block * dataStride + random.nextInt(512))] ^= (byte) (1 << random.nextInt(8));
            assertThat(format.check(
                            buffer,
                            0,
                            dataStride,
                            buffer,
                            metadataOffset,
                            metadataStride,
                            blocks,
                            cdw12,
                            reference,
                            tags))
                    .isEqualTo(Status.GUARD_CHECK_ERROR);
            if (type != TYPE_3) {
                assertThat(format.check(
                                buffer,
                                0,
                                dataStride,
                                buffer,
                                metadataOffset,
                                metadataStride,
                                blocks,
                                PRCHK_REFERENCE_TAG,
                                reference + 1,
                                tags))
                        .isEqualTo(Status.REFERENCE_TAG_CHECK_ERROR);
            }
        }
    }

    private static int check(MemorySegment tuple, int type, int guard, int cdw12, int reference, int cdw15) {
        return ProtectionInformation.check(tuple, 0, type, guard, cdw12, reference, cdw15);
    }

    private static MemorySegment tuple(int guard, int applicationTag, int referenceTag) {
        var tuple = MemorySegment.ofArray(new byte[ProtectionInformation.SIZE_BYTES]);
        ProtectionInformation.encode(tuple, 0, guard, applicationTag, referenceTag);
        return tuple;
    }

    private static byte[] bytes(java.util.function.IntUnaryOperator value) {
        var bytes = new byte[32];
        IntStream.range(0, bytes.length).forEach(i -> bytes[i] = (byte) value.applyAsInt(i));
        return bytes;
    }

    private static int guard(byte[] bytes) {
        return ProtectionInformation.guard(MemorySegment.ofArray(bytes), 0, bytes.length);
    }

    private static int bitwise(byte[] bytes, int start) {
        int crc = 0;
        for (int i = start; i < bytes.length; i++) {
            for (int bit = 7; bit >= 0; bit--) {
                boolean one = (crc >>> 15 ^ bytes[i] >>> bit & 1) != 0;
                crc = (crc << 1 ^ (one ? 0x8BB7 : 0)) & 0xFFFF;
            }
        }
        return crc;
    }
}
