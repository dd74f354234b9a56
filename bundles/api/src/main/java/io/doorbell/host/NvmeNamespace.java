package io.doorbell.host;

import java.util.Objects;

/**
 * An active namespace as its controller describes it.
 *
 * @param blockCount NSZE, logical blocks
 * @param blockBytes logical block size, without metadata
 * @param optimalBoundaryBlocks NOIOB, 0 where there is none: I/O that crosses it is split
 */
public record NvmeNamespace(
        int nsid, long blockCount, int blockBytes, MetadataFormat metadata, int optimalBoundaryBlocks, String nguid) {

    public NvmeNamespace {
        Objects.requireNonNull(metadata, "metadata");
    }

    /** With metadata, if any, in a buffer of its own, and no protection. */
    public NvmeNamespace(
            int nsid, long blockCount, int blockBytes, int metadataBytes, int optimalBoundaryBlocks, String nguid) {
        this(nsid, blockCount, blockBytes, MetadataFormat.of(metadataBytes, false), optimalBoundaryBlocks, nguid);
    }

    public int metadataBytes() {
        return metadata.bytes();
    }

    /** Bytes of a block in the data of a command: with its metadata, where that travels in the data. */
    public int transferBlockBytes() {
        return blockBytes + metadata.inDataBytes();
    }

    public long byteSize() {
        return blockCount * blockBytes;
    }
}
