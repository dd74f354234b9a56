package io.doorbell.nvme;

import java.lang.foreign.MemorySegment;

/**
 * Supported Log Pages log page, 1,024 bytes: a dword per log page identifier. NVMe Base 2.1 §5.1.12.1.1 "Supported Log
 * Pages (Log Page Identifier 00h)".
 */
public final class SupportedLogPages {
    public static final int SIZE_BYTES = 1024;

    /** The page is there; it can be read by an index as well as by a byte offset. */
    public static final int LSUPP = 1;

    public static final int IOS = 1 << 1;

    private SupportedLogPages() {}

    public static int entry(MemorySegment page, long start, int lid) {
        return page.get(LE.LE32_UNALIGNED, start + 4L * (lid & 0xFF));
    }

    public static void entry(MemorySegment page, long start, int lid, int value) {
        page.set(LE.LE32_UNALIGNED, start + 4L * (lid & 0xFF), value);
    }
}
