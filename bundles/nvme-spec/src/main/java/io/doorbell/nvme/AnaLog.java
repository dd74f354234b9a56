package io.doorbell.nvme;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Asymmetric Namespace Access log page: how a host reaches the namespaces of each ANA group through the controller that it asks. NVMe
 * Base 2.1 §5.1.12.1.13 "Asymmetric Namespace Access (Log Page Identifier 0Ch)".
 *
 * @param changeCount counts changes of what is in the page
 */
public record AnaLog(long changeCount, List<Group> groups) {
    /** Log Specific Parameter bit 0, Return Groups Only: without namespaces. */
    public static final int RETURN_GROUPS_ONLY = 1;

    public static final int HEADER_BYTES = 16;
    public static final int DESCRIPTOR_BYTES = 32;

    /** Bits of ANACAP in Identify Controller: the states that it may report. */
    public static final int ANACAP_ALL_STATES = 0x1F;

    private static final Field.U64 CHANGE_COUNT = Field.u64(0);
    private static final Field.U16 NGRPS = Field.u16(8);

    private static final Field.U32 AGID = Field.u32(0);
    private static final Field.U32 NNSIDS = Field.u32(4);
    private static final Field.U64 CHGCNT = Field.u64(8);
    private static final Field.U8 STATE = Field.u8(16);

    /** @param state ANA state: 1 optimized, 2 non-optimized, 3 inaccessible, 4 persistent loss, Fh change */
    public record Group(int id, long changeCount, int state, List<Integer> nsids) {
        public Group {
            nsids = List.copyOf(nsids);
        }
    }

    public AnaLog {
        groups = List.copyOf(groups);
    }

    public static int sizeBytes(int groups, int namespaces) {
        return HEADER_BYTES + groups * DESCRIPTOR_BYTES + namespaces * Integer.BYTES;
    }

    /** Writes the page; what lies behind it in {@code page} stays. */
    public void writeTo(MemorySegment page, boolean groupsOnly) {
        CHANGE_COUNT.set(page, changeCount);
        NGRPS.set(page, groups.size());
        long at = HEADER_BYTES;
        for (var group : groups) {
            var nsids = groupsOnly ? List.<Integer>of() : group.nsids;
            AGID.set(page, at, group.id);
            NNSIDS.set(page, at, nsids.size());
            CHGCNT.set(page, at, group.changeCount);
            STATE.set(page, at, group.state);
            at += DESCRIPTOR_BYTES;
            for (int nsid : nsids) {
                page.set(LE.LE32_UNALIGNED, at, nsid);
                at += Integer.BYTES;
            }
        }
    }

    /** Reads what a device answered; groups and namespaces that {@code page} does not hold are left out. */
    public static AnaLog read(MemorySegment page) {
        var groups = new ArrayList<Group>();
        long at = HEADER_BYTES;
        int count = NGRPS.get(page);
        for (int i = 0; i < count && at + DESCRIPTOR_BYTES <= page.byteSize(); i++) {
            long nsidCount = Integer.toUnsignedLong(NNSIDS.get(page, at));
            long from = at + DESCRIPTOR_BYTES;
            var nsids = new ArrayList<Integer>();
            for (long n = 0; n < nsidCount && from + (n + 1) * Integer.BYTES <= page.byteSize(); n++) {
                nsids.add(page.get(LE.LE32_UNALIGNED, from + n * Integer.BYTES));
            }
            groups.add(new Group(AGID.get(page, at), CHGCNT.get(page, at), STATE.get(page, at) & 0xF, nsids));
            at = from + nsidCount * Integer.BYTES;
        }
        return new AnaLog(CHANGE_COUNT.get(page), groups);
    }
}
