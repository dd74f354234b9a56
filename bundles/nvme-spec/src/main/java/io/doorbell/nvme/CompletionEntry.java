package io.doorbell.nvme;

import static io.doorbell.nvme.LE.LE16;
import static io.doorbell.nvme.LE.LE32;
import static io.doorbell.nvme.LE.LE64;
import static java.lang.foreign.MemoryLayout.structLayout;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/**
 * Completion Queue Entry, 16 bytes. NVMe Base 2.1 §4.2 "Completion Queue Entry".
 *
 * <p>Read it in two steps: take {@link #tail} once, ask that {@code long} for the phase, and only when the phase says
 * the entry is new, decode the rest from the same {@code long} and read {@link #dw0}. One load, no tearing, and the
 * acquire orders dwords 0 and 1 behind the phase. Entry offsets are multiples of 8.
 */
public final class CompletionEntry {
    public static final StructLayout LAYOUT = structLayout(
            LE32.withName("dw0"), // command specific result
            LE32.withName("dw1"), // more of it, or reserved
            LE16.withName("sqhd"), // submission queue head pointer
            LE16.withName("sqid"), // submission queue identifier
            LE16.withName("cid"), // command identifier
            LE16.withName("status")); // phase tag bit 0, status bits 15:1

    public static final int SIZE_BYTES = 16;

    /** The same bytes as this class moves them: half by half. */
    private static final StructLayout HALVES = structLayout(LE64.withName("dw01"), LE64.withName("tail"));

    private static final VarHandle DW0 = LE.field(LAYOUT, "dw0");
    private static final VarHandle DW1 = LE.field(LAYOUT, "dw1");
    private static final VarHandle DW01 = LE.field(HALVES, "dw01");
    private static final VarHandle TAIL = LE.field(HALVES, "tail");

    private CompletionEntry() {}

    /** Dwords 2 and 3 by one acquiring load. */
    public static long tail(MemorySegment queue, long entryOffset) {
        return (long) TAIL.getAcquire(queue, entryOffset);
    }

    /** Submission queue head: how far the controller has fetched, as an entry index. */
    public static int sqhd(long tail) {
        return (int) tail & 0xFFFF;
    }

    public static int sqid(long tail) {
        return (int) tail >>> 16;
    }

    public static int cid(long tail) {
        return (int) (tail >>> 32) & 0xFFFF;
    }

    /** Phase tag: 0 or 1. The entry is new when it equals the phase the host expects for this round. */
    public static int phase(long tail) {
        return (int) (tail >>> 48) & 1;
    }

    /** The 15 bits of {@link Status#raw}, without the phase; 0 is success. */
    public static int status(long tail) {
        return (int) (tail >>> 49);
    }

    public static int dw0(MemorySegment queue, long entryOffset) {
        return (int) DW0.get(queue, entryOffset);
    }

    public static int dw1(MemorySegment queue, long entryOffset) {
        return (int) DW1.get(queue, entryOffset);
    }

    /** Dwords 0 and 1 as one value, dword 0 in the low half. */
    public static long dw01(MemorySegment queue, long entryOffset) {
        return (long) DW01.get(queue, entryOffset);
    }

    /** Writes a whole entry so that a host which sees the phase sees the rest. */
    public static void post(
            MemorySegment queue, long entryOffset, long dw01, int sqhd, int sqid, int cid, int status, int phase) {
        DW01.set(queue, entryOffset, dw01);
        // Release: the host takes the phase as the sign that the other 12 bytes are there.
        TAIL.setRelease(queue, entryOffset, tail(sqhd, sqid, cid, status, phase));
    }

    /** Dwords 2 and 3 from their fields; the low bits of each are taken. */
    public static long tail(int sqhd, int sqid, int cid, int status, int phase) {
        return (long) status << 49
                | (phase & 1L) << 48
                | (cid & 0xFFFFL) << 32
                | (sqid & 0xFFFFL) << 16
                | sqhd & 0xFFFFL;
    }
}
