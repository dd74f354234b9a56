package io.doorbell.host;

/**
 * How a zoned namespace is divided.
 *
 * @param zoneBlocks blocks of a zone; how many of them can be written, each zone's descriptor says
 * @param maxOpen zones that may be open at a time, 0 for any number
 * @param maxActive zones that may be open or closed at a time, 0 for any number
 * @param maxAppendBytes the longest Zone Append
 */
public record ZoneGeometry(long zoneBlocks, long maxOpen, long maxActive, int maxAppendBytes) {

    public ZoneGeometry {
        if (zoneBlocks < 1) {
            throw new IllegalArgumentException("zones of " + zoneBlocks + " blocks");
        }
    }

    /** The first block of the zone that a block is in. */
    public long start(long slba) {
        return slba / zoneBlocks * zoneBlocks;
    }
}
