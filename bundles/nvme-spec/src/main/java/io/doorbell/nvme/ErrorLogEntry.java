package io.doorbell.nvme;

import static io.doorbell.nvme.Field.u16;
import static io.doorbell.nvme.Field.u32;
import static io.doorbell.nvme.Field.u64;
import static io.doorbell.nvme.Field.u8;

import io.doorbell.nvme.Field.U16;
import io.doorbell.nvme.Field.U32;
import io.doorbell.nvme.Field.U64;
import io.doorbell.nvme.Field.U8;
import java.lang.foreign.MemorySegment;

/**
 * Error Information Log Entry, 64 bytes; the log page holds ELPE + 1 of them, the newest first. NVMe Base 2.1 §5.1.12.1.2
 * "Error Information (Log Page Identifier 01h)".
 */
public final class ErrorLogEntry {
    public static final int SIZE_BYTES = 64;

    public static final U64 ERROR_COUNT = u64(0); // one more with every error, over power cycles; 0 for no entry
    public static final U16 SQID = u16(8); // queue of the command; FFFFh when no command was the cause
    public static final U16 CID = u16(10);
    public static final U16 STATUS = u16(12); // status bits 15:1, phase tag of the command 0
    public static final U16 PARAMETER_ERROR_LOCATION = u16(14); // byte 7:0, bit 10:8; FFFFh for none
    public static final U64 LBA = u64(16);
    public static final U32 NSID = u32(24);
    public static final U8 VENDOR_LOG_PAGE = u8(28); // vendor log page that says more; 0 for none
    public static final U8 TRTYPE = u8(29);
    public static final U8 CSI = u8(30); // command set of the command
    public static final U8 OPC = u8(31); // its opcode
    public static final U64 COMMAND_SPECIFIC = u64(32);
    public static final U16 TRANSPORT_SPECIFIC = u16(40);
    public static final U8 VERSION = u8(63); // 1 says that CSI and OPC are there

    public static final int NO_PARAMETER = 0xFFFF;
    public static final int NO_COMMAND = 0xFFFF;

    private ErrorLogEntry() {}

    /** The 15 bits of {@link Status#raw}. */
    public static int status(MemorySegment page, long start) {
        return STATUS.get(page, start) >> 1;
    }

    /** Writes a whole entry of version 1; fields without an argument become zero, or say that there is none. */
    public static void encode(
            MemorySegment page,
            long start,
            long errorCount,
            int sqid,
            int cid,
            int status,
            int nsid,
            long lba,
            int opc) {
        page.asSlice(start, SIZE_BYTES).fill((byte) 0);
        ERROR_COUNT.set(page, start, errorCount);
        SQID.set(page, start, sqid);
        CID.set(page, start, cid);
        STATUS.set(page, start, status << 1);
        PARAMETER_ERROR_LOCATION.set(page, start, NO_PARAMETER);
        LBA.set(page, start, lba);
        NSID.set(page, start, nsid);
        OPC.set(page, start, opc);
        VERSION.set(page, start, 1);
    }
}
