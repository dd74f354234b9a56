package io.doorbell.runtime;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

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
        if (Json.parse(text) instanceof Map<?, ?> top && top.get("results") instanceof List<?> results) {
            return results.stream().map(PerfResult::of).toList();
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
        if (fields.get(name) instanceof Double number) {
            return number;
        }
        throw new IllegalArgumentException("perf wrote a result without " + name + ": " + fields);
    }

    /** The same form again. */
    static String write(List<PerfResult> results) {
        return results.stream()
                .map(PerfResult::toJson)
                .collect(Collectors.joining(
                        ",\n  ",
                        "{\"results\": [\n  ",
                        "],\n \"failed\": "
                                + results.stream().mapToLong(PerfResult::failed).sum() + "}\n"));
    }

    private String toJson() {
        return "{\"device\": " + Json.quote(device) + ", \"transport\": " + Json.quote(transport) + ", \"iops\": "
                + iops + ", \"mibps\": " + mibps + ", \"latency_us\": {\"avg\": " + avgMicros + ", \"p50\": "
                + p50Micros + ", \"p99\": " + p99Micros + ", \"max\": " + maxMicros + "}, \"failed\": " + failed + "}";
    }
}
