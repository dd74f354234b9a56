package io.doorbell.bench;

import io.doorbell.perf.Perf;
import io.doorbell.workload.WorkloadRun;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The whole path: perf on one reactor, the emulated controller on another, a null namespace between them. */
final class PerfMeasurement {
    /** What SPDK's perf made against SPDK's vfio-user device, one core each, on a quiet machine of two cores: its best. */
    private static final int[][] PEER_IOPS = {{1, 1_300_000}, {32, 4_900_000}, {128, 7_900_000}};

    /** To pass that pair by half. */
    private static final double FACTOR = 1.5;

    private static final int WARM_UP_SECONDS = 2;

    private PerfMeasurement() {}

    static List<Figure> run(int seconds) throws InterruptedException {
        var figures = new ArrayList<Figure>();
        try (var node = new PlainNode("null:1TiB:4096");
                var perf = new Perf(node.resourceManager("perf"))) {
            for (int[] row : PEER_IOPS) {
                var flags = List.of(
                        "-q",
                        "" + row[0],
                        "-o",
                        "4096",
                        "-w",
                        "randread",
                        "-t",
                        "" + seconds,
                        "-a",
                        "" + WARM_UP_SECONDS);
                var run = perf.start(flags);
                if (!run.await(Duration.ofSeconds(60L + seconds)) || run.state() != WorkloadRun.State.SUCCEEDED) {
                    throw new IllegalStateException("perf " + flags + ": " + run.state() + " "
                            + run.progress().message());
                }
                var progress = run.progress();
                var name = "4 KiB random read, depth " + row[0];
                figures.add(Figure.of("perf", name, progress.iops(), "IOPS").atLeast(FACTOR * row[1]));
                figures.add(Figure.of("perf", name + ", median latency", progress.latencyMicrosP50(), "us"));
            }
        }
        return figures;
    }
}
