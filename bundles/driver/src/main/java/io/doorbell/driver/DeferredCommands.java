package io.doorbell.driver;

import java.lang.foreign.MemorySegment;

/**
 * Commands that keep their slots while they are not with the device: they wait until it is time to give them to it again, or to
 * end them. Arrays by slot, made once.
 *
 * <p>Owner: the thread that owns the queue pair.
 */
final class DeferredCommands {
    private final int[] due;
    private final int[] statuses;
    private final boolean[] again;

    /** How often the command in a slot was retried; meaningless for one that was not. */
    private final int[] retries;

    private final MemorySegment entries;
    int count;

    DeferredCommands(int slots) {
        due = new int[slots];
        statuses = new int[slots];
        again = new boolean[slots];
        retries = new int[slots];
        entries = MemorySegment.ofArray(new byte[slots << StagingQueuePair.ENTRY_SHIFT]);
    }

    /** To be ended with a status. */
    void toEnd(int slot, int dueMillis, int status) {
        due[slot] = dueMillis;
        statuses[slot] = status;
        again[slot] = false;
        count++;
    }

    /** To be submitted again; {@code status} is what it ends with when that is not possible any more. */
    void toRetry(int slot, int dueMillis, int status, int retry, MemorySegment ring, long entry) {
        toEnd(slot, dueMillis, status);
        again[slot] = true;
        retries[slot] = retry;
        MemorySegment.copy(ring, entry, entries, (long) slot << StagingQueuePair.ENTRY_SHIFT, entryBytes());
    }

    void copyEntry(int slot, MemorySegment ring, long entry) {
        MemorySegment.copy(entries, (long) slot << StagingQueuePair.ENTRY_SHIFT, ring, entry, entryBytes());
    }

    private static long entryBytes() {
        return 1L << StagingQueuePair.ENTRY_SHIFT;
    }

    void remove() {
        count--;
    }

    boolean isDue(int slot, int nowMillis) {
        return nowMillis - due[slot] >= 0;
    }

    boolean isToRetry(int slot) {
        return again[slot];
    }

    int status(int slot) {
        return statuses[slot];
    }

    int retries(int slot) {
        return retries[slot];
    }
}
