package io.doorbell.rdmasoft;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Packets that came before one that they follow. They are kept for a moment: on their way packets overtake each other far more often than they are lost,
 * and a peer that is told of a missing one sends all that follow it again.
 *
 * <p>A pool of the lane's, in which each queue pair has a list in order of the numbers. Owner: the lane.
 */
final class EarlyPackets implements AutoCloseable {
    /** The end of a list. */
    static final int NONE = -1;

    /** Of all queue pairs of the lane. */
    static final int SLOTS = 128;

    /** The farthest that one is ahead of what is missing: as much as Linux's rxe has on its way, and as we have. */
    static final int MOST_AHEAD = 128;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;
    private final int slotBytes;
    private final int[] next = new int[SLOTS];
    private final int[] psn = new int[SLOTS];
    private final int[] bytes = new int[SLOTS];
    private int free;

    EarlyPackets(int slotBytes) {
        this.slotBytes = slotBytes;
        memory = arena.allocate((long) SLOTS * slotBytes, Long.BYTES);
        for (int slot = 0; slot < SLOTS; slot++) {
            next[slot] = slot + 1 < SLOTS ? slot + 1 : NONE;
        }
    }

    MemorySegment memory() {
        return memory;
    }

    long offset(int slot) {
        return (long) slot * slotBytes;
    }

    int next(int slot) {
        return next[slot];
    }

    int psn(int slot) {
        return psn[slot];
    }

    /** How long the packet is, with its check. */
    int bytes(int slot) {
        return bytes[slot];
    }

    boolean isFull() {
        return free == NONE;
    }

    /** Keeps a packet in the list that begins with {@code first}; there must be room. Returns the first of the list now. */
    int keep(int first, int atPsn, MemorySegment from, long at, int many) {
        int before = NONE;
        int behind = first;
        while (behind != NONE && Psn.ahead(atPsn, psn[behind]) > 0) {
            before = behind;
            behind = next[behind];
        }
        if (behind != NONE && psn[behind] == atPsn) {
            // It came twice.
            return first;
        }
        int slot = free;
        free = next[slot];
        psn[slot] = atPsn;
        bytes[slot] = many;
        MemorySegment.copy(from, at, memory, offset(slot), many);
        next[slot] = behind;
        if (before == NONE) {
            return slot;
        }
        next[before] = slot;
        return first;
    }

    void release(int slot) {
        next[slot] = free;
        free = slot;
    }

    @Override
    public void close() {
        arena.close();
    }
}
