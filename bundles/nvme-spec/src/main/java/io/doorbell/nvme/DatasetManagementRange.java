package io.doorbell.nvme;

import static io.doorbell.nvme.LE.LE32_UNALIGNED;
import static io.doorbell.nvme.LE.LE64_UNALIGNED;
import static java.lang.foreign.MemoryLayout.structLayout;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/** One range of a Dataset Management command, 16 bytes. NVM Command Set 1.1 §3.3.3 "Dataset Management command". */
public final class DatasetManagementRange {
    public static final StructLayout LAYOUT = structLayout(
            LE32_UNALIGNED.withName("cattr"), // context attributes
            LE32_UNALIGNED.withName("nlb"), // length in logical blocks: 1's based, unlike Read and Write
            LE64_UNALIGNED.withName("slba"));

    public static final int SIZE_BYTES = 16;

    /** As many as one command can have; dword 10 bits 7:0 hold the number 0's based. */
    public static final int MAX_RANGES = 256;

    /** Dword 11 of the command: deallocate the ranges. */
    public static final int ATTRIBUTE_DEALLOCATE = 1 << 2;

    private static final VarHandle CATTR = LE.field(LAYOUT, "cattr");
    private static final VarHandle NLB = LE.field(LAYOUT, "nlb");
    private static final VarHandle SLBA = LE.field(LAYOUT, "slba");

    private DatasetManagementRange() {}

    public static int cattr(MemorySegment ranges, long offset) {
        return (int) CATTR.get(ranges, offset);
    }

    /** Blocks in the range, 0 included. */
    public static long blockCount(MemorySegment ranges, long offset) {
        return Integer.toUnsignedLong((int) NLB.get(ranges, offset));
    }

    /** First block, unsigned: check it before adding to it. */
    public static long slba(MemorySegment ranges, long offset) {
        return (long) SLBA.get(ranges, offset);
    }

    public static void encode(MemorySegment ranges, long offset, int cattr, int blockCount, long slba) {
        CATTR.set(ranges, offset, cattr);
        NLB.set(ranges, offset, blockCount);
        SLBA.set(ranges, offset, slba);
    }
}
