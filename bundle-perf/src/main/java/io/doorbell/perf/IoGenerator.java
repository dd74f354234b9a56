package io.doorbell.perf;

/**
 * Decides what the next I/O is: read or write, and where. Owner: the reactor's thread. One class for all patterns, so
 * that the calls on the I/O path have one target; a pattern is a branch that always goes the same way.
 */
final class IoGenerator {
    private static final int SEQUENTIAL = 0;
    private static final int UNIFORM = 1;
    private static final int ZIPF = 2;

    private final Xorshift random;
    private final int order;
    private final IoRegion region;
    private final long ioCount;
    private final boolean mixed;
    private final boolean onlyWrites;
    private final long readThreshold;
    private final ZipfSampler zipf;
    private long cursor;

    // For I/Os that may not meet: slot s takes the I/Os whose number is s modulo the number of slots.
    private final int slots;
    private final ZipfSampler zipfOfSlot;
    private final long[] slotCursors;

    /** @param slots 0, or the number of slots whose I/Os are to be kept apart: then the region has at least as many I/Os */
    IoGenerator(PerfOptions options, IoRegion region, int slots, int stream) {
        this.random = new Xorshift(options.seed(), stream);
        this.region = region;
        this.ioCount = region.ioCount();
        this.order = !options.pattern().random() ? SEQUENTIAL : options.zipfTheta() == 0 ? UNIFORM : ZIPF;
        this.mixed = options.readPercent() > 0 && options.readPercent() < 100;
        this.onlyWrites = options.readPercent() == 0;
        this.readThreshold = ((long) options.readPercent() << 32) / 100;
        this.zipf = order == ZIPF ? new ZipfSampler(ioCount, options.zipfTheta()) : null;
        this.slots = slots;
        this.slotCursors = new long[slots];
        this.zipfOfSlot = order == ZIPF && slots > 0 ? new ZipfSampler(ioCount / slots, options.zipfTheta()) : null;
    }

    IoRegion region() {
        return region;
    }

    boolean nextIsWrite() {
        return mixed ? random.next() >>> 32 >= readThreshold : onlyWrites;
    }

    /** Number of the next I/O in the region, 0 and up. */
    long next() {
        switch (order) {
            case UNIFORM:
                return random.below(ioCount);
            case ZIPF:
                return zipf.next(random);
            default:
                var io = cursor;
                cursor = io + 1 == ioCount ? 0 : io + 1;
                return io;
        }
    }

    /** As {@link #next()}, among the I/Os of this slot alone. */
    long next(int slot) {
        var share = ioCount / slots + (slot < ioCount % slots ? 1 : 0);
        switch (order) {
            case UNIFORM:
                return random.below(share) * slots + slot;
            case ZIPF:
                // One sampler for all: the least likely I/O of some slots is left out.
                return zipfOfSlot.next(random) * slots + slot;
            default:
                var nth = slotCursors[slot];
                slotCursors[slot] = nth + 1 == share ? 0 : nth + 1;
                return nth * slots + slot;
        }
    }
}
