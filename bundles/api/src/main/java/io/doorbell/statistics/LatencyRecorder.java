package io.doorbell.statistics;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Counts latencies in buckets that are an eighth of a power of two wide, so that a percentile is right to 6 %.
 *
 * <p>One writer: whoever owns what is timed. It neither locks nor allocates, and makes no atomic update. {@link #snapshot} may be taken
 * by any thread meanwhile; what is recorded at that moment may be in it in part.
 */
public final class LatencyRecorder {
    /** Who has many commands to time times one in so many, and the first after a while: a look at the clock costs as much as a command. */
    public static final int TIMED_EVERY = 32;

    /** 2^37 ns, over two minutes: every command has ended by then, and what has not counts as this. */
    static final long MAX_NANOS = (1L << 37) - 1;

    static final int BUCKETS = bucket(MAX_NANOS) + 1;

    private static final int STEP_BITS = 3;
    private static final int STEPS = 1 << STEP_BITS;

    private static final VarHandle COUNTS =
            MethodHandles.arrayElementVarHandle(long[].class).withInvokeExactBehavior();
    private static final VarHandle SUM_NANOS = field("sumNanos");
    private static final VarHandle LONGEST_NANOS = field("longestNanos");

    private final long[] counts = new long[BUCKETS];
    private long sumNanos;
    private long longestNanos;

    private static VarHandle field(String name) {
        try {
            return MethodHandles.lookup()
                    .findVarHandle(LatencyRecorder.class, name, long.class)
                    .withInvokeExactBehavior();
        } catch (ReflectiveOperationException impossible) {
            throw new ExceptionInInitializerError(impossible);
        }
    }

    /** The owner only. */
    public void record(long nanos) {
        long latency = Math.clamp(nanos, 0, MAX_NANOS);
        int bucket = bucket(latency);
        COUNTS.setOpaque(counts, bucket, counts[bucket] + 1);
        SUM_NANOS.setOpaque(this, sumNanos + latency);
        if (latency > longestNanos) {
            LONGEST_NANOS.setOpaque(this, latency);
        }
    }

    /** Any thread. */
    public LatencySnapshot snapshot() {
        var copy = new long[BUCKETS];
        for (int i = 0; i < BUCKETS; i++) {
            copy[i] = (long) COUNTS.getOpaque(counts, i);
        }
        return new LatencySnapshot(copy, (long) SUM_NANOS.getOpaque(this), (long) LONGEST_NANOS.getOpaque(this));
    }

    /** The first bits of a number and where they stand; numbers below {@link #STEPS} have a bucket each. */
    static int bucket(long nanos) {
        if (nanos < STEPS) {
            return (int) nanos;
        }
        int power = Long.SIZE - 1 - Long.numberOfLeadingZeros(nanos);
        return (power - STEP_BITS + 1 << STEP_BITS) + (int) (nanos >>> power - STEP_BITS & STEPS - 1);
    }

    /** The least number that is not in the bucket any more. */
    static long end(int bucket) {
        if (bucket < STEPS) {
            return bucket + 1L;
        }
        int power = (bucket >> STEP_BITS) - 1;
        return (long) (STEPS + (bucket & STEPS - 1) + 1) << power;
    }
}
