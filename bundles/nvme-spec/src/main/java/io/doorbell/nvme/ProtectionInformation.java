package io.doorbell.nvme;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;
import static java.nio.ByteOrder.BIG_ENDIAN;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * Protection information with a 16-bit guard, 8 bytes in the metadata of a block, and what commands say of it. NVM Command
 * Set 1.1 §5.3.1.1 "16b Guard Protection Information". Unlike all else in NVMe, its fields have the most significant byte
 * first, as in SCSI.
 *
 * <p>Which bytes a guard is of, where the tuple stands and which tags count is {@link ProtectionFormat}.
 */
public final class ProtectionInformation {
    public static final int SIZE_BYTES = 8;

    /** Type 1 ties a block to its address, type 2 to a number the host chooses, type 3 to none. DPS bits 2:0. */
    public static final int TYPE_NONE = 0;

    public static final int TYPE_1 = 1;
    public static final int TYPE_2 = 2;
    public static final int TYPE_3 = 3;

    /** Dword 12 of a command: PRACT, the controller inserts or strips; PRCHK, it checks guard, application tag, reference tag. */
    public static final int PRACT = 1 << 29;

    public static final int PRCHK_GUARD = 1 << 28;
    public static final int PRCHK_APPLICATION_TAG = 1 << 27;
    public static final int PRCHK_REFERENCE_TAG = 1 << 26;
    public static final int PRCHK = PRCHK_GUARD | PRCHK_APPLICATION_TAG | PRCHK_REFERENCE_TAG;

    /** An application tag that says: do not check this block. With type 3 the reference tag has to say so as well. */
    public static final int UNCHECKED_APPLICATION_TAG = 0xFFFF;

    public static final int UNCHECKED_REFERENCE_TAG = -1;

    private static final ValueLayout.OfLong BE64 = JAVA_LONG_UNALIGNED.withOrder(BIG_ENDIAN);
    private static final VarHandle WORD = BE64.varHandle().withInvokeExactBehavior();
    private static final VarHandle GUARD =
            JAVA_SHORT_UNALIGNED.withOrder(BIG_ENDIAN).varHandle().withInvokeExactBehavior();
    private static final VarHandle TAG =
            JAVA_INT_UNALIGNED.withOrder(BIG_ENDIAN).varHandle().withInvokeExactBehavior();

    /** x^16 + x^15 + x^11 + x^9 + x^8 + x^7 + x^5 + x^4 + x^2 + x + 1, most significant bit first. */
    private static final int POLYNOMIAL = 0x8BB7;

    private static final int SLICES = 16;

    /** Row k: what a byte does to the guard when k more bytes follow it. */
    private static final char[] TABLE = table();

    private ProtectionInformation() {}

    private static char[] table() {
        var table = new char[SLICES * 256];
        for (int i = 0; i < 256; i++) {
            int crc = i << 8;
            for (int bit = 0; bit < 8; bit++) {
                crc = (crc & 0x8000) == 0 ? crc << 1 : crc << 1 ^ POLYNOMIAL;
            }
            table[i] = (char) crc;
        }
        for (int i = 256; i < table.length; i++) {
            char before = table[i - 256];
            table[i] = (char) (before << 8 ^ table[before >>> 8]);
        }
        return table;
    }

    /** The guard of these bytes: CRC-16 T10-DIF. */
    public static int guard(MemorySegment data, long offset, long bytes) {
        return guard(0, data, offset, bytes);
    }

    /**
     * The guard of what gave {@code guard} with these bytes behind it, for data that does not lie in one piece. It begins with 0.
     *
     * <p>16 bytes at a time: their lookups do not wait for each other.
     */
    public static int guard(int guard, MemorySegment data, long offset, long bytes) {
        var t = TABLE;
        int crc = guard;
        long at = offset;
        long end = offset + bytes;
        for (long last = end - SLICES; at <= last; at += SLICES) {
            long a = (long) WORD.get(data, at) ^ (long) crc << 48;
            long b = (long) WORD.get(data, at + 8);
            crc = t[15 << 8 | (int) (a >>> 56)]
                    ^ t[14 << 8 | (int) (a >>> 48) & 0xFF]
                    ^ t[13 << 8 | (int) (a >>> 40) & 0xFF]
                    ^ t[12 << 8 | (int) (a >>> 32) & 0xFF]
                    ^ t[11 << 8 | (int) (a >>> 24) & 0xFF]
                    ^ t[10 << 8 | (int) (a >>> 16) & 0xFF]
                    ^ t[9 << 8 | (int) (a >>> 8) & 0xFF]
                    ^ t[8 << 8 | (int) a & 0xFF]
                    ^ t[7 << 8 | (int) (b >>> 56)]
                    ^ t[6 << 8 | (int) (b >>> 48) & 0xFF]
                    ^ t[5 << 8 | (int) (b >>> 40) & 0xFF]
                    ^ t[4 << 8 | (int) (b >>> 32) & 0xFF]
                    ^ t[3 << 8 | (int) (b >>> 24) & 0xFF]
                    ^ t[2 << 8 | (int) (b >>> 16) & 0xFF]
                    ^ t[1 << 8 | (int) (b >>> 8) & 0xFF]
                    ^ t[(int) b & 0xFF];
        }
        for (; at < end; at++) {
            crc = crc << 8 & 0xFFFF ^ t[crc >>> 8 ^ Byte.toUnsignedInt(data.get(JAVA_BYTE, at))];
        }
        return crc;
    }

    public static int guard(MemorySegment tuple, long offset) {
        return Short.toUnsignedInt((short) GUARD.get(tuple, offset));
    }

    public static int applicationTag(MemorySegment tuple, long offset) {
        return Short.toUnsignedInt((short) GUARD.get(tuple, offset + 2));
    }

    /** Raw bits. */
    public static int referenceTag(MemorySegment tuple, long offset) {
        return (int) TAG.get(tuple, offset + 4);
    }

    /** Writes a whole tuple. */
    public static void encode(MemorySegment tuple, long offset, int guard, int applicationTag, int referenceTag) {
        WORD.set(
                tuple,
                offset,
                (long) guard << 48 | (applicationTag & 0xFFFFL) << 32 | Integer.toUnsignedLong(referenceTag));
    }

    /** LBAT, or ELBAT: the application tag of dword 15. */
    public static int applicationTag(int cdw15) {
        return cdw15 & 0xFFFF;
    }

    /** LBATM, or ELBATM: the bits of the application tag that are checked. */
    public static int applicationTagMask(int cdw15) {
        return cdw15 >>> 16;
    }

    /** Dword 15 of a command. */
    public static int tagDword(int applicationTag, int mask) {
        return mask << 16 | applicationTag & 0xFFFF;
    }

    /** The reference tag of block {@code index} of a command that begins with {@code first}. NVM Command Set 1.1 §5.3.1.4.1. */
    public static int referenceTag(int type, int first, long index) {
        return type == TYPE_3 ? first : first + (int) index;
    }

    /**
     * Whether a command may ask for this: type 1 takes the address for the reference tag, type 3 has no reference tag to
     * check. NVM Command Set 1.1 §5.3.2.5 "Control of Protection Information Checking - PRCHK".
     *
     * @param cdw12 of the command, with PRACT and PRCHK
     * @param cdw14 the initial reference tag
     * @return a status: {@link Status#INVALID_PROTECTION_INFORMATION}, or success
     */
    public static int admit(int type, int cdw12, long slba, int cdw14) {
        boolean wrong = (cdw12 & PRCHK_REFERENCE_TAG) != 0 && (type == TYPE_3 || type == TYPE_1 && cdw14 != (int) slba);
        return wrong ? Status.INVALID_PROTECTION_INFORMATION | Status.DNR : Status.SUCCESS;
    }

    /**
     * Checks one tuple against what is expected. NVM Command Set 1.1 §5.3.1.4 "Protection Information Processing".
     *
     * @param guard of the block's bytes; looked at only with PRCHK_GUARD
     * @param cdw12 of the command, with PRCHK
     * @param expectedReferenceTag of this block, see {@link #referenceTag(int, int, long)}
     * @param cdw15 of the command, with application tag and mask
     * @return a status: success, Guard, Application Tag or Reference Tag Check Error
     */
    public static int check(
            MemorySegment tuple, long offset, int type, int guard, int cdw12, int expectedReferenceTag, int cdw15) {
        long word = (long) WORD.get(tuple, offset);
        int referenceTag = (int) word;
        int applicationTag = (int) (word >>> 32) & 0xFFFF;
        if (escapes(type, applicationTag, referenceTag)) {
            return Status.SUCCESS;
        }
        if ((cdw12 & PRCHK_GUARD) != 0 && (int) (word >>> 48) != guard) {
            return Status.GUARD_CHECK_ERROR;
        }
        if ((cdw12 & PRCHK_APPLICATION_TAG) != 0 && ((applicationTag ^ cdw15) & applicationTagMask(cdw15)) != 0) {
            return Status.APPLICATION_TAG_CHECK_ERROR;
        }
        if ((cdw12 & PRCHK_REFERENCE_TAG) != 0 && type != TYPE_3 && referenceTag != expectedReferenceTag) {
            return Status.REFERENCE_TAG_CHECK_ERROR;
        }
        return Status.SUCCESS;
    }

    /** Whether the tuple itself says that its block is not to be checked. */
    public static boolean escapes(int type, int applicationTag, int referenceTag) {
        return applicationTag == UNCHECKED_APPLICATION_TAG
                && (type != TYPE_3 || referenceTag == UNCHECKED_REFERENCE_TAG);
    }
}
