package io.doorbell.vfiouser;

import java.util.Random;

/** The seed of a random test: printed, so that a failure can be run again with {@code -Ddoorbell.seed=N}. */
final class Seed {
    private Seed() {}

    static Random random(String test) {
        long seed = Long.getLong("doorbell.seed", System.nanoTime());
        System.out.println(test + ": -Ddoorbell.seed=" + seed);
        return new Random(seed);
    }

    /** How many cases of a fuzz test: some thousands, or {@code -Ddoorbell.fuzz=N}. */
    static int cases(int otherwise) {
        return Integer.getInteger("doorbell.fuzz", otherwise);
    }
}
