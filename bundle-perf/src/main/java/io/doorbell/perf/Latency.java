package io.doorbell.perf;

import java.util.ArrayList;
import java.util.List;
import org.HdrHistogram.Histogram;

/** Latencies of a number of I/Os. Immutable: the histogram is not touched any more. Values are microseconds. */
final class Latency {
    static final Latency NONE = new Latency(LatencyRecorder.newHistogram(), 0, Long.MAX_VALUE, 0);

    private static final double NANOS_PER_MICRO = 1000;

    private final Histogram histogram;
    private final long sumNanos;
    private final long minNanos;
    private final long maxNanos;

    Latency(Histogram histogram, long sumNanos, long minNanos, long maxNanos) {
        this.histogram = histogram;
        this.sumNanos = sumNanos;
        this.minNanos = minNanos;
        this.maxNanos = maxNanos;
    }

    Latency plus(Latency other) {
        var sum = histogram.copy();
        sum.add(other.histogram);
        return new Latency(
                sum, sumNanos + other.sumNanos, Math.min(minNanos, other.minNanos), Math.max(maxNanos, other.maxNanos));
    }

    long count() {
        return histogram.getTotalCount();
    }

    /** Exact, as are the least and the longest; 0 where there is none. */
    double average() {
        return count() == 0 ? 0 : sumNanos / NANOS_PER_MICRO / count();
    }

    double min() {
        return count() == 0 ? 0 : minNanos / NANOS_PER_MICRO;
    }

    double max() {
        return maxNanos / NANOS_PER_MICRO;
    }

    /** The end of the bucket that holds it, but never above the longest. */
    double percentile(double percent) {
        return count() == 0 ? 0 : Math.min(histogram.getValueAtPercentile(percent), maxNanos) / NANOS_PER_MICRO;
    }

    /** The non-empty buckets, by latency. */
    List<Bucket> buckets() {
        var buckets = new ArrayList<Bucket>();
        var soFar = 0L;
        for (var value : histogram.recordedValues()) {
            soFar += value.getCountAtValueIteratedTo();
            buckets.add(new Bucket(
                    histogram.lowestEquivalentValue(value.getValueIteratedTo()) / NANOS_PER_MICRO,
                    histogram.nextNonEquivalentValue(value.getValueIteratedTo()) / NANOS_PER_MICRO,
                    value.getCountAtValueIteratedTo(),
                    (double) soFar / count()));
        }
        return buckets;
    }

    /**
     * @param start where it begins
     * @param end where the next begins
     * @param cumulative the part of all I/Os that is in it or before it, 0 to 1
     */
    record Bucket(double start, double end, long count, double cumulative) {}
}
