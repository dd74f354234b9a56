package io.doorbell.bench;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * Our perf and SPDK's, in turn, against the same vfio-user device in a process of its own: CPU 0 has the host, CPU 1 the device. Each round is a
 * pair, one directly after the other, and who is first alternates; so what else the machine does meets both, and the median of the rounds' ratios
 * says more than either figure.
 */
final class DriverMeasurement {
    private static final int[] DEPTHS = {1, 32, 128};
    private static final List<String> PATTERNS = List.of("randread", "randwrite");
    private static final int WARM_UP_SECONDS = 2;
    private static final Duration UP_BOUND = Duration.ofSeconds(60);

    /** What is aimed at. */
    private static final double RATIO = 1.0;

    private final int rounds;
    private final int seconds;
    private final PrintStream out;

    private DriverMeasurement(int rounds, int seconds, PrintStream out) {
        this.rounds = rounds;
        this.seconds = seconds;
        this.out = out;
    }

    /**
     * @param directory of its socket
     * @param nqn its subsystem
     */
    record Device(String name, Path directory, String nqn) {}

    /** Prints a row as soon as it is there, and returns the figures of all. */
    static List<Figure> run(int rounds, int seconds, PrintStream out) throws IOException, InterruptedException {
        var measurement = new DriverMeasurement(rounds, seconds, out);
        var work = Files.createTempDirectory("doorbell-bench-");
        try {
            return measurement.run(work.toRealPath());
        } finally {
            try (var files = Files.walk(work)) {
                files.sorted(Comparator.reverseOrder())
                        .forEach(file -> file.toFile().delete());
            }
        }
    }

    private List<Figure> run(Path work) throws IOException, InterruptedException {
        var peer = SpdkPrograms.forDevices(out);
        var figures = new ArrayList<Figure>();
        out.printf(
                "%-16s %-10s %5s %14s %14s  %s%n", "device", "4 KiB", "depth", "doorbell IOPS", "SPDK IOPS", "ratio");
        var ours = new Device("doorbell device", work.resolve("ours"), "nqn.2026-11.io.doorbell:device");
        try (var device = Programs.start(
                work,
                List.of(
                        Programs.doorbell().toString(),
                        "device",
                        "--socket",
                        ours.directory().toString(),
                        "--namespace",
                        "null:1TiB:4096"))) {
            device.awaitOutput("is there", UP_BOUND);
            measure(figures, work, ours, peer);
        }
        if (peer != null) {
            var theirs = new Device("nvmf_tgt", work.resolve("theirs"), "nqn.2019-07.io.spdk:cnode0");
            try (var _ = peer.device(work, theirs)) {
                measure(figures, work, theirs, peer);
            }
        }
        return figures;
    }

    private void measure(List<Figure> figures, Path work, Device device, SpdkPrograms peer)
            throws IOException, InterruptedException {
        for (var pattern : PATTERNS) {
            for (int depth : DEPTHS) {
                row(figures, work, device, peer, new Load(pattern, 4096, depth, 1, WARM_UP_SECONDS, seconds));
            }
        }
    }

    private void row(List<Figure> figures, Path work, Device device, SpdkPrograms peer, Load load)
            throws IOException, InterruptedException {
        double[] ours = new double[rounds];
        double[] theirs = new double[rounds];
        double[] ratios = new double[rounds];
        for (int round = 0; round < rounds; round++) {
            boolean first = round % 2 == 0;
            if (first) {
                ours[round] = perf(work, load, device);
            }
            if (peer != null) {
                // Without a name it takes the device for a discovery controller.
                theirs[round] = peer.perf(work, load, transportId(device) + " subnqn:" + device.nqn());
            }
            if (!first) {
                ours[round] = perf(work, load, device);
            }
            ratios[round] = ours[round] / theirs[round];
        }
        var name = device.name() + ", 4 KiB " + load.pattern() + ", depth " + load.depth();
        figures.add(Figure.of("driver", name + ", doorbell", median(ours), "IOPS"));
        out.printf("%-16s %-10s %5d %,14.0f ", device.name(), load.pattern(), load.depth(), median(ours));
        if (peer == null) {
            out.printf("%14s%n", "-");
            return;
        }
        double ratio = median(ratios);
        figures.add(Figure.of("driver", name + ", SPDK", median(theirs), "IOPS"));
        figures.add(Figure.of("driver", name + ", ratio", ratio, "").atLeast(RATIO));
        Arrays.sort(ratios);
        out.printf(
                "%,14.0f  %.2f (%.2f to %.2f)%s%n",
                median(theirs), ratio, ratios[0], ratios[rounds - 1], ratio < RATIO ? "  below " + RATIO : "");
        out.flush();
    }

    private static String transportId(Device device) {
        return "trtype:VFIOUSER traddr:" + device.directory();
    }

    /** Returns IOPS. */
    private static double perf(Path work, Load load, Device device) throws IOException, InterruptedException {
        var result = work.resolve("perf.json");
        Programs.run(
                work,
                load.bound(),
                List.of(
                        Programs.doorbell().toString(),
                        "perf",
                        "-c",
                        "0x1",
                        "-q",
                        "" + load.depth(),
                        "-o",
                        "4096",
                        "-w",
                        load.pattern(),
                        "-a",
                        "" + load.warmUpSeconds(),
                        "-t",
                        "" + load.seconds(),
                        "--json",
                        result.toString(),
                        "-r",
                        transportId(device)));
        var total = (Map<?, ?>) JSON.std.mapFrom(result.toFile()).get("total");
        return ((Number) total.get("iops")).doubleValue();
    }

    static double median(double[] values) {
        var sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}
