package io.doorbell.resources.reactor;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * How reactors behave when there is nothing to do, and where they may run.
 *
 * @param pin whether a reactor is bound to one CPU, where Linux permits it
 * @param spinCycles idle cycles before a reactor begins to yield its CPU: some 10 ns to 50 ns each
 * @param yieldCycles idle cycles, each with a yield, before it asks its pollers whether it may sleep; about 0.5 µs each
 * @param cpus by name of a reactor, the CPU that it is bound to, whatever else says where it goes
 */
public record ReactorOptions(boolean pin, int spinCycles, int yieldCycles, Map<String, Integer> cpus) {
    /** Some 50 µs of spinning: longer than a device that answers from memory takes, shorter than waking a thread twice. */
    public static final int DEFAULT_SPIN_CYCLES = 2_000;

    public static final int DEFAULT_YIELD_CYCLES = 200;

    /** Of each: a reactor that never sleeps should be asked for by a poller, not by a huge number. */
    public static final int MAX_CYCLES = 100_000_000;

    public static final ReactorOptions DEFAULT = new ReactorOptions(true, DEFAULT_SPIN_CYCLES, DEFAULT_YIELD_CYCLES);

    /** Reactors that may be named: far more than there are CPUs. */
    public static final int MAX_CPUS = 1024;

    public ReactorOptions {
        cpus = Map.copyOf(cpus);
        check("spin cycles", spinCycles, 0);
        check("yield cycles", yieldCycles, 1);
    }

    public ReactorOptions(boolean pin, int spinCycles, int yieldCycles) {
        this(pin, spinCycles, yieldCycles, Map.of());
    }

    /**
     * Reads {@code NAME: CPU} of each.
     *
     * @throws IllegalArgumentException which of them is wrong, and why
     */
    public static Map<String, Integer> parseCpus(List<String> lines) {
        var cpus = new TreeMap<String, Integer>();
        for (var line : lines) {
            int colon = line.lastIndexOf(':');
            var name = line.substring(0, Math.max(0, colon)).strip();
            var cpu = line.substring(colon + 1).strip();
            if (name.isEmpty() || !cpu.matches("[0-9]{1,5}")) {
                throw new IllegalArgumentException("\"" + line + "\": NAME: CPU, such as tcp0-0: 3");
            }
            if (cpus.put(name, Integer.parseInt(cpu)) != null) {
                throw new IllegalArgumentException("\"" + line + "\": " + name + " is named twice");
            }
        }
        if (cpus.size() > MAX_CPUS) {
            throw new IllegalArgumentException(cpus.size() + " reactors: " + MAX_CPUS + " at most");
        }
        return cpus;
    }

    private static void check(String what, int cycles, int least) {
        if (cycles < least || cycles > MAX_CYCLES) {
            throw new IllegalArgumentException(what + " " + cycles + ": " + least + " to " + MAX_CYCLES);
        }
    }
}
