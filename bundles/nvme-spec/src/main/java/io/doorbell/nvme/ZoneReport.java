package io.doorbell.nvme;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Report Zones data structure, what Zone Management Receive answers. Zoned Namespace Command Set 1.1 §3.4.2 "Zone Management
 * Receive command". A header with the number of zones, and a descriptor for each that has room.
 *
 * @param zoneCount zones that fit the request, or with Partial Report those that have a descriptor here
 */
public record ZoneReport(long zoneCount, List<Descriptor> zones) {
    public static final int HEADER_BYTES = 64;
    public static final int DESCRIPTOR_BYTES = 64;

    private static final Field.U64 ZONES = Field.u64(0);
    private static final Field.U8 ZT = Field.u8(0);
    private static final Field.U8 ZS = Field.u8(1);
    private static final Field.U8 ZA = Field.u8(2);
    private static final Field.U64 ZCAP = Field.u64(8);
    private static final Field.U64 ZSLBA = Field.u64(16);
    private static final Field.U64 WP = Field.u64(24);

    /**
     * Zone descriptor.
     *
     * @param state of {@link Zone}
     * @param attributes ZA
     * @param capacity blocks that can be written
     * @param start its first block
     * @param writePointer the block that is written next, {@link Zone#NO_WRITE_POINTER} where there is none
     */
    public record Descriptor(int state, int attributes, long capacity, long start, long writePointer) {}

    public ZoneReport {
        zones = List.copyOf(zones);
    }

    public static void header(MemorySegment data, long zoneCount) {
        ZONES.set(data, zoneCount);
    }

    /** Writes the descriptor with this index. */
    public static void descriptor(
            MemorySegment data, int index, int state, long capacity, long start, long writePointer) {
        long at = HEADER_BYTES + (long) index * DESCRIPTOR_BYTES;
        ZT.set(data, at, Zone.SEQUENTIAL_WRITE_REQUIRED);
        ZS.set(data, at, state << 4);
        ZA.set(data, at, 0);
        ZCAP.set(data, at, capacity);
        ZSLBA.set(data, at, start);
        WP.set(data, at, writePointer);
    }

    /** Reads what a device answered into {@code data}; zones that it does not hold are left out. */
    public static ZoneReport decode(MemorySegment data) {
        long count = ZONES.get(data);
        var zones = new ArrayList<Descriptor>();
        for (long at = HEADER_BYTES;
                at + DESCRIPTOR_BYTES <= data.byteSize() && Long.compareUnsigned(zones.size(), count) < 0;
                at += DESCRIPTOR_BYTES) {
            zones.add(new Descriptor(
                    ZS.get(data, at) >> 4,
                    ZA.get(data, at),
                    ZCAP.get(data, at),
                    ZSLBA.get(data, at),
                    WP.get(data, at)));
        }
        return new ZoneReport(count, zones);
    }
}
