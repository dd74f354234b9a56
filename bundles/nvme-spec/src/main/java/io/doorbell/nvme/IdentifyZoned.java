package io.doorbell.nvme;

import io.doorbell.nvme.Field.U16;
import io.doorbell.nvme.Field.U32;
import io.doorbell.nvme.Field.U64;
import io.doorbell.nvme.Field.U8;

/**
 * What a namespace and a controller say of zones. Zoned Namespace Command Set 1.1 §4.1.5.1 "I/O Command Set specific Identify
 * Namespace data structure (CNS 05h, CSI 02h)", §4.1.5.2 "I/O Command Set specific Identify Controller data structure (CNS
 * 06h, CSI 02h)".
 */
public final class IdentifyZoned {
    public static final int SIZE_BYTES = 4096;

    /** Of the namespace. */
    public static final U16 ZOC = Field.u16(0); // zone operation characteristics

    public static final U16 OZCS = Field.u16(2); // optional zoned command support: reads across zones 0
    public static final U32 MAR = Field.u32(4); // maximum active resources, 0's based; FFFFFFFFh for no limit
    public static final U32 MOR = Field.u32(8); // maximum open resources, likewise
    public static final U32 RRL = Field.u32(12); // reset recommended limit, seconds
    public static final U32 FRL = Field.u32(16); // finish recommended limit, seconds

    private static final int LBAFE_OFFSET_BYTES = 2816;
    private static final int LBAFE_BYTES = 16;

    /** Of the controller: longest Zone Append, 2^zasl pages of CAP.MPSMIN; 0 for MDTS. */
    public static final U8 ZASL = Field.u8(0);

    /** OZCS: a read may go over the end of a zone. */
    public static final int OZCS_READ_ACROSS = 1;

    /** MAR and MOR: no limit. */
    public static final int NO_LIMIT = -1;

    private IdentifyZoned() {}

    /** Zone size in blocks, of an LBA format. */
    public static U64 zsze(int format) {
        return Field.u64(lbafe(format));
    }

    /** Zone descriptor extension size in 64 bytes, of an LBA format. */
    public static U8 zdes(int format) {
        return Field.u8(lbafe(format) + 8);
    }

    private static int lbafe(int format) {
        if (format < 0 || format >= IdentifyNamespace.MAX_LBA_FORMATS) {
            throw new IllegalArgumentException("LBA format " + format);
        }
        return LBAFE_OFFSET_BYTES + format * LBAFE_BYTES;
    }
}
