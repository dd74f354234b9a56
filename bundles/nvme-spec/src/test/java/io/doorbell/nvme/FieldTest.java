package io.doorbell.nvme;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.util.HexFormat;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class FieldTest {
    /** A Java array, and fields at odd bytes: nothing is aligned. */
    private final MemorySegment data = MemorySegment.ofArray(new byte[64]);

    @Test
    void numbersAreLittleEndianAndUnsigned() {
        Field.u8(1).set(data, 0xFE);
        Field.u16(3).set(data, 0xFEDC);
        Field.u32(5).set(data, 0xFEDC_BA98);
        Field.u64(9).set(data, 0xFEDC_BA98_7654_3210L);

        assertThat(hex(0, 17)).isEqualTo("00fe00dcfe98badcfe1032547698badcfe");
        assertThat(Field.u8(1).get(data)).isEqualTo(0xFE);
        assertThat(Field.u16(3).get(data)).isEqualTo(0xFEDC);
        assertThat(Field.u32(5).get(data)).isEqualTo(0xFEDC_BA98);
        assertThat(Field.u32(5).unsigned(data)).isEqualTo(0xFEDC_BA98L);
        assertThat(Field.u64(9).get(data)).isEqualTo(0xFEDC_BA98_7654_3210L);
    }

    @Test
    void aStructureMayStartAnywhere() {
        Field.u16(3).set(data, 10, 0x1234);

        assertThat(hex(12, 4)).isEqualTo("00341200");
        assertThat(Field.u16(3).get(data, 10)).isEqualTo(0x1234);
        assertThat(Field.u16(13).get(data)).isEqualTo(0x1234);
    }

    @Test
    void countersHaveOneHundredAndTwentyEightBits() {
        var random = Seed.random();
        var field = Field.u128(3);
        for (int round = 0; round < 200; round++) {
            var value = new BigInteger(1, randomBytes(random.nextLong(), random.nextLong()));

            field.set(data, value);

            assertThat(field.get(data)).isEqualTo(value);
            assertThat(field.low(data)).isEqualTo(value.longValue());
        }

        field.set(data, -1L);
        assertThat(field.get(data)).isEqualTo(new BigInteger("18446744073709551615"));
        assertThatThrownBy(() -> field.set(data, BigInteger.ONE.shiftLeft(128)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> field.set(data, BigInteger.ONE.negate())).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void identifiersAreWrittenAsTheyAreRead() {
        Field.bigEndian64(1).set(data, 0x0025_38AB_CDEF_0123L);
        Field.bigEndian128(16).set(data, UUID.fromString("00112233-4455-6677-8899-aabbccddeeff"));

        assertThat(hex(1, 8)).isEqualTo("002538abcdef0123");
        assertThat(hex(16, 16)).isEqualTo("00112233445566778899aabbccddeeff");
        assertThat(Field.bigEndian64(1).get(data)).isEqualTo(0x0025_38AB_CDEF_0123L);
        assertThat(Field.bigEndian128(16).get(data)).hasToString("00112233-4455-6677-8899-aabbccddeeff");
    }

    @Test
    void asciiIsPaddedWithSpaces() {
        var field = Field.ascii(2, 8);
        data.fill((byte) 'x');

        field.set(data, "DB 01");

        assertThat(hex(1, 10)).isEqualTo("78" + "4442203031202020" + "78");
        assertThat(field.get(data)).isEqualTo("DB 01");
        field.set(data, "12345678");
        assertThat(field.get(data)).isEqualTo("12345678");
        assertThatThrownBy(() -> field.set(data, "123456789")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> field.set(data, "tür")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void asciiPaddedWithNulsIsReadToo() {
        data.fill((byte) 0).set(JAVA_BYTE, 2, (byte) 'A');

        assertThat(Field.ascii(2, 8).get(data)).isEqualTo("A");
        assertThat(Field.ascii(20, 8).get(data)).isEmpty();
    }

    @Test
    void qualifiedNamesEndWithANul() {
        var field = Field.utf8(0, 8);
        data.fill((byte) 'x');

        field.set(data, "nqn.2");

        assertThat(hex(0, 9)).isEqualTo("6e716e2e32000000" + "78");
        assertThat(field.get(data)).isEqualTo("nqn.2");
        assertThat(field.get(data, 8)).isEqualTo("xxxxxxxx");
        assertThatThrownBy(() -> field.set(data, "12345678")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void refusesNumbersThatDoNotFit() {
        assertThatThrownBy(() -> Field.u8(0).set(data, 256)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Field.u8(0).set(data, -1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Field.u16(0).set(data, 0x1_0000))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("65536");
    }

    private String hex(long from, long length) {
        return HexFormat.of().formatHex(data.asSlice(from, length).toArray(JAVA_BYTE));
    }

    private static byte[] randomBytes(long high, long low) {
        var bytes = MemorySegment.ofArray(new long[] {high, low});
        return bytes.toArray(JAVA_BYTE);
    }
}
