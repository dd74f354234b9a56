package io.doorbell.runtime;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

/** The demo's one table, a line per device. */
final class ResultTable {
    // # is for the width of the longest device.
    private static final String HEAD = "%-10s %-#s %12s %10s %9s %9s %9s %9s %7s%n";
    private static final String LINE = "%-10s %-#s %,12.0f %,10.1f %9.1f %9.1f %9.1f %9.1f %7d%n";

    private ResultTable() {}

    static void print(List<PerfResult> results, PrintWriter out) {
        int width =
                results.stream().mapToInt(result -> result.device().length()).reduce("device".length(), Math::max);
        var head = HEAD.replace("#", Integer.toString(width));
        var line = LINE.replace("#", Integer.toString(width));
        out.printf(head, "", "", "", "", "avg", "p50", "p99", "max", "");
        out.printf(head, "transport", "device", "IOPS", "MiB/s", "us", "us", "us", "us", "failed");
        for (var result : results) {
            out.printf(
                    Locale.ROOT,
                    line,
                    result.transport(),
                    result.device(),
                    result.iops(),
                    result.mibps(),
                    result.avgMicros(),
                    result.p50Micros(),
                    result.p99Micros(),
                    result.maxMicros(),
                    result.failed());
        }
        out.flush();
    }
}
