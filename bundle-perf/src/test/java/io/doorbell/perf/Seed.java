package io.doorbell.perf;

/** The seed of a random test: printed, and taken back by {@code -Ddoorbell.seed=N}. */
final class Seed {
    private Seed() {}

    static long of(String test) {
        var seed = Long.getLong("doorbell.seed", System.nanoTime());
        System.out.println(test + ": -Ddoorbell.seed=" + seed);
        return seed;
    }
}
