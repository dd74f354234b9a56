package io.doorbell.resources.reactor;

/**
 * How reactors behave when there is nothing to do, and where they may run.
 *
 * @param pin whether a reactor is bound to one CPU, where Linux permits it
 * @param spinCycles idle cycles before a reactor begins to yield its CPU: some 10 ns to 50 ns each
 * @param yieldCycles idle cycles, each with a yield, before it asks its pollers whether it may sleep; about 0.5 µs each
 */
public record ReactorOptions(boolean pin, int spinCycles, int yieldCycles) {
    /** Some 50 µs of spinning: longer than a device that answers from memory takes, shorter than waking a thread twice. */
    public static final int DEFAULT_SPIN_CYCLES = 2_000;

    public static final int DEFAULT_YIELD_CYCLES = 200;

    /** Of each: a reactor that never sleeps should be asked for by a poller, not by a huge number. */
    public static final int MAX_CYCLES = 100_000_000;

    public static final ReactorOptions DEFAULT = new ReactorOptions(true, DEFAULT_SPIN_CYCLES, DEFAULT_YIELD_CYCLES);

    public ReactorOptions {
        check("spin cycles", spinCycles, 0);
        check("yield cycles", yieldCycles, 1);
    }

    private static void check(String what, int cycles, int least) {
        if (cycles < least || cycles > MAX_CYCLES) {
            throw new IllegalArgumentException(what + " " + cycles + ": " + least + " to " + MAX_CYCLES);
        }
    }
}
