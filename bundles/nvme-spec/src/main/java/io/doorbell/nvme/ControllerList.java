package io.doorbell.nvme;

import java.lang.foreign.MemorySegment;

/**
 * Controller List, 4,096 bytes: a count and up to 2,047 controller identifiers in rising order. NVMe Base 2.1 §4.6.1
 * "Controller List". Identify returns it, and Namespace Attachment takes it.
 */
public final class ControllerList {
    public static final int SIZE_BYTES = 4096;
    public static final int MAX_ENTRIES = 2047;

    private static final Field.U16 COUNT = Field.u16(0);

    private ControllerList() {}

    /** The count as it is in the list: more than {@link #MAX_ENTRIES} makes the list invalid. */
    public static int count(MemorySegment list, long start) {
        return COUNT.get(list, start);
    }

    /** Reads the identifiers; throws {@link IllegalArgumentException} when the count is more than there can be. */
    public static int[] read(MemorySegment list, long start) {
        int count = count(list, start);
        if (count > MAX_ENTRIES) {
            throw new IllegalArgumentException(
                    "a controller list has at most " + MAX_ENTRIES + " entries, not " + count);
        }
        var cntlids = new int[count];
        for (int i = 0; i < count; i++) {
            cntlids[i] = entry(i).get(list, start);
        }
        return cntlids;
    }

    /** Writes the whole structure, zeroes behind the last entry. */
    public static void write(MemorySegment list, long start, int... cntlids) {
        if (cntlids.length > MAX_ENTRIES) {
            throw new IllegalArgumentException(
                    "a controller list has at most " + MAX_ENTRIES + " entries, not " + cntlids.length);
        }
        list.asSlice(start, SIZE_BYTES).fill((byte) 0);
        COUNT.set(list, start, cntlids.length);
        for (int i = 0; i < cntlids.length; i++) {
            entry(i).set(list, start, cntlids[i]);
        }
    }

    private static Field.U16 entry(int index) {
        return Field.u16(2 + 2 * index);
    }
}
