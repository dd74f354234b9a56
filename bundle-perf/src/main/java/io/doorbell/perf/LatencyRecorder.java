package io.doorbell.perf;

import org.HdrHistogram.Histogram;

/**
 * Counts latencies. Owner: one thread.
 *
 * <p>The clock is read once per batch, so I/Os that began in one batch and ended in another have the very same latency,
 * one after the other. Such a run is only counted, and goes into the histogram as one when the latency changes.
 */
final class LatencyRecorder {
    /** What takes longer is counted as this. */
    static final long LONGEST_NANOS = 3_600_000_000_000L;

    /** 128 buckets for each power of two, as many as SPDK's perf has: a bucket is at most 0.8 % wide. */
    private static final int SIGNIFICANT_DIGITS = 2;

    private long runNanos;
    private long runCount;

    private final Histogram histogram = newHistogram();
    private long sumNanos;
    private long minNanos = Long.MAX_VALUE;
    private long maxNanos;

    static Histogram newHistogram() {
        return new Histogram(LONGEST_NANOS, SIGNIFICANT_DIGITS);
    }

    void record(long nanos) {
        if (nanos == runNanos) {
            runCount++;
        } else {
            next(nanos);
        }
    }

    /** What was recorded so far; recording may go on. */
    Latency snapshot() {
        flush();
        return new Latency(histogram.copy(), sumNanos, minNanos, maxNanos);
    }

    void clear() {
        runCount = 0;
        histogram.reset();
        sumNanos = 0;
        minNanos = Long.MAX_VALUE;
        maxNanos = 0;
    }

    private void next(long nanos) {
        flush();
        runNanos = nanos;
        runCount = 1;
    }

    private void flush() {
        if (runCount == 0) {
            return;
        }
        var nanos = Math.clamp(runNanos, 0, LONGEST_NANOS);
        histogram.recordValueWithCount(nanos, runCount);
        sumNanos += nanos * runCount;
        minNanos = Math.min(minNanos, nanos);
        maxNanos = Math.max(maxNanos, nanos);
        runCount = 0;
    }
}
