package io.doorbell.subsystem;

import io.doorbell.nvme.ErrorLogEntry;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;

/** The last errors of a controller, for the Error Information log page. Any thread. */
final class ErrorLog {
    /** ELPE + 1. */
    static final int ENTRIES = 64;

    private record Entry(long count, int sqid, int cid, int status, long lba, int nsid) {}

    // Guarded by this.
    private final ArrayDeque<Entry> entries = new ArrayDeque<>(ENTRIES);
    private long count;
    private long mediaErrors;

    synchronized void add(int sqid, int cid, int status, long lba, int nsid) {
        if (entries.size() == ENTRIES) {
            entries.removeLast();
        }
        entries.addFirst(new Entry(++count, sqid & 0xFFFF, cid & 0xFFFF, status, lba, nsid));
        if ((status >> 8 & 7) == 2) {
            mediaErrors++;
        }
    }

    /** Errors ever. */
    synchronized long count() {
        return count;
    }

    synchronized long mediaErrors() {
        return mediaErrors;
    }

    /** The newest first; entries without an error are zero. */
    synchronized void writeTo(MemorySegment page) {
        long at = 0;
        for (var entry : entries) {
            ErrorLogEntry.encode(page, at, entry.count, entry.sqid, entry.cid, entry.status, entry.nsid, entry.lba, 0);
            // The opcode is not told to us, so this is an entry of version 0.
            ErrorLogEntry.VERSION.set(page, at, 0);
            at += ErrorLogEntry.SIZE_BYTES;
        }
    }
}
