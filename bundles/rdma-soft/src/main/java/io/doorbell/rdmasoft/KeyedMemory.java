package io.doorbell.rdmasoft;

import io.doorbell.verbs.Access;
import java.lang.foreign.MemorySegment;

/** Memory that a key opens: a region, or a window on one. */
abstract sealed class KeyedMemory permits SoftRegion, SoftWindow {
    final SoftDomain domain;

    /** Any thread reads it. */
    volatile int key;

    KeyedMemory(SoftDomain domain) {
        this.domain = domain;
    }

    /** The region whose memory it is, or null while there is none. */
    abstract SoftRegion region();

    abstract int access();

    abstract long address();

    abstract long bytes();

    /** Whether this queue pair, of the same domain, may use it. */
    abstract boolean isFor(SoftQueuePair pair);

    /**
     * Whether a peer may do that to all of a range, through this queue pair.
     *
     * @param wanted {@link Access#REMOTE_READ} or {@link Access#REMOTE_WRITE}
     */
    final boolean allows(SoftQueuePair pair, long at, long many, int wanted) {
        return domain == pair.domain && isFor(pair) && (access() & wanted) != 0 && contains(at, many);
    }

    /** Whether a range lies in it; no arithmetic on what a peer says wraps around. */
    final boolean contains(long at, long many) {
        long offset = at - address();
        return many >= 0 && offset >= 0 && many <= bytes() && offset <= bytes() - many;
    }

    /** Copies into it. Returns false when the memory has gone; the range has been checked. */
    static boolean store(SoftRegion region, long at, MemorySegment from, long offset, int bytes) {
        try {
            MemorySegment.copy(from, offset, region.memory, at - region.address(), bytes);
            return true;
        } catch (IllegalStateException closed) {
            // The region was closed meanwhile, and this is how its fence is felt.
            return false;
        }
    }

    /** Copies out of it. Returns false when the memory has gone; the range has been checked. */
    static boolean load(SoftRegion region, long at, MemorySegment to, long offset, int bytes) {
        try {
            MemorySegment.copy(region.memory, at - region.address(), to, offset, bytes);
            return true;
        } catch (IllegalStateException closed) {
            return false;
        }
    }
}
