package io.doorbell.perf;

import static io.doorbell.perf.Reports.emulated;
import static io.doorbell.perf.Reports.latency;
import static io.doorbell.perf.Reports.options;
import static io.doorbell.perf.Reports.report;
import static io.doorbell.perf.Reports.worker;
import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.lease.RevocationReason;
import io.doorbell.nvme.Status;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.Resources;

/**
 * The golden texts are made by hand from the format strings of SPDK's perf.c. "Latency(us)" ends at the width of the names
 * and 60: 90 with a longest name of 30.
 */
class ReportTableTest {
    private static final Latency READS = latency(10_000, 10_000, 20_000, 40_000);
    private static final Latency WRITES = latency(100_000);

    @Test
    void printsSpdksTable() {
        var text = print(report(
                options(""),
                worker(emulated("nvme0", 1), 0, READS, WRITES),
                worker(emulated("longer-name", 12), 1, latency(30_000), Latency.NONE)));

        assertThat(text).startsWith("""
                ========================================================
                                                                                               Latency(us)
                Device Information                         :       IOPS      MiB/s    Average        min        max
                EMULATED (nvme0) NSID 1        from core  0:       2.50       0.01      36.00      10.00     100.00
                EMULATED (longer-name) NSID 12 from core  1:       0.50       0.00      30.00      30.00      30.00
                ========================================================
                Total                                      :       3.00       0.01      35.00      10.00     100.00

                """);
    }

    @Test
    void looksAsTheRowInSpdksIssue3456() {
        // "PCIE (0000:00:10.0) NSID 1 from core  0:   24558.56      95.93    1303.14     337.70    8052.45"
        var target = new Target(
                io.doorbell.nvme.TransportId.pcie("0000:00:10.0"),
                new io.doorbell.host.NvmeNamespace(1, 1 << 20, 512, 0, 0, ""),
                4096,
                64);

        var text = print(report(options(""), worker(target, 0, latency(1_303_140), Latency.NONE)));

        assertThat(text)
                .contains("PCIE (0000:00:10.0) NSID 1 from core  0:"
                        + "       0.50       0.00    1303.14    1303.14    1303.14\n");
    }

    @Test
    void leavesOutWorkersThatDidNothing() {
        var text = print(report(
                options(""),
                worker(emulated("nvme0", 1), 0, READS, WRITES),
                worker(emulated("nvme1", 1), 1, Latency.NONE, Latency.NONE)));

        assertThat(text).contains("EMULATED (nvme0)").doesNotContain("EMULATED (nvme1)");
    }

    @Test
    void printsOnlyTheHeadWhenNothingWasDone() {
        var text = print(report(options(""), worker(emulated("nvme0", 1), 0, Latency.NONE, Latency.NONE)));

        assertThat(text).isEqualTo("""
                ========================================================
                                                                                        Latency(us)
                Device Information                  :       IOPS      MiB/s    Average        min        max
                """);
    }

    @Test
    void printsSpdksSummary() {
        var nanos = new long[100];
        for (var i = 0; i < nanos.length; i++) {
            nanos[i] = i + 1;
        }

        var text = print(report(options("-L"), worker(emulated("nvme0", 1), 3, latency(nanos), Latency.NONE)));

        assertThat(text).contains("""
                Summary latency data for EMULATED (nvme0) NSID 1                     from core 3:
                =================================================================================
                  1.00000% :     0.002us
                 10.00000% :     0.011us
                 25.00000% :     0.026us
                 50.00000% :     0.051us
                 75.00000% :     0.076us
                 90.00000% :     0.091us
                 95.00000% :     0.096us
                 98.00000% :     0.099us
                 99.00000% :     0.100us
                 99.50000% :     0.101us
                 99.90000% :     0.101us
                 99.99000% :     0.101us
                 99.99900% :     0.101us
                 99.99990% :     0.101us
                 99.99999% :     0.101us

                """).doesNotContain("Latency histogram");
    }

    @Test
    void printsSpdksHistogram() {
        var text = print(
                report(options("-LL"), worker(emulated("nvme0", 1), 0, latency(100, 100, 100), latency(200_000))));

        assertThat(text).contains("""
                Latency histogram for EMULATED (nvme0) NSID 1                     from core 0:
                ==============================================================================
                       Range in us     Cumulative    IO count
                    0.100 -     0.101:   75.0000%  (        3)
                  199.680 -   200.704:  100.0000%  (        1)

                """);
    }

    @Test
    void splitsReadsAndWrites() {
        var text = print(report(options(""), worker(emulated("nvme0", 1), 0, READS, WRITES)));

        assertThat(text).endsWith("""
                All us           IOPS      MiB/s    Average        p50        p90        p99      p99.9        max
                Reads            2.00       0.01      20.00      10.05      40.00      40.00      40.00      40.00
                Writes           0.50       0.00     100.00     100.00     100.00     100.00     100.00     100.00
                Total            2.50       0.01      36.00      20.10     100.00     100.00     100.00     100.00
                """);
    }

    @Test
    void listsFailuresByNameAndDoesNotCountThem() {
        var text = print(report(
                options(""),
                worker(emulated("nvme0", 1), 0, READS, WRITES, Map.of(Status.LBA_OUT_OF_RANGE, 7L)),
                worker(
                        emulated("nvme1", 1),
                        1,
                        READS,
                        WRITES,
                        Map.of(Status.LBA_OUT_OF_RANGE, 1L, Status.WRITE_FAULT, 2L))));

        assertThat(text)
                .contains("Failed: 8 x LBA Out of Range (sct 0, sc 80h)\n")
                .contains("Failed: 2 x Write Fault (sct 2, sc 80h)\n")
                .contains("Total                               :       5.00");
    }

    @Test
    void tellsWhatWasInterruptedAndWhy() {
        var worker =
                new WorkerResult(emulated("nvme0", 1), 0, 4096, 2.0, READS, WRITES, Map.of(), 31, 0, Verification.NONE);
        var resumption = new Resumption("queue pair 1 of 1", RevocationReason.CONTROLLER_GONE, 0.4212);

        var text = print(new PerfReport(options(""), List.of(worker), List.of(resumption), List.of()));

        assertThat(text).endsWith("""
                Interrupted: 31 I/Os, issued again
                  queue pair 1 of 1: lease taken back (CONTROLLER_GONE), a new one after 0.421 s
                """);
    }

    @Test
    void tellsHowManyResumptionsThereWereWhenNotAllAreTold() {
        var resumption = new Resumption("queue pair 1 of 1", RevocationReason.OPERATOR, 0.1);

        var text = print(new PerfReport(options(""), List.of(), 2001, List.of(resumption), List.of()));

        assertThat(text).endsWith("""
                  leases were taken back 2001 times; the last 1:
                  queue pair 1 of 1: lease taken back (OPERATOR), a new one after 0.100 s
                """);
    }

    @Test
    void tellsWhatWasVerifiedAndWhatTheOpenLoopLeftBehind() {
        var worker = new WorkerResult(
                emulated("nvme0", 1),
                0,
                4096,
                2.0,
                READS,
                WRITES,
                Map.of(),
                0,
                12,
                new Verification(100, 5, 1, List.of("LBA 7")));

        var text = print(report(options("--verify --rate 100"), worker));

        assertThat(text).endsWith("""
                Verified: 100 reads checked, 1 mismatches, 5 of unknown content
                Behind: 12 I/Os were due and could not begin, as -q 32 were outstanding
                """);
    }

    @Test
    @ResourceLock(Resources.LOCALE)
    void writesNumbersTheSameWayEverywhere() {
        var before = Locale.getDefault();
        try {
            Locale.setDefault(Locale.GERMANY);
            var text = print(report(options(""), worker(emulated("nvme0", 1), 0, READS, WRITES)));

            assertThat(text).contains("36.00").doesNotContain(",");
        } finally {
            Locale.setDefault(before);
        }
    }

    @Test
    void theLiveLineIsSpdks() {
        assertThat(LiveLine.text(false, 1_234_567.4, 4096)).isEqualTo("  1234567 IOPS,  4822.53 MiB/s");
        assertThat(LiveLine.text(true, 10, 4096)).isEqualTo("[warmup]        10 IOPS,     0.04 MiB/s");
    }

    private static String print(PerfReport report) {
        var text = new StringWriter();
        new ReportTable(new PrintWriter(text)).print(report);
        return text.toString();
    }
}
