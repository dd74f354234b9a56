package io.doorbell.nvme;

import static io.doorbell.nvme.Field.u32;
import static io.doorbell.nvme.Field.u64;
import static io.doorbell.nvme.Field.u8;

import io.doorbell.nvme.Field.U64;
import io.doorbell.nvme.Field.U8;
import java.lang.foreign.MemorySegment;

/**
 * What the NVM Command Set adds to Identify Namespace, 4,096 bytes: the larger formats of protection information. NVM
 * Command Set 1.1 §4.1.5.3 "I/O Command Set specific Identify Namespace data structure (CNS 05h, CSI 00h)".
 */
public final class IdentifyNvmNamespace {
    public static final int SIZE_BYTES = 4096;

    public static final U64 LBSTM = u64(0); // storage tag mask
    public static final U8 PIC = u8(8); // protection information capabilities

    /** First of the extended LBA formats, four bytes each, in the order of the LBA formats. */
    public static final int ELBAF0_OFFSET_BYTES = 12;

    /** Protection information formats: the guard has 16, 32, 64 bits. */
    public static final int PIF_16_BIT_GUARD = 0;

    public static final int PIF_32_BIT_GUARD = 1;
    public static final int PIF_64_BIT_GUARD = 2;

    private IdentifyNvmNamespace() {}

    /** One extended LBA format: storage tag size 6:0, protection information format 8:7. */
    public record ExtendedLbaFormat(int raw) {
        /** Storage Tag Size, bits. */
        public int sts() {
            return raw & 0x7F;
        }

        public int pif() {
            return raw >> 7 & 3;
        }
    }

    public static ExtendedLbaFormat elbaf(MemorySegment structure, int index) {
        if (index < 0 || index >= IdentifyNamespace.MAX_LBA_FORMATS) {
            throw new IllegalArgumentException(
                    "LBA format " + index + " is not one of " + IdentifyNamespace.MAX_LBA_FORMATS);
        }
        return new ExtendedLbaFormat(u32(ELBAF0_OFFSET_BYTES + 4 * index).get(structure));
    }
}
