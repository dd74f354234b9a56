package io.doorbell.management;

import io.doorbell.statistics.LatencySnapshot;

/**
 * Latencies of commands, microseconds. Some commands are timed, and {@code samples} says how many; percentiles are right to 6 %.
 */
public record Latency(
        long samples,
        double meanMicros,
        double p50Micros,
        double p90Micros,
        double p99Micros,
        double p999Micros,
        double maxMicros) {

    static Latency of(LatencySnapshot snapshot) {
        return new Latency(
                snapshot.samples(),
                snapshot.meanNanos() / 1000,
                snapshot.percentileNanos(50) / 1000,
                snapshot.percentileNanos(90) / 1000,
                snapshot.percentileNanos(99) / 1000,
                snapshot.percentileNanos(99.9) / 1000,
                snapshot.maxNanos() / 1000.0);
    }
}
