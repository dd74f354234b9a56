package io.doorbell.nvme;

import static io.doorbell.nvme.LE.LE16_UNALIGNED;
import static io.doorbell.nvme.LE.LE32_UNALIGNED;
import static io.doorbell.nvme.LE.LE64_UNALIGNED;
import static java.lang.foreign.MemoryLayout.paddingLayout;
import static java.lang.foreign.MemoryLayout.structLayout;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/**
 * One source range of a Copy, descriptor format 0h, 32 bytes, and the fields of the command. NVM Command Set 1.1 §3.3.2 "Copy
 * command".
 */
public final class CopyRange {
    public static final StructLayout LAYOUT = structLayout(
            paddingLayout(8),
            LE64_UNALIGNED.withName("slba"),
            LE16_UNALIGNED.withName("nlb"), // 0's based
            paddingLayout(6),
            LE32_UNALIGNED.withName("eilbrt"), // expected initial reference tag
            LE32_UNALIGNED.withName("elbat")); // expected application tag and its mask

    public static final int SIZE_BYTES = 32;

    /** As many as one command can have; dword 12 bits 7:0 hold the number 0's based. */
    public static final int MAX_RANGES = 256;

    private static final VarHandle SLBA = LE.field(LAYOUT, "slba");
    private static final VarHandle NLB = LE.field(LAYOUT, "nlb");
    private static final VarHandle EILBRT = LE.field(LAYOUT, "eilbrt");
    private static final VarHandle ELBAT = LE.field(LAYOUT, "elbat");

    private CopyRange() {}

    /** Ranges that a command has. */
    public static int count(int cdw12) {
        return (cdw12 & 0xFF) + 1;
    }

    /** Format of the descriptors: this one is 0. */
    public static int descriptorFormat(int cdw12) {
        return cdw12 >> 8 & 0xF;
    }

    /** What is asked of the protection information of the sources, in the place that PRACT and PRCHK have for Read. */
    public static int protectionOfSources(int cdw12) {
        return (cdw12 >> 12 & 0xF) << 26;
    }

    /** First block, unsigned: check it before adding to it. */
    public static long slba(MemorySegment ranges, long offset) {
        return (long) SLBA.get(ranges, offset);
    }

    public static int blockCount(MemorySegment ranges, long offset) {
        return Short.toUnsignedInt((short) NLB.get(ranges, offset)) + 1;
    }

    public static int referenceTag(MemorySegment ranges, long offset) {
        return (int) EILBRT.get(ranges, offset);
    }

    /** As dword 15 of a Read: application tag and mask. */
    public static int applicationTags(MemorySegment ranges, long offset) {
        return (int) ELBAT.get(ranges, offset);
    }

    /** @param applicationTags as {@link ProtectionInformation#tagDword} */
    public static void encode(
            MemorySegment ranges, long offset, long slba, int blockCount, int referenceTag, int applicationTags) {
        ranges.asSlice(offset, SIZE_BYTES).fill((byte) 0);
        SLBA.set(ranges, offset, slba);
        NLB.set(ranges, offset, (short) (blockCount - 1));
        EILBRT.set(ranges, offset, referenceTag);
        ELBAT.set(ranges, offset, applicationTags);
    }
}
