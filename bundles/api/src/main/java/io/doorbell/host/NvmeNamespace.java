package io.doorbell.host;

/**
 * An active namespace as its controller describes it.
 *
 * @param blockCount NSZE, logical blocks
 * @param blockBytes logical block size
 * @param optimalBoundaryBlocks NOIOB, 0 where there is none: I/O that crosses it is split
 */
public record NvmeNamespace(
        int nsid, long blockCount, int blockBytes, int metadataBytes, int optimalBoundaryBlocks, String nguid) {

    public long byteSize() {
        return blockCount * blockBytes;
    }
}
