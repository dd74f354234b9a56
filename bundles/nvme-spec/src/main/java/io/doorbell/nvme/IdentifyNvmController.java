package io.doorbell.nvme;

import static io.doorbell.nvme.Field.u32;
import static io.doorbell.nvme.Field.u64;
import static io.doorbell.nvme.Field.u8;

import io.doorbell.nvme.Field.U32;
import io.doorbell.nvme.Field.U64;
import io.doorbell.nvme.Field.U8;

/**
 * What a controller says of the NVM Command Set, 4,096 bytes. NVM Command Set 1.1 §4.1.5.4 "I/O Command Set specific
 * Identify Controller data structure (CNS 06h, CSI 00h)". Zero means no limit everywhere.
 */
public final class IdentifyNvmController {
    public static final int SIZE_BYTES = 4096;

    public static final U8 VSL = u8(0); // verify size limit: 2^vsl pages of CAP.MPSMIN
    public static final U8 WZSL = u8(1); // write zeroes size limit, likewise
    public static final U8 WUSL = u8(2); // write uncorrectable size limit, likewise
    public static final U8 DMRL = u8(3); // ranges in a Dataset Management
    public static final U32 DMRSL = u32(4); // blocks in one of its ranges
    public static final U64 DMSL = u64(8); // blocks in all of its ranges

    private IdentifyNvmController() {}
}
