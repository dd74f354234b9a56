package io.doorbell.nvme;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.UUID;

/**
 * One field of a data structure (Identify, log page), by its byte offset. {@code IdentifyController.MDTS.get(data)} reads it,
 * {@code IdentifyController.MDTS.set(data, 5)} writes it; with one more argument the structure starts at that byte of the
 * segment.
 *
 * <p>A constant per field reads like the specification's table, and a test can hold it against one. Any segment and any
 * offset will do, Java arrays too. This is the control path: entries of queues have classes of their own. Setters refuse
 * what does not fit.
 */
public sealed interface Field {
    /** Byte at which the field starts in its structure. */
    int offset();

    int lengthBytes();

    static U8 u8(int offset) {
        return new U8(offset);
    }

    static U16 u16(int offset) {
        return new U16(offset);
    }

    static U32 u32(int offset) {
        return new U32(offset);
    }

    static U64 u64(int offset) {
        return new U64(offset);
    }

    static U128 u128(int offset) {
        return new U128(offset);
    }

    static BigEndian64 bigEndian64(int offset) {
        return new BigEndian64(offset);
    }

    static BigEndian128 bigEndian128(int offset) {
        return new BigEndian128(offset);
    }

    static Ascii ascii(int offset, int lengthBytes) {
        return new Ascii(offset, lengthBytes);
    }

    static Utf8 utf8(int offset, int lengthBytes) {
        return new Utf8(offset, lengthBytes);
    }

    /** One byte, as 0 to 255. */
    record U8(int offset) implements Field {
        @Override
        public int lengthBytes() {
            return 1;
        }

        public int get(MemorySegment structure) {
            return get(structure, 0);
        }

        public int get(MemorySegment structure, long start) {
            return Byte.toUnsignedInt(structure.get(JAVA_BYTE, start + offset));
        }

        public void set(MemorySegment structure, int value) {
            set(structure, 0, value);
        }

        public void set(MemorySegment structure, long start, int value) {
            structure.set(JAVA_BYTE, start + offset, (byte) fits(this, value, 0xFF));
        }
    }

    /** Two bytes, as 0 to 65,535. */
    record U16(int offset) implements Field {
        @Override
        public int lengthBytes() {
            return 2;
        }

        public int get(MemorySegment structure) {
            return get(structure, 0);
        }

        public int get(MemorySegment structure, long start) {
            return Short.toUnsignedInt(structure.get(LE.LE16_UNALIGNED, start + offset));
        }

        public void set(MemorySegment structure, int value) {
            set(structure, 0, value);
        }

        public void set(MemorySegment structure, long start, int value) {
            structure.set(LE.LE16_UNALIGNED, start + offset, (short) fits(this, value, 0xFFFF));
        }
    }

    /** Four bytes: raw bits, or unsigned. */
    record U32(int offset) implements Field {
        @Override
        public int lengthBytes() {
            return 4;
        }

        public int get(MemorySegment structure) {
            return get(structure, 0);
        }

        public int get(MemorySegment structure, long start) {
            return structure.get(LE.LE32_UNALIGNED, start + offset);
        }

        public long unsigned(MemorySegment structure) {
            return unsigned(structure, 0);
        }

        public long unsigned(MemorySegment structure, long start) {
            return Integer.toUnsignedLong(get(structure, start));
        }

        public void set(MemorySegment structure, int value) {
            set(structure, 0, value);
        }

        public void set(MemorySegment structure, long start, int value) {
            structure.set(LE.LE32_UNALIGNED, start + offset, value);
        }
    }

    /** Eight bytes, raw bits. */
    record U64(int offset) implements Field {
        @Override
        public int lengthBytes() {
            return 8;
        }

        public long get(MemorySegment structure) {
            return get(structure, 0);
        }

        public long get(MemorySegment structure, long start) {
            return structure.get(LE.LE64_UNALIGNED, start + offset);
        }

        public void set(MemorySegment structure, long value) {
            set(structure, 0, value);
        }

        public void set(MemorySegment structure, long start, long value) {
            structure.set(LE.LE64_UNALIGNED, start + offset, value);
        }
    }

    /** Sixteen bytes, little endian: counters and capacities. */
    record U128(int offset) implements Field {
        private static final BigInteger MAX = BigInteger.ONE.shiftLeft(128).subtract(BigInteger.ONE);

        @Override
        public int lengthBytes() {
            return 16;
        }

        public BigInteger get(MemorySegment structure) {
            return get(structure, 0);
        }

        public BigInteger get(MemorySegment structure, long start) {
            var magnitude = new byte[lengthBytes()];
            for (int i = 0; i < magnitude.length; i++) {
                magnitude[magnitude.length - 1 - i] = structure.get(JAVA_BYTE, start + offset + i);
            }
            return new BigInteger(1, magnitude);
        }

        /** The low half, which is all of it for anything counted on this machine. */
        public long low(MemorySegment structure) {
            return low(structure, 0);
        }

        public long low(MemorySegment structure, long start) {
            return structure.get(LE.LE64_UNALIGNED, start + offset);
        }

        /** Unsigned. */
        public void set(MemorySegment structure, long value) {
            set(structure, 0, value);
        }

        public void set(MemorySegment structure, long start, long value) {
            structure.set(LE.LE64_UNALIGNED, start + offset, value);
            structure.set(LE.LE64_UNALIGNED, start + offset + 8, 0);
        }

        public void set(MemorySegment structure, BigInteger value) {
            set(structure, 0, value);
        }

        public void set(MemorySegment structure, long start, BigInteger value) {
            if (value.signum() < 0 || value.compareTo(MAX) > 0) {
                throw new IllegalArgumentException(value + " does not fit " + this);
            }
            structure.set(LE.LE64_UNALIGNED, start + offset, value.longValue());
            structure.set(
                    LE.LE64_UNALIGNED,
                    start + offset + 8,
                    value.shiftRight(Long.SIZE).longValue());
        }
    }

    /** Eight bytes, most significant first, as an EUI64 is written. */
    record BigEndian64(int offset) implements Field {
        @Override
        public int lengthBytes() {
            return 8;
        }

        public long get(MemorySegment structure) {
            return get(structure, 0);
        }

        public long get(MemorySegment structure, long start) {
            return Long.reverseBytes(structure.get(LE.LE64_UNALIGNED, start + offset));
        }

        public void set(MemorySegment structure, long value) {
            set(structure, 0, value);
        }

        public void set(MemorySegment structure, long start, long value) {
            structure.set(LE.LE64_UNALIGNED, start + offset, Long.reverseBytes(value));
        }
    }

    /** Sixteen bytes, most significant first, as a UUID and an NGUID are written; {@link UUID} holds either. */
    record BigEndian128(int offset) implements Field {
        @Override
        public int lengthBytes() {
            return 16;
        }

        public UUID get(MemorySegment structure) {
            return get(structure, 0);
        }

        public UUID get(MemorySegment structure, long start) {
            return new UUID(
                    Long.reverseBytes(structure.get(LE.LE64_UNALIGNED, start + offset)),
                    Long.reverseBytes(structure.get(LE.LE64_UNALIGNED, start + offset + 8)));
        }

        public void set(MemorySegment structure, UUID value) {
            set(structure, 0, value);
        }

        public void set(MemorySegment structure, long start, UUID value) {
            structure.set(LE.LE64_UNALIGNED, start + offset, Long.reverseBytes(value.getMostSignificantBits()));
            structure.set(LE.LE64_UNALIGNED, start + offset + 8, Long.reverseBytes(value.getLeastSignificantBits()));
        }
    }

    /** ASCII, left justified, padded with spaces. */
    record Ascii(int offset, int lengthBytes) implements Field {
        public String get(MemorySegment structure) {
            return get(structure, 0);
        }

        /** Without the padding. Devices are seen to pad with NULs too, and those go as well. */
        public String get(MemorySegment structure, long start) {
            var bytes = structure.asSlice(start + offset, lengthBytes).toArray(JAVA_BYTE);
            int end = bytes.length;
            while (end > 0 && (bytes[end - 1] == ' ' || bytes[end - 1] == 0)) {
                end--;
            }
            return new String(bytes, 0, end, StandardCharsets.ISO_8859_1);
        }

        public void set(MemorySegment structure, String text) {
            set(structure, 0, text);
        }

        public void set(MemorySegment structure, long start, String text) {
            var printable = text.chars().allMatch(c -> c >= ' ' && c <= '~');
            if (!printable || text.length() > lengthBytes) {
                throw new IllegalArgumentException(
                        "\"" + text + "\" is not at most " + lengthBytes + " printable ASCII characters");
            }
            var field = structure.asSlice(start + offset, lengthBytes);
            field.fill((byte) ' ');
            field.copyFrom(MemorySegment.ofArray(text.getBytes(StandardCharsets.US_ASCII)));
        }
    }

    /** UTF-8, ended by a NUL and padded with NULs: qualified names. */
    record Utf8(int offset, int lengthBytes) implements Field {
        public String get(MemorySegment structure) {
            return get(structure, 0);
        }

        /** Up to the first NUL, or the whole field where a device forgot it. */
        public String get(MemorySegment structure, long start) {
            var bytes = structure.asSlice(start + offset, lengthBytes).toArray(JAVA_BYTE);
            int end = 0;
            while (end < bytes.length && bytes[end] != 0) {
                end++;
            }
            return new String(bytes, 0, end, StandardCharsets.UTF_8);
        }

        public void set(MemorySegment structure, String text) {
            set(structure, 0, text);
        }

        public void set(MemorySegment structure, long start, String text) {
            var bytes = text.getBytes(StandardCharsets.UTF_8);
            if (bytes.length >= lengthBytes || text.indexOf(0) >= 0) {
                throw new IllegalArgumentException("\"" + text + "\" is not at most " + (lengthBytes - 1) + " bytes");
            }
            var field = structure.asSlice(start + offset, lengthBytes);
            field.fill((byte) 0);
            field.copyFrom(MemorySegment.ofArray(bytes));
        }
    }

    private static int fits(Field field, int value, int max) {
        if (value < 0 || value > max) {
            throw new IllegalArgumentException(value + " does not fit " + field);
        }
        return value;
    }
}
