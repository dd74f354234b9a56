package io.doorbell.emulator;

import java.util.SplittableRandom;

/** The seed of a random test: printed, and taken back by {@code -Ddoorbell.seed=N}. */
final class Seed {
    private Seed() {}

    static SplittableRandom random(String test) {
        long seed = Long.getLong("doorbell.seed", System.nanoTime());
        System.out.println(test + ": -Ddoorbell.seed=" + seed);
        return new SplittableRandom(seed);
    }
}
