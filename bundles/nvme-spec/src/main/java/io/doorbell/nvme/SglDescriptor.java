package io.doorbell.nvme;

import static io.doorbell.nvme.LE.LE32_UNALIGNED;
import static io.doorbell.nvme.LE.LE64_UNALIGNED;
import static io.doorbell.nvme.LE.LE8;
import static java.lang.foreign.MemoryLayout.paddingLayout;
import static java.lang.foreign.MemoryLayout.structLayout;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/**
 * SGL Descriptor, 16 bytes, in a command or in a segment of a list. NVMe Base 2.1 §4.3.2 "Scatter Gather List (SGL)".
 *
 * <p>Any offset will do: a list starts wherever the host put it. The keyed form has a length of 3 bytes and a key; the
 * others a length of 4.
 */
public final class SglDescriptor {
    public static final StructLayout LAYOUT = structLayout(
            LE64_UNALIGNED.withName("address"),
            LE32_UNALIGNED.withName("length"),
            paddingLayout(3),
            LE8.withName("identifier")); // sub type 3:0, type 7:4

    public static final int SIZE_BYTES = 16;

    public static final int TYPE_DATA_BLOCK = 0;
    public static final int TYPE_BIT_BUCKET = 1;
    public static final int TYPE_SEGMENT = 2;
    public static final int TYPE_LAST_SEGMENT = 3;
    public static final int TYPE_KEYED_DATA_BLOCK = 4;
    public static final int TYPE_TRANSPORT_DATA_BLOCK = 5;

    public static final int SUBTYPE_ADDRESS = 0;
    public static final int SUBTYPE_OFFSET = 1;
    public static final int SUBTYPE_TRANSPORT = 0xA;

    /** On a keyed data block: the target may invalidate the key when it is done. */
    public static final int SUBTYPE_INVALIDATE_KEY = 0xF;

    private static final VarHandle ADDRESS = LE.field(LAYOUT, "address");
    private static final VarHandle LENGTH = LE.field(LAYOUT, "length");
    private static final VarHandle IDENTIFIER = LE.field(LAYOUT, "identifier");

    /** Dwords 2 and 3 as one: length, key and identifier overlap by type. */
    private static final VarHandle TAIL = LE64_UNALIGNED.varHandle().withInvokeExactBehavior();

    private SglDescriptor() {}

    /** Type and sub type as the identifier byte. */
    public static int identifier(int type, int subtype) {
        return type << 4 | subtype & 0xF;
    }

    public static int type(int identifier) {
        return identifier >> 4 & 0xF;
    }

    public static int subtype(int identifier) {
        return identifier & 0xF;
    }

    public static int identifier(MemorySegment list, long offset) {
        return Byte.toUnsignedInt((byte) IDENTIFIER.get(list, offset));
    }

    public static int type(MemorySegment list, long offset) {
        return type(identifier(list, offset));
    }

    public static int subtype(MemorySegment list, long offset) {
        return subtype(identifier(list, offset));
    }

    /** An address, or an offset when the sub type says so. */
    public static long address(MemorySegment list, long offset) {
        return (long) ADDRESS.get(list, offset);
    }

    /** Length in bytes, unsigned, of every type but the keyed one. */
    public static long length(MemorySegment list, long offset) {
        return Integer.toUnsignedLong((int) LENGTH.get(list, offset));
    }

    /** Length in bytes of a keyed data block. */
    public static int keyedLength(MemorySegment list, long offset) {
        return (int) LENGTH.get(list, offset) & 0xFF_FFFF;
    }

    /** Remote key of a keyed data block. */
    public static int key(MemorySegment list, long offset) {
        return (int) ((long) TAIL.get(list, offset + 8) >>> 24);
    }

    /** Writes a whole descriptor of any type but the keyed one. */
    public static void encode(MemorySegment list, long offset, int identifier, long address, int lengthBytes) {
        ADDRESS.set(list, offset, address);
        TAIL.set(list, offset + 8, (long) identifier << 56 | Integer.toUnsignedLong(lengthBytes));
    }

    /** Writes a whole keyed data block; at most 16 MiB less one byte. */
    public static void encodeKeyed(
            MemorySegment list, long offset, int subtype, long address, int lengthBytes, int key) {
        ADDRESS.set(list, offset, address);
        TAIL.set(
                list,
                offset + 8,
                (long) identifier(TYPE_KEYED_DATA_BLOCK, subtype) << 56
                        | Integer.toUnsignedLong(key) << 24
                        | lengthBytes & 0xFF_FFFFL);
    }
}
