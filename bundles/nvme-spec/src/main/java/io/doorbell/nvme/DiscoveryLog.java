package io.doorbell.nvme;

import static io.doorbell.nvme.Field.ascii;
import static io.doorbell.nvme.Field.u16;
import static io.doorbell.nvme.Field.u64;
import static io.doorbell.nvme.Field.u8;
import static io.doorbell.nvme.Field.utf8;

import io.doorbell.nvme.Field.Ascii;
import io.doorbell.nvme.Field.U16;
import io.doorbell.nvme.Field.U64;
import io.doorbell.nvme.Field.U8;
import io.doorbell.nvme.Field.Utf8;

/**
 * Discovery log page: a header, then an entry for each way to a subsystem, 1,024 bytes each. NVMe Base 2.1 §5.1.12.3.1
 * "Discovery (Log Page Identifier 70h)".
 */
public final class DiscoveryLog {
    public static final int HEADER_BYTES = 1024;
    public static final int ENTRY_BYTES = 1024;

    public static final U64 GENCTR = u64(0); // another number when anything below has changed
    public static final U64 NUMREC = u64(8); // entries
    public static final U16 RECFMT = u16(16); // 0

    // Of an entry, from its start on.

    public static final U8 TRTYPE = u8(0);
    public static final U8 ADRFAM = u8(1);
    public static final U8 SUBTYPE = u8(2);
    public static final U8 TREQ = u8(3); // secure channel 1:0, flow control may be disabled 2
    public static final U16 PORTID = u16(4);
    public static final U16 CNTLID = u16(6); // FFFFh: a controller is made for who connects
    public static final U16 ASQSZ = u16(8); // entries of the admin queue at most
    public static final U16 EFLAGS = u16(10);
    public static final Ascii TRSVCID = ascii(32, 32);
    public static final Utf8 SUBNQN = utf8(256, 256);
    public static final Ascii TRADDR = ascii(512, 256);
    public static final U8 TCP_SECTYPE = u8(768); // 0 none, 2 TLS 1.3
    public static final U8 RDMA_QPTYPE = u8(768); // 1 reliable connected
    public static final U8 RDMA_PRTYPE = u8(769);
    public static final U8 RDMA_CMS = u8(770); // 1 RDMA_CM

    public static final int TRTYPE_RDMA = 1;
    public static final int TRTYPE_TCP = 3;
    public static final int ADRFAM_IPV4 = 1;
    public static final int ADRFAM_IPV6 = 2;
    public static final int SUBTYPE_REFERRAL = 1;
    public static final int SUBTYPE_NVM = 2;
    public static final int SUBTYPE_CURRENT_DISCOVERY = 3;
    public static final int TREQ_SECURE_CHANNEL_REQUIRED = 1;
    public static final int TREQ_SECURE_CHANNEL_NOT_REQUIRED = 2;
    public static final int TREQ_FLOW_CONTROL_DISABLE = 1 << 2;

    public static final int SECTYPE_TLS_13 = 2;

    /** EFLAGS: a host may stay connected to this discovery controller. */
    public static final int EFLAGS_EXPLICIT_PERSISTENT = 1 << 1;

    private DiscoveryLog() {}
}
