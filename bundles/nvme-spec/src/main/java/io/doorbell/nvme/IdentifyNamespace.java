package io.doorbell.nvme;

import static io.doorbell.nvme.Field.bigEndian128;
import static io.doorbell.nvme.Field.bigEndian64;
import static io.doorbell.nvme.Field.u128;
import static io.doorbell.nvme.Field.u16;
import static io.doorbell.nvme.Field.u32;
import static io.doorbell.nvme.Field.u64;
import static io.doorbell.nvme.Field.u8;

import io.doorbell.nvme.Field.BigEndian128;
import io.doorbell.nvme.Field.BigEndian64;
import io.doorbell.nvme.Field.U128;
import io.doorbell.nvme.Field.U16;
import io.doorbell.nvme.Field.U32;
import io.doorbell.nvme.Field.U64;
import io.doorbell.nvme.Field.U8;
import java.lang.foreign.MemorySegment;

/**
 * Identify Namespace data structure, 4,096 bytes. NVM Command Set 1.1 §4.1.5.1 "NVM Command Set Identify Namespace Data
 * Structure (CNS 00h)".
 */
public final class IdentifyNamespace {
    public static final int SIZE_BYTES = 4096;

    public static final U64 NSZE = u64(0); // size, blocks
    public static final U64 NCAP = u64(8); // capacity, blocks
    public static final U64 NUSE = u64(16); // utilization, blocks
    public static final U8 NSFEAT = u8(24); // features
    public static final U8 NLBAF = u8(25); // number of LBA formats, 0's based
    public static final U8 FLBAS = u8(26); // formatted LBA size: index 3:0 and 6:5, metadata in the data 4
    public static final U8 MC = u8(27); // metadata capabilities
    public static final U8 DPC = u8(28); // data protection capabilities
    public static final U8 DPS = u8(29); // data protection settings
    public static final U8 NMIC = u8(30); // multi-path I/O and sharing: may be attached to several controllers 0
    public static final U8 RESCAP = u8(31); // reservation capabilities
    public static final U8 FPI = u8(32); // format progress: percent left 6:0, supported 7
    public static final U8 DLFEAT = u8(33); // deallocated blocks: read as 2:0, Write Zeroes may deallocate 3
    public static final U16 NAWUN = u16(34); // atomic write unit normal, blocks, 0's based
    public static final U16 NAWUPF = u16(36); // atomic write unit power fail, blocks, 0's based
    public static final U16 NACWU = u16(38); // atomic compare and write unit, blocks, 0's based
    public static final U16 NABSN = u16(40); // atomic boundary size normal, blocks, 0's based
    public static final U16 NABO = u16(42); // atomic boundary offset
    public static final U16 NABSPF = u16(44); // atomic boundary size power fail, blocks, 0's based
    public static final U16 NOIOB = u16(46); // optimal I/O boundary, blocks; 0 for none
    public static final U128 NVMCAP = u128(48); // capacity, bytes
    public static final U16 NPWG = u16(64); // preferred write granularity, blocks, 0's based
    public static final U16 NPWA = u16(66); // preferred write alignment, blocks, 0's based
    public static final U16 NPDG = u16(68); // preferred deallocate granularity, blocks, 0's based
    public static final U16 NPDA = u16(70); // preferred deallocate alignment, blocks, 0's based
    public static final U16 NOWS = u16(72); // optimal write size, blocks, 0's based
    public static final U16 MSSRL = u16(74); // maximum single source range of a Copy, blocks
    public static final U32 MCL = u32(76); // maximum Copy length, blocks
    public static final U8 MSRC = u8(80); // maximum source ranges of a Copy, 0's based
    public static final U32 ANAGRPID = u32(92); // ANA group
    public static final U8 NSATTR = u8(99); // attributes: write protected 0
    public static final U16 NVMSETID = u16(100); // NVM set
    public static final U16 ENDGID = u16(102); // endurance group
    public static final BigEndian128 NGUID = bigEndian128(104); // globally unique identifier; zero for none
    public static final BigEndian64 EUI64 = bigEndian64(120); // IEEE extended unique identifier; zero for none

    /** First of the LBA formats, four bytes each. */
    public static final int LBAF0_OFFSET_BYTES = 128;

    public static final int MAX_LBA_FORMATS = 64;

    /** NSFEAT: thin provisioned; NAWUN, NAWUPF and NACWU are valid; identifiers are never reused; NPWG… are valid. */
    public static final int NSFEAT_THIN = 1;

    public static final int NSFEAT_ATOMICS = 1 << 1;
    public static final int NSFEAT_DEALLOCATED_ERROR = 1 << 2;
    public static final int NSFEAT_UID_REUSE = 1 << 3;
    public static final int NSFEAT_OPTIMAL_PERFORMANCE = 1 << 4;

    /** DLFEAT: deallocated blocks read as zeroes; Write Zeroes may deallocate. */
    public static final int DLFEAT_READS_ZEROES = 1;

    public static final int DLFEAT_WRITE_ZEROES_DEALLOCATES = 1 << 3;

    public static final int NMIC_SHARED = 1;

    public static final int NSATTR_WRITE_PROTECTED = 1;

    private IdentifyNamespace() {}

    /** One LBA format: MS bits 15:0, LBADS 23:16, RP 25:24. */
    public record LbaFormat(int raw) {
        /** NVMe allows no block below 512 bytes. */
        public static final int MIN_LBADS = 9;

        public static LbaFormat of(int metadataBytes, int lbads, int rp) {
            return new LbaFormat((int) BitField.replace(
                    BitField.replace(BitField.replace(0, 0, 16, metadataBytes), 16, 8, lbads), 24, 2, rp));
        }

        /** The format of blocks of {@code blockBytes}, a power of two, without metadata. */
        public static LbaFormat ofBlockBytes(int blockBytes) {
            if (Integer.bitCount(blockBytes) != 1 || blockBytes < 1 << MIN_LBADS) {
                throw new IllegalArgumentException("a block has 512 bytes or a higher power of two, not " + blockBytes);
            }
            return of(0, Integer.numberOfTrailingZeros(blockBytes), 0);
        }

        /** Metadata Size in bytes. */
        public int ms() {
            return raw & 0xFFFF;
        }

        /** LBA Data Size as a power of two; 0 for a format that cannot be used now. */
        public int lbads() {
            return raw >> 16 & 0xFF;
        }

        /** Relative Performance: 0 best, 3 degraded. */
        public int rp() {
            return raw >> 24 & 3;
        }

        /** Whether the block size is one NVMe allows and an {@code int} holds. */
        public boolean isUsable() {
            return lbads() >= MIN_LBADS && lbads() < Integer.SIZE - 1;
        }

        /** Bytes of data in a block. Ask {@link #isUsable} first of a format that came from a device. */
        public int blockBytes() {
            if (!isUsable()) {
                throw new IllegalStateException("LBA format with lbads " + lbads() + " cannot be used");
            }
            return 1 << lbads();
        }
    }

    public static LbaFormat lbaf(MemorySegment structure, int index) {
        return lbaf(structure, 0, index);
    }

    public static LbaFormat lbaf(MemorySegment structure, long start, int index) {
        return new LbaFormat(lbafField(index).get(structure, start));
    }

    public static void lbaf(MemorySegment structure, int index, LbaFormat format) {
        lbaf(structure, 0, index, format);
    }

    public static void lbaf(MemorySegment structure, long start, int index, LbaFormat format) {
        lbafField(index).set(structure, start, format.raw());
    }

    /** Index of the format in use; the upper two bits count only where there are more than 16 formats. */
    public static int formatIndex(MemorySegment structure, long start) {
        int flbas = FLBAS.get(structure, start);
        int upper = NLBAF.get(structure, start) < 16 ? 0 : (flbas >> 5 & 3) << 4;
        return flbas & 0xF | upper;
    }

    /** The format in use. */
    public static LbaFormat currentFormat(MemorySegment structure) {
        return currentFormat(structure, 0);
    }

    public static LbaFormat currentFormat(MemorySegment structure, long start) {
        return lbaf(structure, start, formatIndex(structure, start));
    }

    private static U32 lbafField(int index) {
        if (index < 0 || index >= MAX_LBA_FORMATS) {
            throw new IllegalArgumentException("LBA format " + index + " is not one of " + MAX_LBA_FORMATS);
        }
        return u32(LBAF0_OFFSET_BYTES + 4 * index);
    }
}
