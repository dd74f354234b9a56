package io.doorbell.tcp;

import java.util.Random;

/** Randomness that a failed run can be repeated with: {@code -Ddoorbell.seed=N}. */
public final class Seed {
    private Seed() {}

    public static long of(String test) {
        long seed = Long.getLong("doorbell.seed", System.nanoTime());
        System.out.println(test + ": -Ddoorbell.seed=" + seed);
        return seed;
    }

    public static Random random(String test) {
        return new Random(of(test));
    }
}
