package io.doorbell.nvme;

import java.util.SplittableRandom;

/** Randomness of a test that can be had again: the seed is printed, and -Ddoorbell.seed takes it back. */
final class Seed {
    private Seed() {}

    static SplittableRandom random() {
        long seed = Long.getLong("doorbell.seed", System.nanoTime());
        System.out.println("seed " + seed + ", repeat with -Ddoorbell.seed=" + seed);
        return new SplittableRandom(seed);
    }
}
