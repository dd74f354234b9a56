package io.doorbell.tcp;

/** Memory for data on their way, in chunks of one size: offsets into the reactor's memory. Owner: the reactor. */
final class DataPool {
    /** Enough for what a command may bring along; a longer transfer takes several, which lie side by side while the pool is fresh. */
    static final int CHUNK_BYTES = 16 << 10;

    private final int[] free;
    private final long base;
    private int count;

    DataPool(long base, int chunks) {
        this.base = base;
        free = new int[chunks];
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

    void release(int chunk) {
        free[count++] = chunk;
    }

    long offset(int chunk) {
        return base + (long) chunk * CHUNK_BYTES;
    }
}
