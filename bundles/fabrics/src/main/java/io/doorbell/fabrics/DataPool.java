package io.doorbell.fabrics;

import io.doorbell.storage.NvmRequest;
import java.lang.foreign.MemorySegment;

/**
 * Memory for data on their way, in chunks of one size: offsets into a transport's memory. Owner: the reactor.
 *
 * <p>Hosts share it one after another, so it knows of each chunk how much of it is not zero: what a command does not fill is zeroed before
 * it can leave, and what nobody has touched since is not zeroed again.
 */
public final class DataPool {
    /** Enough for what a command may bring along; a longer transfer takes several, which lie side by side while the pool is fresh. */
    public static final int CHUNK_BYTES = 16 << 10;

    private final int[] free;
    private final MemorySegment memory;
    private final long base;
    /** Of each chunk, so many bytes may be other than zero. */
    private final int[] used;

    private int count;

    /** Of memory that is zero. */
    public DataPool(MemorySegment memory, long base, int chunks) {
        this.memory = memory;
        this.base = base;
        free = new int[chunks];
        used = new int[chunks];
        for (int i = 0; i < chunks; i++) {
            free[i] = chunks - 1 - i;
        }
        count = chunks;
    }

    public static int chunks(int bytes) {
        return (bytes + CHUNK_BYTES - 1) / CHUNK_BYTES;
    }

    /** Chunks that nobody has. */
    public int free() {
        return count;
    }

    public int size() {
        return free.length;
    }

    /**
     * Lends chunks, of which there are enough, for all data of a command, whose pieces they become. What the command does not promise to fill
     * is zero.
     *
     * @param chunks their numbers, to be set; for {@link #release}
     */
    public void lend(NvmRequest request, int[] chunks, int many, int bytes) {
        // What comes from the host comes whole, or nobody looks at it.
        int fill = request.dataToHost ? request.fill : NvmRequest.FILLS_ALL;
        int left = bytes;
        for (int i = 0; i < many; i++) {
            int chunk = free[--count];
            chunks[i] = chunk;
            int part = Math.min(left, CHUNK_BYTES);
            if (fill != NvmRequest.FILLS_ALL) {
                zero(chunk);
            }
            if (fill != NvmRequest.FILLS_NONE && used[chunk] < part) {
                used[chunk] = part;
            }
            request.addPiece(memory, offset(chunk), part);
            left -= part;
        }
    }

    /** Makes a chunk zero. */
    private void zero(int chunk) {
        int bytes = used[chunk];
        if (bytes > 0) {
            memory.asSlice(offset(chunk), bytes).fill((byte) 0);
            used[chunk] = 0;
        }
    }

    public void release(int chunk) {
        free[count++] = chunk;
    }

    public long offset(int chunk) {
        return base + (long) chunk * CHUNK_BYTES;
    }
}
