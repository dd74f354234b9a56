package io.doorbell.storage;

import java.util.UUID;

/**
 * What Identify tells of a namespace.
 *
 * @param blockBytes 512 or 4096
 * @param blockCount logical blocks
 * @param uuid stays the same for the life of the data
 * @param keepsData whether what is written can be read again, and deallocated blocks read zero; {@code null} does neither
 * @param deallocates whether deallocated blocks give space back
 * @param volatileCache whether a write is durable only after a Flush, or with FUA; false where there is nothing to flush
 * @param backend what it stores to, for people: {@code memory}, {@code null}, {@code file /path}
 */
public record NamespaceShape(
        int blockBytes,
        long blockCount,
        UUID uuid,
        boolean keepsData,
        boolean deallocates,
        boolean volatileCache,
        String backend) {

    public NamespaceShape {
        if (blockBytes != 512 && blockBytes != 4096) {
            throw new IllegalArgumentException("block size " + blockBytes + " of " + backend + ": 512 or 4096");
        }
        if (blockCount < 1 || blockCount > Long.MAX_VALUE / blockBytes) {
            throw new IllegalArgumentException(
                    "block count " + blockCount + " of " + backend + ": 1 and up, 8 EiB at most");
        }
    }

    /** The same with blocks of another size, as many as fit into {@code bytes}. */
    public NamespaceShape formatted(int blockBytes, long bytes) {
        return new NamespaceShape(blockBytes, bytes / blockBytes, uuid, keepsData, deallocates, volatileCache, backend);
    }

    public long byteSize() {
        return blockCount * blockBytes;
    }
}
