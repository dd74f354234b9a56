package io.doorbell.runtime;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

/** The demo's one table, a line per device. */
final class ResultTable {
    private static final String HEAD = "%-10s %-28s %12s %10s %9s %9s %9s %9s %7s%n";
    private static final String LINE = "%-10s %-28s %,12.0f %,10.1f %9.1f %9.1f %9.1f %9.1f %7d%n";

    private ResultTable() {}

    static void print(List<PerfResult> results, PrintWriter out) {
        out.printf(HEAD, "", "", "", "", "avg", "p50", "p99", "max", "");
        out.printf(HEAD, "transport", "device", "IOPS", "MiB/s", "us", "us", "us", "us", "failed");
        for (var result : results) {
            out.printf(
                    Locale.ROOT,
                    LINE,
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
