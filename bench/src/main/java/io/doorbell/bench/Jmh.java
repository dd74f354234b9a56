package io.doorbell.bench;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Runs JMH benchmarks with the allocation profiler and takes out what we look at. */
final class Jmh {
    /** Submit and complete of one I/O: what the path of a C driver needs on a machine of today. */
    private static final double QUEUE_PAIR_NANOS = 60;

    /** The most that a lease may cost. */
    private static final double LEASE_NANOS = 1;

    private static final int WARM_UP_ROUNDS = 300;
    private static final int PAIRED_ROUNDS = 1001;

    /** Short, so that a round is rarely interrupted: some 100 microseconds. */
    private static final int BATCHES_PER_ROUND = 200;

    private static final int ALLOCATION_ROUNDS = 500_000;
    private static final int BATCH = 32;

    /** The measurement itself allocates a little once. What a path allocates, it allocates for each I/O: 16 bytes at least. */
    private static final double NO_ALLOCATION_BYTES = 0.001;

    /** Other threads of the JVM have their part in what JMH counts. */
    private static final double NO_ALLOCATION_OF_ANY_THREAD_BYTES = 1;

    private Jmh() {}

    static List<Figure> run(Class<?> benchmark, String group, boolean quick) throws RunnerException {
        var options = new OptionsBuilder()
                .include("^" + benchmark.getName().replace(".", "\\.") + "\\.")
                .addProfiler(GCProfiler.class)
                .verbosity(VerboseMode.SILENT)
                // Two JVMs may compile the same path into code that differs by a third: several, or one's luck is
                // measured.
                .forks(quick ? 1 : 4)
                .warmupIterations(quick ? 2 : 3)
                .warmupTime(TimeValue.seconds(1))
                .measurementIterations(quick ? 2 : 4)
                .measurementTime(TimeValue.seconds(1))
                .shouldFailOnError(true)
                .build();
        var figures = new ArrayList<Figure>();
        for (RunResult result : new Runner(options).run()) {
            Result<?> time = result.getPrimaryResult();
            var name = new StringBuilder(time.getLabel());
            for (var parameter : result.getParams().getParamsKeys()) {
                name.append(", ")
                        .append(parameter)
                        .append(' ')
                        .append(result.getParams().getParam(parameter));
            }
            figures.add(new Figure(group, name.toString(), time.getScore(), time.getScoreError(), "ns", "", false));
            var allocated = result.getSecondaryResults().get("gc.alloc.rate.norm");
            figures.add(Figure.of(group, name + ", allocated by all threads", allocated.getScore(), "B"));
        }
        return figures;
    }

    /** The kernel does most of it, so the time has no mark; nothing is allocated whatever it does. */
    static List<Figure> tcpPath(boolean quick) throws RunnerException {
        return run(TcpTargetBenchmark.class, "tcp path", quick).stream()
                .map(figure -> figure.unit().equals("B") ? figure.atMost(NO_ALLOCATION_OF_ANY_THREAD_BYTES) : figure)
                .toList();
    }

    static List<Figure> queuePair(boolean quick) throws RunnerException, InterruptedException {
        var figures = new ArrayList<Figure>();
        for (var figure : run(SubmitCompleteBenchmark.class, "queue pair", quick)) {
            figures.add(figure.unit().equals("ns") ? figure.atMost(QUEUE_PAIR_NANOS) : figure);
        }
        for (boolean lease : new boolean[] {true, false}) {
            figures.add(
                    Figure.of("queue pair", "leased " + lease + ", allocated by the owner", allocatedPerIo(lease), "B")
                            .atMost(NO_ALLOCATION_BYTES));
        }
        figures.add(Figure.of("queue pair", "what the lease adds to an I/O, median of pairs", leaseNanos(), "ns")
                .atMost(LEASE_NANOS));
        return figures;
    }

    /** Leased and unleased in turn, round by round on one thread, so that both see the same machine: the median difference. */
    private static double leaseNanos() throws InterruptedException {
        var leased = new SubmitCompleteBenchmark();
        leased.leased = true;
        var unleased = new SubmitCompleteBenchmark();
        leased.open();
        unleased.open();
        try {
            double[] differences = new double[PAIRED_ROUNDS];
            for (int round = -WARM_UP_ROUNDS; round < PAIRED_ROUNDS; round++) {
                double difference = nanosPerIo(leased) - nanosPerIo(unleased);
                if (round >= 0) {
                    differences[round] = difference;
                }
            }
            Arrays.sort(differences);
            return differences[PAIRED_ROUNDS / 2];
        } finally {
            leased.close();
            unleased.close();
        }
    }

    private static double nanosPerIo(SubmitCompleteBenchmark benchmark) {
        long start = System.nanoTime();
        for (int i = 0; i < BATCHES_PER_ROUND; i++) {
            benchmark.batchOf32();
        }
        return (System.nanoTime() - start) / (double) BATCHES_PER_ROUND / BATCH;
    }

    /** Bytes that the owner's thread allocates for an I/O, once it is compiled. */
    private static double allocatedPerIo(boolean leased) throws InterruptedException {
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        var benchmark = new SubmitCompleteBenchmark();
        benchmark.leased = leased;
        benchmark.open();
        try {
            for (int i = 0; i < ALLOCATION_ROUNDS; i++) {
                benchmark.batchOf32();
            }
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < ALLOCATION_ROUNDS; i++) {
                benchmark.batchOf32();
            }
            long after = threads.getCurrentThreadAllocatedBytes();
            return (after - before) / (double) ALLOCATION_ROUNDS / BATCH;
        } finally {
            benchmark.close();
        }
    }
}
