package io.doorbell.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.regex.Pattern;

/**
 * Our TCP target and SPDK's, in turn, with the same null namespace under the same client: CPU 0 has the client, CPU 1 the target. SPDK's perf is
 * the client, or where that is missing, {@link TcpHost}. Each round is a pair, one directly after the other, and who is first alternates, as in
 * {@link DriverMeasurement}. Whoever is not measured is stopped meanwhile: SPDK's target never sleeps.
 */
final class TcpMeasurement {
    private static final int MOST_CONNECTIONS = 256;
    private static final int WARM_UP_SECONDS = 2;

    /** Before the first figure: the compiler is to be done. */
    private static final int COMPILE_SECONDS = 4;

    private static final int IDLE_CONNECTIONS = 64;
    private static final int IDLE_SECONDS = 5;

    /** What is aimed at. */
    private static final double RATIO = 1.0;

    private static final double IDLE_PERCENT = 1.0;

    /** The tick, ten times a second, allocates, and so does what is compiled late. What a path allocates, it allocates for each command: 16 bytes. */
    private static final double NO_ALLOCATION_BYTES = 1;

    private final int rounds;
    private final int seconds;
    private final PrintStream out;
    private final SpdkPrograms peer;
    private final Path work;
    private final List<Figure> figures = new ArrayList<>();

    private TcpMeasurement(int rounds, int seconds, PrintStream out, Path work) throws IOException {
        this.rounds = rounds;
        this.seconds = seconds;
        this.out = out;
        this.work = work;
        peer = SpdkPrograms.forTcp(out);
    }

    /** Of one target in one round. */
    private record Result(double iops, TcpProcess.Usage usage) {
        double cpuMicros() {
            return usage.cpuSeconds() * 1e6 / usage.seconds() / iops;
        }

        double allocatedBytes() {
            return usage.allocatedBytes() / usage.seconds() / iops;
        }
    }

    private List<Load> loads() {
        return List.of(
                load("randread", 4, 1, 1),
                load("randread", 4, 32, 1),
                load("randread", 4, 128, 1),
                load("randwrite", 4, 128, 1),
                load("randread", 128, 32, 1),
                load("randwrite", 128, 32, 1),
                load("randread", 4, 128, 4),
                load("randread", 4, 128, 16),
                load("randread", 4, 128, 64),
                load("randread", 4, MOST_CONNECTIONS, MOST_CONNECTIONS));
    }

    private Load load(String pattern, int kibibytes, int depth, int connections) {
        return new Load(pattern, kibibytes << 10, depth, connections, WARM_UP_SECONDS, seconds);
    }

    private static String name(Load load) {
        return load.size() + " " + load.pattern() + ", depth " + load.depth() + ", connections " + load.connections();
    }

    /**
     * Prints a row as soon as it is there, and returns the figures of all.
     *
     * @param rows which ones: what is found in their names
     */
    static List<Figure> run(int rounds, int seconds, Pattern rows, PrintStream out)
            throws IOException, InterruptedException {
        var work = Files.createTempDirectory("doorbell-bench-").toRealPath();
        try {
            var measurement = new TcpMeasurement(rounds, seconds, out, work);
            measurement.run(rows);
            return measurement.figures;
        } finally {
            try (var files = Files.walk(work)) {
                files.sorted(Comparator.reverseOrder())
                        .forEach(file -> file.toFile().delete());
            }
        }
    }

    private void run(Pattern rows) throws IOException, InterruptedException {
        try (var ours = TcpProcess.ours(work, MOST_CONNECTIONS);
                var theirs = peer == null ? null : peer.tcpTarget(work, freePort(), MOST_CONNECTIONS)) {
            if (theirs != null) {
                theirs.pause(true);
            }
            measure(ours, new Load("randread", 4096, 32, 1, 0, COMPILE_SECONDS));
            out.printf(
                    "%-8s %-9s %5s %5s  %13s %13s  %-21s %17s  %9s%n",
                    "", "", "depth", "conns", "doorbell IOPS", "SPDK IOPS", "ratio", "CPU us per I/O", "B per I/O");
            for (var load : loads()) {
                if (rows.matcher(name(load)).find()) {
                    row(load, ours, theirs);
                }
            }
            if (rows.matcher("idle").find()) {
                idle(ours, theirs);
            }
        }
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private void row(Load load, TcpProcess ours, TcpProcess theirs) throws IOException, InterruptedException {
        var us = new ArrayList<Result>();
        var them = new ArrayList<Result>();
        boolean beside = theirs != null;
        for (int round = 0; round < rounds; round++) {
            if (round % 2 == 0) {
                us.add(measure(ours, load));
            }
            if (beside) {
                try {
                    them.add(alone(ours, theirs, load));
                } catch (IOException failed) {
                    out.println("SPDK's target does not get through this one: "
                            + failed.getMessage().lines().findFirst().orElse(""));
                    beside = false;
                }
            }
            if (round % 2 != 0) {
                us.add(measure(ours, load));
            }
        }
        report(load, us, beside ? them : List.of());
    }

    private void report(Load load, List<Result> us, List<Result> them) {
        var name = name(load);
        double allocated = median(us, Result::allocatedBytes);
        figures.add(Figure.of("tcp", name + ", doorbell", median(us, Result::iops), "IOPS"));
        figures.add(Figure.of("tcp", name + ", doorbell, CPU per I/O", median(us, Result::cpuMicros), "us"));
        figures.add(
                Figure.of("tcp", name + ", doorbell, allocated", allocated, "B").atMost(NO_ALLOCATION_BYTES));
        out.printf(
                "%-8s %-9s %5d %5d  %,13.0f ",
                load.size(), load.pattern(), load.depth(), load.connections(), median(us, Result::iops));
        if (them.isEmpty()) {
            out.printf("%13s  %-21s %8.2f %8s  %9.3f%n", "-", "", median(us, Result::cpuMicros), "", allocated);
            return;
        }
        double[] ratios = new double[rounds];
        for (int round = 0; round < rounds; round++) {
            ratios[round] = us.get(round).iops() / them.get(round).iops();
        }
        Arrays.sort(ratios);
        double ratio = ratios[rounds / 2];
        figures.add(Figure.of("tcp", name + ", SPDK", median(them, Result::iops), "IOPS"));
        figures.add(Figure.of("tcp", name + ", SPDK, CPU per I/O", median(them, Result::cpuMicros), "us"));
        figures.add(Figure.of("tcp", name + ", ratio", ratio, "").atLeast(RATIO));
        out.printf(
                "%,13.0f  %-21s %8.2f %8.2f  %9.3f%s%n",
                median(them, Result::iops),
                String.format("%.2f (%.2f to %.2f)", ratio, ratios[0], ratios[rounds - 1]),
                median(us, Result::cpuMicros),
                median(them, Result::cpuMicros),
                allocated,
                ratio < RATIO ? "  below " + RATIO : "");
        out.flush();
    }

    private static double median(List<Result> results, ToDoubleFunction<Result> figure) {
        var sorted = results.stream().mapToDouble(figure).sorted().toArray();
        return sorted[sorted.length / 2];
    }

    private Result alone(TcpProcess stopped, TcpProcess running, Load load) throws IOException, InterruptedException {
        stopped.pause(true);
        running.pause(false);
        try {
            return measure(running, load);
        } finally {
            running.pause(true);
            stopped.pause(false);
        }
    }

    private Result measure(TcpProcess target, Load load) throws IOException, InterruptedException {
        try (var watch = target.watch(load)) {
            double iops = peer != null
                    ? peer.perf(work, load, target.transportId())
                    : TcpHost.load(target.address(), target.nqn(), load);
            return new Result(iops, watch.usage());
        }
    }

    private void idle(TcpProcess ours, TcpProcess theirs) throws IOException, InterruptedException {
        double us = idlePercent(ours);
        figures.add(Figure.of("tcp", "idle, " + IDLE_CONNECTIONS + " connections, doorbell", us, "% CPU")
                .atMost(IDLE_PERCENT));
        out.printf("idle, %d connections that are silent: doorbell %.2f %% of a CPU", IDLE_CONNECTIONS, us);
        if (theirs != null) {
            ours.pause(true);
            theirs.pause(false);
            double them = idlePercent(theirs);
            theirs.pause(true);
            ours.pause(false);
            figures.add(Figure.of("tcp", "idle, " + IDLE_CONNECTIONS + " connections, SPDK", them, "% CPU"));
            out.printf(", SPDK %.1f %%", them);
        }
        out.println(us > IDLE_PERCENT ? "  above " + IDLE_PERCENT : "");
    }

    private static double idlePercent(TcpProcess target) throws IOException, InterruptedException {
        try (var _ = TcpHost.connect(target.address(), target.nqn(), IDLE_CONNECTIONS, 1)) {
            // What it takes to connect has no part in it.
            Thread.sleep(1000);
            double before = target.cpuSeconds();
            long start = System.nanoTime();
            Thread.sleep(IDLE_SECONDS * 1000L);
            return (target.cpuSeconds() - before) * 100e9 / (System.nanoTime() - start);
        }
    }
}
