package io.doorbell.nvme;

import static io.doorbell.nvme.Field.u16;
import static io.doorbell.nvme.Field.u32;
import static io.doorbell.nvme.Field.u8;

import io.doorbell.nvme.Field.U16;
import io.doorbell.nvme.Field.U32;
import io.doorbell.nvme.Field.U8;

/**
 * I/O Command Set Independent Identify Namespace data structure, 4,096 bytes. NVMe Base 2.1 §5.1.13.2.8 "I/O Command Set
 * Independent Identify Namespace data structure (CNS 08h)".
 */
public final class IdentifyIndependentNamespace {
    public static final int SIZE_BYTES = 4096;

    public static final U8 NSFEAT = u8(0); // features: identifiers are never reused 3
    public static final U8 NMIC = u8(1); // multi-path I/O and sharing: may be attached to several controllers 0
    public static final U8 RESCAP = u8(2); // reservation capabilities
    public static final U8 FPI = u8(3); // format progress
    public static final U32 ANAGRPID = u32(4); // ANA group
    public static final U8 NSATTR = u8(8); // attributes: write protected 0
    public static final U16 NVMSETID = u16(10); // NVM set
    public static final U16 ENDGID = u16(12); // endurance group
    public static final U8 NSTAT = u8(14); // status: ready 0

    public static final int NSTAT_READY = 1;

    private IdentifyIndependentNamespace() {}
}
