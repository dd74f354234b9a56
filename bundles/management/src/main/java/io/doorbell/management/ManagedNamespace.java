package io.doorbell.management;

import io.doorbell.host.NvmeNamespace;
import io.doorbell.host.ZoneGeometry;

/**
 * A namespace in types that every JMX client can read: what the contract says of it may grow types of its own.
 *
 * @param metadataBytes of each block, wherever they travel
 * @param zoneBlocks blocks of a zone, 0 for a namespace without zones
 */
public record ManagedNamespace(
        int nsid,
        long blockCount,
        int blockBytes,
        int metadataBytes,
        int optimalBoundaryBlocks,
        String nguid,
        long zoneBlocks) {

    static ManagedNamespace of(NvmeNamespace namespace) {
        return new ManagedNamespace(
                namespace.nsid(),
                namespace.blockCount(),
                namespace.blockBytes(),
                namespace.metadataBytes(),
                namespace.optimalBoundaryBlocks(),
                namespace.nguid(),
                namespace.zones().map(ZoneGeometry::zoneBlocks).orElse(0L));
    }
}
