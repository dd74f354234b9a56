package io.doorbell.perf;

/**
 * What a worker covers of a namespace, in I/Os.
 *
 * @param firstIo the first, counted from the beginning of the namespace
 * @param ioCount at least 1
 */
record IoRegion(long firstIo, long ioCount) {

    /** One of {@code parts} regions of about one size that together are the whole, and do not overlap. */
    static IoRegion part(long ioCount, int part, int parts) {
        // In two steps: the product may pass 63 bits.
        var first = boundary(ioCount, part, parts);
        return new IoRegion(first, boundary(ioCount, part + 1, parts) - first);
    }

    private static long boundary(long ioCount, int part, int parts) {
        return ioCount / parts * part + ioCount % parts * part / parts;
    }
}
