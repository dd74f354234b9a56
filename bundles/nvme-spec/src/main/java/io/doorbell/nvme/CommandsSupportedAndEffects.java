package io.doorbell.nvme;

import java.lang.foreign.MemorySegment;

/**
 * Commands Supported and Effects log page, 4,096 bytes: a dword per opcode, 256 of admin, then 256 of I/O commands. NVMe
 * Base 2.1 §5.1.12.1.6 "Commands Supported and Effects (Log Page Identifier 05h)".
 */
public final class CommandsSupportedAndEffects {
    public static final int SIZE_BYTES = 4096;

    /** Supported; changes data; namespace capabilities; the inventory of namespaces; controller capabilities. */
    public static final int CSUPP = 1;

    public static final int LBCC = 1 << 1;
    public static final int NCC = 1 << 2;
    public static final int NIC = 1 << 3;
    public static final int CCC = 1 << 4;

    private static final int IO_OFFSET_BYTES = 1024;

    private CommandsSupportedAndEffects() {}

    /** Effects of an admin command, 0 when it is not supported. */
    public static int admin(MemorySegment page, long start, int opcode) {
        return page.get(LE.LE32_UNALIGNED, start + 4L * checked(opcode));
    }

    public static void admin(MemorySegment page, long start, int opcode, int effects) {
        page.set(LE.LE32_UNALIGNED, start + 4L * checked(opcode), effects);
    }

    /** Effects of an I/O command, 0 when it is not supported. */
    public static int io(MemorySegment page, long start, int opcode) {
        return page.get(LE.LE32_UNALIGNED, start + IO_OFFSET_BYTES + 4L * checked(opcode));
    }

    public static void io(MemorySegment page, long start, int opcode, int effects) {
        page.set(LE.LE32_UNALIGNED, start + IO_OFFSET_BYTES + 4L * checked(opcode), effects);
    }

    private static int checked(int opcode) {
        if (opcode < 0 || opcode > 0xFF) {
            throw new IllegalArgumentException("an opcode has 8 bits: " + opcode);
        }
        return opcode;
    }
}
