package io.doorbell.bench;

import java.util.ArrayList;
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

    /** JMH divides by operations: what happens once in a run shows as a trace. A real allocation has 16 bytes at least. */
    private static final double NO_ALLOCATION_BYTES = 0.01;

    private Jmh() {}

    static List<Figure> run(Class<?> benchmark, String group, boolean quick) throws RunnerException {
        var options = new OptionsBuilder()
                .include("^" + benchmark.getName().replace(".", "\\.") + "\\.")
                .addProfiler(GCProfiler.class)
                .verbosity(VerboseMode.SILENT)
                .forks(quick ? 1 : 2)
                .warmupIterations(quick ? 2 : 3)
                .warmupTime(TimeValue.seconds(1))
                .measurementIterations(quick ? 2 : 5)
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
            figures.add(Figure.of(group, name + ", allocated", allocated.getScore(), "B")
                    .atMost(NO_ALLOCATION_BYTES));
        }
        return figures;
    }

    static List<Figure> queuePair(boolean quick) throws RunnerException {
        var figures = new ArrayList<Figure>();
        double leased = Double.NaN;
        double unleased = Double.NaN;
        double noise = 0;
        for (var figure : run(SubmitCompleteBenchmark.class, "queue pair", quick)) {
            boolean time = figure.unit().equals("ns");
            figures.add(time ? figure.atMost(QUEUE_PAIR_NANOS) : figure);
            if (time && figure.name().startsWith("batchOf32")) {
                if (figure.name().contains("leased true")) {
                    leased = figure.value();
                } else {
                    unleased = figure.value();
                }
                noise += Double.isNaN(figure.error()) ? 0 : figure.error();
            }
        }
        figures.add(Figure.of("queue pair", "what the lease adds to an I/O (batches of 32)", leased - unleased, "ns")
                .atMost(Math.max(LEASE_NANOS, noise)));
        return figures;
    }
}
