package io.doorbell.rdmasoft;

import java.util.Random;

/** Randomness that a failed run can be repeated with: {@code -Ddoorbell.seed=N}. */
final class Seed {
    private Seed() {}

    static Random random(String test) {
        long seed = Long.getLong("doorbell.seed", System.nanoTime());
        System.out.println(test + ": -Ddoorbell.seed=" + seed);
        return new Random(seed);
    }
}
