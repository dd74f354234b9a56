package io.doorbell.nvme;

import java.lang.foreign.MemorySegment;

/**
 * Changed Attached Namespace List log page, 4,096 bytes. NVMe Base 2.1 §5.1.12.1.5 "Changed Attached Namespace List (Log
 * Page Identifier 04h)". A namespace list, unless more than 1,024 namespaces changed: then it is FFFFFFFFh alone.
 */
public final class ChangedNamespaceList {
    public static final int SIZE_BYTES = NamespaceList.SIZE_BYTES;
    public static final int MAX_ENTRIES = NamespaceList.MAX_ENTRIES;

    private ChangedNamespaceList() {}

    /** More changed than the page can name: look at all of them. */
    public static boolean isOverflow(MemorySegment page, long start) {
        return page.get(LE.LE32_UNALIGNED, start) == NamespaceList.BROADCAST_NSID;
    }

    /** What changed since the page was last read; empty on {@link #isOverflow overflow} too. */
    public static int[] read(MemorySegment page, long start) {
        return isOverflow(page, start) ? new int[0] : NamespaceList.read(page, start);
    }

    /** Writes the whole page from any number of identifiers in rising order. */
    public static void write(MemorySegment page, long start, int... nsids) {
        if (nsids.length > MAX_ENTRIES) {
            NamespaceList.write(page, start, NamespaceList.BROADCAST_NSID);
        } else {
            NamespaceList.write(page, start, nsids);
        }
    }
}
