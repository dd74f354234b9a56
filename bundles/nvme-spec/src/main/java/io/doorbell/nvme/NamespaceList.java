package io.doorbell.nvme;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Namespace List, 4,096 bytes: up to 1,024 namespace identifiers in rising order, zeroes behind them. NVMe Base 2.1
 * §4.6.2 "Namespace List". The active and the allocated lists of Identify have this form.
 */
public final class NamespaceList {
    public static final int SIZE_BYTES = 4096;
    public static final int MAX_ENTRIES = 1024;

    /** NSID FFFFFFFFh: all namespaces, wherever a command allows it. */
    public static final int BROADCAST_NSID = 0xFFFF_FFFF;

    private NamespaceList() {}

    /** Reads up to the first zero. The identifiers are unsigned, and as the device gave them. */
    public static int[] read(MemorySegment list, long start) {
        var nsids = new int[MAX_ENTRIES];
        int count = 0;
        while (count < MAX_ENTRIES) {
            int nsid = list.get(LE.LE32_UNALIGNED, start + 4L * count);
            if (nsid == 0) {
                break;
            }
            nsids[count++] = nsid;
        }
        return Arrays.copyOf(nsids, count);
    }

    /** Writes the whole structure from identifiers in rising order, at most 1,024. */
    public static void write(MemorySegment list, long start, int... nsids) {
        if (nsids.length > MAX_ENTRIES) {
            throw new IllegalArgumentException(
                    nsids.length + " identifiers do not fit a namespace list of " + MAX_ENTRIES);
        }
        for (int i = 0; i < MAX_ENTRIES; i++) {
            list.set(LE.LE32_UNALIGNED, start + 4L * i, i < nsids.length ? nsids[i] : 0);
        }
    }
}
