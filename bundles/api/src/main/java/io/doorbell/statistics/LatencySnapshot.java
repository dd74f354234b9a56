package io.doorbell.statistics;

import java.util.Arrays;

/** Latencies as counted up to a moment. Immutable. All times are nanoseconds. */
public final class LatencySnapshot {
    public static final LatencySnapshot EMPTY = new LatencySnapshot(new long[LatencyRecorder.BUCKETS], 0, 0);

    private final long[] counts;
    private final long samples;
    private final long sumNanos;
    private final long maxNanos;

    LatencySnapshot(long[] counts, long sumNanos, long maxNanos) {
        this.counts = counts;
        this.samples = Arrays.stream(counts).sum();
        this.sumNanos = sumNanos;
        this.maxNanos = maxNanos;
    }

    /** Commands that were timed. */
    public long samples() {
        return samples;
    }

    public long sumNanos() {
        return sumNanos;
    }

    public long maxNanos() {
        return maxNanos;
    }

    /** 0 where nothing was timed. */
    public double meanNanos() {
        return samples == 0 ? 0 : (double) sumNanos / samples;
    }

    /**
     * What so many of hundred were no slower than, to 6 %; 0 where nothing was timed.
     *
     * @param percentile above 0, up to 100
     */
    public double percentileNanos(double percentile) {
        if (!(percentile > 0 && percentile <= 100)) {
            throw new IllegalArgumentException("percentile " + percentile + ": above 0, up to 100");
        }
        long wanted = Math.max(1, (long) Math.ceil(samples * percentile / 100));
        long seen = 0;
        for (int i = 0; i < counts.length; i++) {
            seen += counts[i];
            if (counts[i] != 0 && seen >= wanted) {
                long begin = i == 0 ? 0 : LatencyRecorder.end(i - 1);
                return Math.min(maxNanos, (begin + LatencyRecorder.end(i)) / 2.0);
            }
        }
        return 0;
    }

    /** How many took less than a power of two of nanoseconds: exact, since no bucket crosses it. */
    public long countBelowPowerOfTwo(int power) {
        long below = 0;
        for (int i = 0; i < counts.length && LatencyRecorder.end(i) <= 1L << power; i++) {
            below += counts[i];
        }
        return below;
    }

    /** What was counted after an earlier snapshot of the same; nothing where it has counted less. The maximum is that of all. */
    public LatencySnapshot since(LatencySnapshot earlier) {
        var difference = counts.clone();
        for (int i = 0; i < difference.length; i++) {
            difference[i] = Math.max(0, difference[i] - earlier.counts[i]);
        }
        return new LatencySnapshot(difference, Math.max(0, sumNanos - earlier.sumNanos), maxNanos);
    }

    /** What both have counted. */
    public LatencySnapshot plus(LatencySnapshot other) {
        var sum = counts.clone();
        for (int i = 0; i < sum.length; i++) {
            sum[i] += other.counts[i];
        }
        return new LatencySnapshot(sum, sumNanos + other.sumNanos, Math.max(maxNanos, other.maxNanos));
    }
}
