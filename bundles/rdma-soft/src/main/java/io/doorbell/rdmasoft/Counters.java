package io.doorbell.rdmasoft;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** Counts of one thread, which others may read. */
final class Counters {
    private static final Count[] ALL = Count.values();
    private static final VarHandle COUNTS =
            MethodHandles.arrayElementVarHandle(long[].class).withInvokeExactBehavior();

    private final long[] counts = new long[ALL.length];

    /** The owner's thread. */
    void add(Count what) {
        add(what, 1);
    }

    void add(Count what, int many) {
        int index = what.ordinal();
        COUNTS.setOpaque(counts, index, counts[index] + many);
    }

    long get(Count what) {
        return (long) COUNTS.getOpaque(counts, what.ordinal());
    }

    /** The sum of several, by name. */
    static Map<String, Long> sum(Collection<Counters> several) {
        var sums = new LinkedHashMap<String, Long>();
        for (var what : ALL) {
            long sum = 0;
            for (var each : several) {
                sum += each.get(what);
            }
            sums.put(what.name().toLowerCase(Locale.ROOT), sum);
        }
        return sums;
    }
}
