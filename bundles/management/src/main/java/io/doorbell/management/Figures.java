package io.doorbell.management;

import io.doorbell.statistics.LatencySnapshot;
import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/** Figures on their way to Prometheus. Labels are names and values in turn. One thread. */
final class Figures {
    /** Of one name. Each row is a series that Prometheus keeps, so a node with ever more hosts is not to fill it. */
    static final int MAX_ROWS = 2048;

    /** Latencies are told in powers of two of nanoseconds, from 1 µs to 17 s: what is counted has edges there. */
    private static final int FIRST_POWER = 10;

    private static final int LAST_POWER = 34;

    private final Map<String, CounterSnapshot.Builder> counters = new LinkedHashMap<>();
    private final Map<String, GaugeSnapshot.Builder> gauges = new LinkedHashMap<>();
    private final Map<String, HistogramSnapshot.Builder> histograms = new LinkedHashMap<>();
    private final Map<String, Integer> rows = new HashMap<>();
    private long dropped;

    private boolean hasRoom(String name) {
        boolean room = rows.merge(name, 1, Integer::sum) <= MAX_ROWS;
        dropped += room ? 0 : 1;
        return room;
    }

    void counter(String name, String help, double value, String... labels) {
        if (hasRoom(name)) {
            counters.computeIfAbsent(
                            name, _ -> CounterSnapshot.builder().name(name).help(help))
                    .dataPoint(CounterDataPointSnapshot.builder()
                            .value(value)
                            .labels(Labels.of(labels))
                            .build());
        }
    }

    void gauge(String name, String help, double value, String... labels) {
        if (hasRoom(name)) {
            gauges.computeIfAbsent(name, _ -> GaugeSnapshot.builder().name(name).help(help))
                    .dataPoint(GaugeDataPointSnapshot.builder()
                            .value(value)
                            .labels(Labels.of(labels))
                            .build());
        }
    }

    void histogram(String name, String help, LatencySnapshot latency, String... labels) {
        if (hasRoom(name)) {
            histograms
                    .computeIfAbsent(
                            name, _ -> HistogramSnapshot.builder().name(name).help(help))
                    .dataPoint(HistogramDataPointSnapshot.builder()
                            .classicHistogramBuckets(buckets(latency))
                            .sum(latency.sumNanos() / 1e9)
                            .labels(Labels.of(labels))
                            .build());
        }
    }

    private static ClassicHistogramBuckets buckets(LatencySnapshot latency) {
        var buckets = ClassicHistogramBuckets.builder();
        long before = 0;
        for (int power = FIRST_POWER; power <= LAST_POWER; power++) {
            long below = latency.countBelowPowerOfTwo(power);
            buckets.bucket((1L << power) / 1e9, below - before);
            before = below;
        }
        return buckets.bucket(Double.POSITIVE_INFINITY, latency.samples() - before)
                .build();
    }

    static String[] with(String[] labels, String name, String value) {
        var more = Arrays.copyOf(labels, labels.length + 2);
        more[labels.length] = name;
        more[labels.length + 1] = value;
        return more;
    }

    MetricSnapshots snapshots() {
        gauge("doorbell_metrics_dropped_rows", "Rows that were left out, since there are too many.", dropped);
        var all = MetricSnapshots.builder();
        counters.values().forEach(each -> all.metricSnapshot(each.build()));
        gauges.values().forEach(each -> all.metricSnapshot(each.build()));
        histograms.values().forEach(each -> all.metricSnapshot(each.build()));
        return all.build();
    }
}
