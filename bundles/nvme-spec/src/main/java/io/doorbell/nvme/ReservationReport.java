package io.doorbell.nvme;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Reservation Status data structure, what Reservation Report answers. NVMe Base 2.1 §7.8 "Reservation Report command". Host
 * identifiers have 8 bytes in the plain form, 16 in the extended one; as raw bits in the order of memory, low half first.
 *
 * @param gen counts changes
 * @param rtype of {@link Reservation}, 0 where nobody holds it
 * @param persistent whether it outlives a loss of power
 * @param registrants one for each controller of each registered host; a host without a controller has one of its own
 */
public record ReservationReport(int gen, int rtype, boolean persistent, List<Registrant> registrants) {
    /** Controller identifier of a registered host that has no controller now. */
    public static final int NO_CONTROLLER = 0xFFFF;

    private static final Field.U32 GEN = Field.u32(0);
    private static final Field.U8 RTYPE = Field.u8(4);
    /** Two bytes, at an odd place. */
    private static final Field.U16 REGSTRNT = Field.u16(5);

    private static final Field.U8 PTPLS = Field.u8(9);

    private static final Field.U16 CNTLID = Field.u16(0);
    private static final Field.U8 RCSTS = Field.u8(2);
    private static final Field.U64 HOSTID_64 = Field.u64(8);
    private static final Field.U64 RKEY_64 = Field.u64(16);
    private static final Field.U64 RKEY_128 = Field.u64(8);
    private static final Field.U64 HOSTID_128_LOW = Field.u64(16);
    private static final Field.U64 HOSTID_128_HIGH = Field.u64(24);

    private static final int HOLDS = 1;

    /** @param holder whether this host holds the reservation */
    public record Registrant(int cntlid, boolean holder, long hostIdLow, long hostIdHigh, long rkey) {}

    public ReservationReport {
        registrants = List.copyOf(registrants);
    }

    public static int headerBytes(boolean extended) {
        return extended ? 64 : 24;
    }

    public static int entryBytes(boolean extended) {
        return extended ? 64 : 24;
    }

    public int sizeBytes(boolean extended) {
        return headerBytes(extended) + registrants.size() * entryBytes(extended);
    }

    /** The structure; a host that asked for less gets the beginning. */
    public MemorySegment encode(boolean extended) {
        var data = MemorySegment.ofArray(new byte[sizeBytes(extended)]);
        GEN.set(data, gen);
        RTYPE.set(data, rtype);
        REGSTRNT.set(data, registrants.size());
        PTPLS.set(data, persistent ? 1 : 0);
        long at = headerBytes(extended);
        for (var registrant : registrants) {
            CNTLID.set(data, at, registrant.cntlid);
            RCSTS.set(data, at, registrant.holder ? HOLDS : 0);
            if (extended) {
                RKEY_128.set(data, at, registrant.rkey);
                HOSTID_128_LOW.set(data, at, registrant.hostIdLow);
                HOSTID_128_HIGH.set(data, at, registrant.hostIdHigh);
            } else {
                HOSTID_64.set(data, at, registrant.hostIdLow);
                RKEY_64.set(data, at, registrant.rkey);
            }
            at += entryBytes(extended);
        }
        return data;
    }

    /** Reads what a device answered into {@code data}; entries that it does not hold are left out. */
    public static ReservationReport decode(MemorySegment data, boolean extended) {
        var registrants = new ArrayList<Registrant>();
        long at = headerBytes(extended);
        int count = REGSTRNT.get(data);
        for (int i = 0; i < count && at + entryBytes(extended) <= data.byteSize(); i++) {
            boolean holder = (RCSTS.get(data, at) & HOLDS) != 0;
            registrants.add(
                    extended
                            ? new Registrant(
                                    CNTLID.get(data, at),
                                    holder,
                                    HOSTID_128_LOW.get(data, at),
                                    HOSTID_128_HIGH.get(data, at),
                                    RKEY_128.get(data, at))
                            : new Registrant(
                                    CNTLID.get(data, at), holder, HOSTID_64.get(data, at), 0, RKEY_64.get(data, at)));
            at += entryBytes(extended);
        }
        return new ReservationReport(GEN.get(data), RTYPE.get(data), (PTPLS.get(data) & 1) != 0, registrants);
    }
}
