package io.doorbell.host;

import java.util.Objects;
import java.util.Optional;

/**
 * An active namespace as its controller describes it.
 *
 * @param blockCount NSZE, logical blocks
 * @param blockBytes logical block size, without metadata
 * @param optimalBoundaryBlocks NOIOB, 0 where there is none: I/O that crosses it is split
 * @param zones of a zoned namespace; empty where blocks can be written in any order
 */
public record NvmeNamespace(
        int nsid,
        long blockCount,
        int blockBytes,
        MetadataFormat metadata,
        int optimalBoundaryBlocks,
        String nguid,
        Optional<ZoneGeometry> zones) {

    public NvmeNamespace {
        Objects.requireNonNull(metadata, "metadata");
        Objects.requireNonNull(zones, "zones");
    }

    /** Without zones. */
    public NvmeNamespace(
            int nsid,
            long blockCount,
            int blockBytes,
            MetadataFormat metadata,
            int optimalBoundaryBlocks,
            String nguid) {
        this(nsid, blockCount, blockBytes, metadata, optimalBoundaryBlocks, nguid, Optional.empty());
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
