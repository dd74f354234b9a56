package io.doorbell.storage;

import java.util.UUID;

/**
 * What Identify tells of a namespace.
 *
 * @param format of its blocks
 * @param blockCount logical blocks
 * @param uuid stays the same for the life of the data
 * @param keepsData whether what is written can be read again, and deallocated blocks read zero; {@code null} does neither, and a Read
 *     leaves the pieces of its request as they are
 * @param deallocates whether deallocated blocks give space back
 * @param volatileCache whether a write is durable only after a Flush, or with FUA; false where there is nothing to flush
 * @param fusedBlocks the most blocks of a fused pair; 0 for as many as a command has. Longer ones end with Atomic Write Unit Exceeded
 * @param backend what it stores to, for people: {@code memory}, {@code null}, {@code file /path}
 */
public record NamespaceShape(
        BlockFormat format,
        long blockCount,
        UUID uuid,
        boolean keepsData,
        boolean deallocates,
        boolean volatileCache,
        int fusedBlocks,
        String backend) {

    public NamespaceShape {
        if (blockCount < 1 || blockCount > Long.MAX_VALUE / format.storedBytes()) {
            throw new IllegalArgumentException(
                    "block count " + blockCount + " of " + backend + ": 1 and up, 8 EiB at most");
        }
    }

    /** The same with other blocks, as many as have their data in {@code bytes}. */
    public NamespaceShape formatted(BlockFormat other, long bytes) {
        return new NamespaceShape(
                other, bytes / other.blockBytes(), uuid, keepsData, deallocates, volatileCache, fusedBlocks, backend);
    }

    /** With fused pairs as long as a command. */
    public NamespaceShape(
            BlockFormat format,
            long blockCount,
            UUID uuid,
            boolean keepsData,
            boolean deallocates,
            boolean volatileCache,
            String backend) {
        this(format, blockCount, uuid, keepsData, deallocates, volatileCache, 0, backend);
    }

    /**
     * The same with as many blocks as have their data in {@code bytes}.
     *
     * @throws IllegalArgumentException when that is not one block, or more than there can be
     */
    public NamespaceShape resized(long bytes) {
        return formatted(format, bytes);
    }

    /** With blocks without metadata. */
    public NamespaceShape(
            int blockBytes,
            long blockCount,
            UUID uuid,
            boolean keepsData,
            boolean deallocates,
            boolean volatileCache,
            String backend) {
        this(BlockFormat.of(blockBytes), blockCount, uuid, keepsData, deallocates, volatileCache, backend);
    }

    /** Data of a block. */
    public int blockBytes() {
        return format.blockBytes();
    }

    /** All of the data, without metadata. */
    public long byteSize() {
        return blockCount * blockBytes();
    }

    /** What the store keeps: data and metadata. */
    public long storedBytes() {
        return blockCount * format.storedBytes();
    }
}
