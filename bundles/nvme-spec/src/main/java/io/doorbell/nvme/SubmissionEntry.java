package io.doorbell.nvme;

import static io.doorbell.nvme.LE.LE16;
import static io.doorbell.nvme.LE.LE32;
import static io.doorbell.nvme.LE.LE64;
import static io.doorbell.nvme.LE.LE8;
import static java.lang.foreign.MemoryLayout.paddingLayout;
import static java.lang.foreign.MemoryLayout.structLayout;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/**
 * Submission Queue Entry, the 64-byte command. NVMe Base 2.1 §4.1 "Submission Queue Entry".
 *
 * <p>Stateless: the caller holds the ring and says at which byte the entry starts, a multiple of 8. All stores are
 * plain; {@link Doorbell#store} orders them before the doorbell. Unsigned 8 and 16 bit fields come back as
 * non-negative {@code int}; 32 and 64 bit fields keep their raw bits. Setters take the low bits of what they are given.
 */
public final class SubmissionEntry {
    public static final StructLayout LAYOUT = structLayout(
            LE8.withName("opc"), // opcode
            LE8.withName("flags"), // FUSE 1:0, PSDT 7:6
            LE16.withName("cid"), // command identifier
            LE32.withName("nsid"), // namespace identifier
            LE32.withName("cdw2"),
            LE32.withName("cdw3"),
            LE64.withName("mptr"), // metadata pointer
            LE64.withName("prp1"), // data pointer: PRP 1 and 2, or one SGL descriptor
            LE64.withName("prp2"),
            LE32.withName("cdw10"),
            LE32.withName("cdw11"),
            LE32.withName("cdw12"),
            LE32.withName("cdw13"),
            LE32.withName("cdw14"),
            LE32.withName("cdw15"));

    public static final int SIZE_BYTES = 64;

    /** Where the data pointer starts in an entry: {@code prp1}, or {@link SglDescriptor SGL 1}. */
    public static final int DPTR_OFFSET_BYTES = 24;

    /** FUSE: a command of its own, the first or the second of a fused pair. */
    public static final int FUSE_NONE = 0;

    public static final int FUSE_FIRST = 1;
    public static final int FUSE_SECOND = 2;

    /** PSDT: what the data pointer is. With SGLs, {@code mptr} is a buffer's address or that of one more descriptor. */
    public static final int PSDT_PRP = 0;

    public static final int PSDT_SGL = 1;
    public static final int PSDT_SGL_METADATA_SGL = 2;

    /** The same bytes as Read, Write and their kin see them: dwords 10 and 11 are one starting LBA. */
    private static final StructLayout BLOCK_COMMAND =
            structLayout(paddingLayout(40), LE64.withName("slba"), paddingLayout(16));

    /** The same bytes without meaning, for copying: the largest unit every ring is aligned to. */
    private static final VarHandle WORD = LE64.varHandle().withInvokeExactBehavior();

    private static final VarHandle OPC = LE.field(LAYOUT, "opc");
    private static final VarHandle FLAGS = LE.field(LAYOUT, "flags");
    private static final VarHandle CID = LE.field(LAYOUT, "cid");
    private static final VarHandle NSID = LE.field(LAYOUT, "nsid");
    private static final VarHandle CDW2 = LE.field(LAYOUT, "cdw2");
    private static final VarHandle CDW3 = LE.field(LAYOUT, "cdw3");
    private static final VarHandle MPTR = LE.field(LAYOUT, "mptr");
    private static final VarHandle PRP1 = LE.field(LAYOUT, "prp1");
    private static final VarHandle PRP2 = LE.field(LAYOUT, "prp2");
    private static final VarHandle CDW10 = LE.field(LAYOUT, "cdw10");
    private static final VarHandle CDW11 = LE.field(LAYOUT, "cdw11");
    private static final VarHandle CDW12 = LE.field(LAYOUT, "cdw12");
    private static final VarHandle CDW13 = LE.field(LAYOUT, "cdw13");
    private static final VarHandle CDW14 = LE.field(LAYOUT, "cdw14");
    private static final VarHandle CDW15 = LE.field(LAYOUT, "cdw15");
    private static final VarHandle SLBA = LE.field(BLOCK_COMMAND, "slba");

    private SubmissionEntry() {}

    /** Writes a whole Read, Write, Compare or Write Zeroes; {@code cdw12} holds NLB (0's based), FUA and LR. */
    public static void encodeReadWrite(
            MemorySegment queue,
            long entryOffset,
            int opc,
            int cid,
            int nsid,
            long slba,
            int cdw12,
            long prp1,
            long prp2) {
        // Every field, so an old entry never shines through.
        OPC.set(queue, entryOffset, (byte) opc);
        FLAGS.set(queue, entryOffset, (byte) 0);
        CID.set(queue, entryOffset, (short) cid);
        NSID.set(queue, entryOffset, nsid);
        CDW2.set(queue, entryOffset, 0);
        CDW3.set(queue, entryOffset, 0);
        MPTR.set(queue, entryOffset, 0L);
        PRP1.set(queue, entryOffset, prp1);
        PRP2.set(queue, entryOffset, prp2);
        SLBA.set(queue, entryOffset, slba);
        CDW12.set(queue, entryOffset, cdw12);
        CDW13.set(queue, entryOffset, 0);
        CDW14.set(queue, entryOffset, 0);
        CDW15.set(queue, entryOffset, 0);
    }

    /** Writes a whole command of any kind; dwords 2 and 3 become zero. */
    public static void encode(
            MemorySegment queue,
            long entryOffset,
            int opc,
            int flags,
            int cid,
            int nsid,
            long mptr,
            long prp1,
            long prp2,
            int cdw10,
            int cdw11,
            int cdw12,
            int cdw13,
            int cdw14,
            int cdw15) {
        OPC.set(queue, entryOffset, (byte) opc);
        FLAGS.set(queue, entryOffset, (byte) flags);
        CID.set(queue, entryOffset, (short) cid);
        NSID.set(queue, entryOffset, nsid);
        CDW2.set(queue, entryOffset, 0);
        CDW3.set(queue, entryOffset, 0);
        MPTR.set(queue, entryOffset, mptr);
        PRP1.set(queue, entryOffset, prp1);
        PRP2.set(queue, entryOffset, prp2);
        CDW10.set(queue, entryOffset, cdw10);
        CDW11.set(queue, entryOffset, cdw11);
        CDW12.set(queue, entryOffset, cdw12);
        CDW13.set(queue, entryOffset, cdw13);
        CDW14.set(queue, entryOffset, cdw14);
        CDW15.set(queue, entryOffset, cdw15);
    }

    /** Copies one command as it is; both offsets are multiples of 8. */
    public static void copy(MemorySegment source, long sourceOffset, MemorySegment target, long targetOffset) {
        WORD.set(target, targetOffset, (long) WORD.get(source, sourceOffset));
        WORD.set(target, targetOffset + 8, (long) WORD.get(source, sourceOffset + 8));
        WORD.set(target, targetOffset + 16, (long) WORD.get(source, sourceOffset + 16));
        WORD.set(target, targetOffset + 24, (long) WORD.get(source, sourceOffset + 24));
        WORD.set(target, targetOffset + 32, (long) WORD.get(source, sourceOffset + 32));
        WORD.set(target, targetOffset + 40, (long) WORD.get(source, sourceOffset + 40));
        WORD.set(target, targetOffset + 48, (long) WORD.get(source, sourceOffset + 48));
        WORD.set(target, targetOffset + 56, (long) WORD.get(source, sourceOffset + 56));
    }

    /** FUSE and PSDT as the {@code flags} byte {@link #encode} takes. */
    public static int flags(int fuse, int psdt) {
        return fuse & 3 | (psdt & 3) << 6;
    }

    public static int opc(MemorySegment queue, long entryOffset) {
        return Byte.toUnsignedInt((byte) OPC.get(queue, entryOffset));
    }

    public static int flags(MemorySegment queue, long entryOffset) {
        return Byte.toUnsignedInt((byte) FLAGS.get(queue, entryOffset));
    }

    public static void flags(MemorySegment queue, long entryOffset, int flags) {
        FLAGS.set(queue, entryOffset, (byte) flags);
    }

    public static int fuse(MemorySegment queue, long entryOffset) {
        return (byte) FLAGS.get(queue, entryOffset) & 3;
    }

    public static int psdt(MemorySegment queue, long entryOffset) {
        return (byte) FLAGS.get(queue, entryOffset) >> 6 & 3;
    }

    public static int cid(MemorySegment queue, long entryOffset) {
        return Short.toUnsignedInt((short) CID.get(queue, entryOffset));
    }

    public static void cid(MemorySegment queue, long entryOffset, int cid) {
        CID.set(queue, entryOffset, (short) cid);
    }

    public static int nsid(MemorySegment queue, long entryOffset) {
        return (int) NSID.get(queue, entryOffset);
    }

    public static void nsid(MemorySegment queue, long entryOffset, int nsid) {
        NSID.set(queue, entryOffset, nsid);
    }

    public static int cdw2(MemorySegment queue, long entryOffset) {
        return (int) CDW2.get(queue, entryOffset);
    }

    public static void cdw2(MemorySegment queue, long entryOffset, int cdw2) {
        CDW2.set(queue, entryOffset, cdw2);
    }

    public static int cdw3(MemorySegment queue, long entryOffset) {
        return (int) CDW3.get(queue, entryOffset);
    }

    public static void cdw3(MemorySegment queue, long entryOffset, int cdw3) {
        CDW3.set(queue, entryOffset, cdw3);
    }

    public static long mptr(MemorySegment queue, long entryOffset) {
        return (long) MPTR.get(queue, entryOffset);
    }

    public static void mptr(MemorySegment queue, long entryOffset, long mptr) {
        MPTR.set(queue, entryOffset, mptr);
    }

    public static long prp1(MemorySegment queue, long entryOffset) {
        return (long) PRP1.get(queue, entryOffset);
    }

    public static void prp1(MemorySegment queue, long entryOffset, long prp1) {
        PRP1.set(queue, entryOffset, prp1);
    }

    public static long prp2(MemorySegment queue, long entryOffset) {
        return (long) PRP2.get(queue, entryOffset);
    }

    public static void prp2(MemorySegment queue, long entryOffset, long prp2) {
        PRP2.set(queue, entryOffset, prp2);
    }

    public static int cdw10(MemorySegment queue, long entryOffset) {
        return (int) CDW10.get(queue, entryOffset);
    }

    public static int cdw11(MemorySegment queue, long entryOffset) {
        return (int) CDW11.get(queue, entryOffset);
    }

    public static int cdw12(MemorySegment queue, long entryOffset) {
        return (int) CDW12.get(queue, entryOffset);
    }

    public static int cdw13(MemorySegment queue, long entryOffset) {
        return (int) CDW13.get(queue, entryOffset);
    }

    public static int cdw14(MemorySegment queue, long entryOffset) {
        return (int) CDW14.get(queue, entryOffset);
    }

    public static int cdw15(MemorySegment queue, long entryOffset) {
        return (int) CDW15.get(queue, entryOffset);
    }

    /** Starting LBA: dwords 10 and 11 of Read, Write and their kin. Unsigned, so check it before adding to it. */
    public static long slba(MemorySegment queue, long entryOffset) {
        return (long) SLBA.get(queue, entryOffset);
    }

    /** Number of logical blocks of Read, Write and their kin, 0's based: dword 12 bits 15:0. */
    public static int nlbZeroBased(MemorySegment queue, long entryOffset) {
        return (int) CDW12.get(queue, entryOffset) & 0xFFFF;
    }

    /** The ordinary count: 1 to 65,536. */
    public static int blockCount(MemorySegment queue, long entryOffset) {
        return nlbZeroBased(queue, entryOffset) + 1;
    }

    /** Data pointer read as one SGL descriptor. */
    public static long sgl1Address(MemorySegment queue, long entryOffset) {
        return (long) PRP1.get(queue, entryOffset);
    }

    /** Length in bytes, unsigned, of {@code sgl1}. */
    public static long sgl1Length(MemorySegment queue, long entryOffset) {
        return (long) PRP2.get(queue, entryOffset) & 0xFFFF_FFFFL;
    }

    /** Identifier byte of {@code sgl1}: see {@link SglDescriptor#identifier}. */
    public static int sgl1Identifier(MemorySegment queue, long entryOffset) {
        return (int) ((long) PRP2.get(queue, entryOffset) >>> 56);
    }

    /** Puts one SGL descriptor into the data pointer. */
    public static void sgl1(MemorySegment queue, long entryOffset, int identifier, long address, int lengthBytes) {
        PRP1.set(queue, entryOffset, address);
        PRP2.set(queue, entryOffset, (long) identifier << 56 | Integer.toUnsignedLong(lengthBytes));
    }
}
