package io.doorbell.runtime;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One line of what perf measured, as its {@code --json} file has it:
 *
 * <pre>{@code
 * {"results": [{"device": "nvme0n1", "transport": "EMULATED", "iops": 1.0e6, "mibps": 3906.2,
 *               "latency_us": {"avg": 30.1, "p50": 29.0, "p99": 61.0, "max": 803.0}, "failed": 0}],
 *  "failed": 0}
 * }</pre>
 *
 * Fields that are not named here are perf's own affair.
 */
record PerfResult(
        String transport,
        String device,
        double iops,
        double mibps,
        double avgMicros,
        double p50Micros,
        double p99Micros,
        double maxMicros,
        long failed) {

    /** @throws IllegalArgumentException where the text is not of that form */
    static List<PerfResult> read(String text) {
        try {
            if (JSON.std.mapFrom(text).get("results") instanceof List<?> results) {
                return results.stream().map(PerfResult::of).toList();
            }
        } catch (IOException notJson) {
            throw new IllegalArgumentException("perf wrote no JSON: " + notJson.getMessage(), notJson);
        }
        throw new IllegalArgumentException("perf wrote no results: " + text);
    }

    private static PerfResult of(Object result) {
        if (result instanceof Map<?, ?> fields && fields.get("latency_us") instanceof Map<?, ?> latency) {
            return new PerfResult(
                    (String) fields.get("transport"),
                    (String) fields.get("device"),
                    number(fields, "iops"),
                    number(fields, "mibps"),
                    number(latency, "avg"),
                    number(latency, "p50"),
                    number(latency, "p99"),
                    number(latency, "max"),
                    (long) number(fields, "failed"));
        }
        throw new IllegalArgumentException("perf wrote a result without latency_us: " + result);
    }

    private static double number(Map<?, ?> fields, String name) {
        if (fields.get(name) instanceof Number number) {
            return number.doubleValue();
        }
        throw new IllegalArgumentException("perf wrote a result without " + name + ": " + fields);
    }

    /** The same form again. */
    static String write(List<PerfResult> results) {
        var json = new LinkedHashMap<String, Object>();
        json.put("results", results.stream().map(PerfResult::fields).toList());
        json.put("failed", results.stream().mapToLong(PerfResult::failed).sum());
        try {
            return JSON.std.with(JSON.Feature.PRETTY_PRINT_OUTPUT).asString(json) + "\n";
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible); // It writes to memory.
        }
    }

    private Map<String, Object> fields() {
        var latency = new LinkedHashMap<String, Object>();
        latency.put("avg", avgMicros);
        latency.put("p50", p50Micros);
        latency.put("p99", p99Micros);
        latency.put("max", maxMicros);
        var fields = new LinkedHashMap<String, Object>();
        fields.put("device", device);
        fields.put("transport", transport);
        fields.put("iops", iops);
        fields.put("mibps", mibps);
        fields.put("latency_us", latency);
        fields.put("failed", failed);
        return fields;
    }
}
