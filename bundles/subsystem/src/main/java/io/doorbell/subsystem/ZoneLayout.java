package io.doorbell.subsystem;

/**
 * The zones of a namespace.
 *
 * @param zoneShift a zone has two to this power of blocks
 * @param capacity blocks of a zone that can be written
 * @param maxOpen 0 for any number
 * @param maxActive 0 for any number
 */
record ZoneLayout(int zoneShift, long capacity, int zoneCount, int maxOpen, int maxActive) {
    long zoneBlocks() {
        return 1L << zoneShift;
    }

    int zoneOf(long slba) {
        return (int) (slba >>> zoneShift);
    }

    long start(int zone) {
        return (long) zone << zoneShift;
    }

    /** From the beginning of the zone. */
    long offset(long slba) {
        return slba & zoneBlocks() - 1;
    }
}
