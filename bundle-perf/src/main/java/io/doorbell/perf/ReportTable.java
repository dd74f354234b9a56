package io.doorbell.perf;

import io.doorbell.nvme.Status;
import io.doorbell.perf.PerfReport.Share;
import java.io.PrintWriter;
import java.util.Locale;

/** Prints a report: first the tables of SPDK's perf, character by character, then what SPDK does not say. */
final class ReportTable {
    private static final String LINE = "=".repeat(56);
    private static final String SUMMARY_LINE = "=".repeat(81);
    private static final String HISTOGRAM_LINE = "=".repeat(78);

    /** Room of " from core NN" behind a name. */
    private static final int CORE_WIDTH = 13;

    /** Of "Latency(us)", whose end stands above that of the third column. */
    private static final int LATENCY_OFFSET = 60;

    private static final double[] CUTOFFS = {
        1, 10, 25, 50, 75, 90, 95, 98, 99, 99.5, 99.9, 99.99, 99.999, 99.9999, 99.99999
    };

    private final PrintWriter out;

    ReportTable(PrintWriter out) {
        this.out = out;
    }

    void print(PerfReport report) {
        table(report);
        if (report.options().latencyDetail() >= 1) {
            report.workers().stream().filter(each -> each.completed() > 0).forEach(this::summary);
        }
        if (report.options().latencyDetail() >= 2) {
            report.workers().stream().filter(each -> each.completed() > 0).forEach(this::histogram);
        }
        own(report);
        out.flush();
    }

    private void table(PerfReport report) {
        var width = report.workers().stream()
                .mapToInt(each -> each.target().name().length())
                .max()
                .orElse(0);
        println(LINE);
        println("%" + (width + LATENCY_OFFSET) + "s", "Latency(us)");
        println(
                "%-" + (width + CORE_WIDTH) + "s: %10s %10s %10s %10s %10s",
                "Device Information",
                "IOPS",
                "MiB/s",
                "Average",
                "min",
                "max");
        for (var worker : report.workers()) {
            if (worker.completed() > 0) {
                var name = String.format(
                        "%-" + width + "s from core %2d", worker.target().name(), worker.core());
                row(name, Share.all(worker));
            }
        }
        if (report.completed() > 0) {
            println(LINE);
            row(String.format("%-" + (width + CORE_WIDTH) + "s", "Total"), report.all());
            println("");
        }
    }

    private void row(String name, Share share) {
        println(
                "%s: %10.2f %10.2f %10.2f %10.2f %10.2f",
                name,
                share.iops(),
                share.mebibytesPerSecond(),
                share.latency().average(),
                share.latency().min(),
                share.latency().max());
    }

    private void summary(WorkerResult worker) {
        println(
                "Summary latency data for %-43.43s from core %d:",
                worker.target().name(), worker.core());
        println(SUMMARY_LINE);
        var next = 0;
        for (var bucket : worker.latency().buckets()) {
            while (next < CUTOFFS.length && bucket.cumulative() * 100 >= CUTOFFS[next]) {
                println("%9.5f%% : %9.3fus", CUTOFFS[next], bucket.end());
                next++;
            }
        }
        println("");
    }

    private void histogram(WorkerResult worker) {
        println("Latency histogram for %-43.43s from core %d:", worker.target().name(), worker.core());
        println(HISTOGRAM_LINE);
        println("       Range in us     Cumulative    IO count");
        for (var bucket : worker.latency().buckets()) {
            println(
                    "%9.3f - %9.3f: %9.4f%%  (%9d)",
                    bucket.start(), bucket.end(), bucket.cumulative() * 100, bucket.count());
        }
        println("");
    }

    private void own(PerfReport report) {
        if (report.completed() > 0) {
            println(
                    "%-8s %12s %10s %10s %10s %10s %10s %10s %10s",
                    "All us", "IOPS", "MiB/s", "Average", "p50", "p90", "p99", "p99.9", "max");
            share("Reads", report.reads());
            share("Writes", report.writes());
            share("Total", report.all());
        }
        report.failures().forEach((code, count) -> println("Failed: %d x %s", count, new Status(code)));
        var verification = report.verification();
        if (report.options().verify()) {
            println(
                    "Verified: %d reads checked, %d mismatches, %d of unknown content",
                    verification.checked(), verification.mismatches(), verification.unchecked());
        }
        if (report.interrupted() > 0 || !report.resumptions().isEmpty()) {
            println("Interrupted: %d I/Os, issued again", report.interrupted());
            if (report.resumptionCount() > report.resumptions().size()) {
                println(
                        "  leases were taken back %d times; the last %d:",
                        report.resumptionCount(), report.resumptions().size());
            }
            report.resumptions().forEach(each -> println("  %s", each.sentence()));
        }
        if (report.neverBegun() > 0) {
            println(
                    "Behind: %d I/Os were due and could not begin, as -q %d were outstanding",
                    report.neverBegun(), report.options().ioDepth());
        }
    }

    private void share(String name, Share share) {
        var latency = share.latency();
        if (latency.count() > 0) {
            println(
                    "%-8s %12.2f %10.2f %10.2f %10.2f %10.2f %10.2f %10.2f %10.2f",
                    name,
                    share.iops(),
                    share.mebibytesPerSecond(),
                    latency.average(),
                    latency.percentile(50),
                    latency.percentile(90),
                    latency.percentile(99),
                    latency.percentile(99.9),
                    latency.max());
        }
    }

    private void println(String format, Object... arguments) {
        out.print(String.format(Locale.ROOT, format, arguments));
        out.print('\n');
    }
}
