package io.doorbell.tcp;

import java.lang.foreign.MemorySegment;

/**
 * Memory for data on their way, in chunks of one size: offsets into the reactor's memory. Owner: the reactor.
 *
 * <p>Hosts share it one after another, so it knows of each chunk how much of it is not zero: what a command does not fill is zeroed before
 * it can leave, and what nobody has touched since is not zeroed again.
 */
final class DataPool {
    /** Enough for what a command may bring along; a longer transfer takes several, which lie side by side while the pool is fresh. */
    static final int CHUNK_BYTES = 16 << 10;

    private final int[] free;
    private final MemorySegment memory;
    private final long base;
    /** Of each chunk, so many bytes may be other than zero. */
    private final int[] used;

    private int count;

    /** Of memory that is zero. */
    DataPool(MemorySegment memory, long base, int chunks) {
        this.memory = memory;
        this.base = base;
        free = new int[chunks];
        used = new int[chunks];
        for (int i = 0; i < chunks; i++) {
            free[i] = chunks - 1 - i;
        }
        count = chunks;
    }

    static int chunks(int bytes) {
        return (bytes + CHUNK_BYTES - 1) / CHUNK_BYTES;
    }

    /** Chunks that nobody has. */
    int free() {
        return count;
    }

    int size() {
        return free.length;
    }

    /** A chunk, of which there must be one. */
    int take() {
        return free[--count];
    }

    /** The first {@code bytes} of a chunk are to be written. */
    void use(int chunk, int bytes) {
        if (used[chunk] < bytes) {
            used[chunk] = bytes;
        }
    }

    /** Makes a chunk zero. */
    void zero(int chunk) {
        int bytes = used[chunk];
        if (bytes > 0) {
            memory.asSlice(offset(chunk), bytes).fill((byte) 0);
            used[chunk] = 0;
        }
    }

    void release(int chunk) {
        free[count++] = chunk;
    }

    long offset(int chunk) {
        return base + (long) chunk * CHUNK_BYTES;
    }
}
