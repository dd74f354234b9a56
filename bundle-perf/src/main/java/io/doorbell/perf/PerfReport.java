package io.doorbell.perf;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/**
 * What came of a run.
 *
 * @param workers one per namespace and core
 * @param resumptionCount how often a lease was taken back and another came
 * @param resumptions the last of these
 * @param runErrors what went wrong with the run itself, in the order it happened
 */
record PerfReport(
        PerfOptions options,
        List<WorkerResult> workers,
        long resumptionCount,
        List<Resumption> resumptions,
        List<String> runErrors) {

    /** With all of the resumptions. */
    PerfReport(PerfOptions options, List<WorkerResult> workers, List<Resumption> resumptions, List<String> runErrors) {
        this(options, workers, resumptions.size(), resumptions, runErrors);
    }

    /** Nothing failed, and there is something to show. */
    boolean ok() {
        return errors().isEmpty();
    }

    /** Sentences; empty when all is well. */
    List<String> errors() {
        var errors = new ArrayList<>(runErrors);
        if (failed() > 0) {
            errors.add(failed() + " I/Os failed");
        }
        errors.addAll(verification().told());
        if (completed() == 0 && errors.isEmpty()) {
            errors.add("no I/O completed");
        }
        return errors;
    }

    /** The longest measured time of a worker. */
    double seconds() {
        return workers.stream().mapToDouble(WorkerResult::seconds).max().orElse(0);
    }

    long completed() {
        return workers.stream().mapToLong(WorkerResult::completed).sum();
    }

    long failed() {
        return workers.stream().mapToLong(WorkerResult::failed).sum();
    }

    long interrupted() {
        return workers.stream().mapToLong(WorkerResult::interrupted).sum();
    }

    long neverBegun() {
        return workers.stream().mapToLong(WorkerResult::neverBegun).sum();
    }

    Verification verification() {
        return workers.stream().map(WorkerResult::verification).reduce(Verification.NONE, Verification::plus);
    }

    /** By status code. */
    TreeMap<Integer, Long> failures() {
        var sum = new TreeMap<Integer, Long>();
        for (var worker : workers) {
            worker.failures().forEach((code, count) -> sum.merge(code, count, Long::sum));
        }
        return sum;
    }

    /** All I/Os, and the two kinds of them, as the sum over the workers. */
    Share all() {
        return Share.of(workers.stream().map(Share::all).toList());
    }

    Share reads() {
        return Share.of(workers.stream().map(Share::reads).toList());
    }

    Share writes() {
        return Share.of(workers.stream().map(Share::writes).toList());
    }

    /** Some of the I/Os: how many per second, and how long they took. */
    record Share(Latency latency, double iops, double mebibytesPerSecond) {
        static Share all(WorkerResult worker) {
            return of(worker, worker.latency());
        }

        static Share reads(WorkerResult worker) {
            return of(worker, worker.reads());
        }

        static Share writes(WorkerResult worker) {
            return of(worker, worker.writes());
        }

        private static Share of(WorkerResult worker, Latency latency) {
            var iops = worker.rate(latency.count());
            return new Share(latency, iops, iops * worker.ioBytes() / (1 << 20));
        }

        private static Share of(List<Share> shares) {
            return new Share(
                    shares.stream().map(Share::latency).reduce(Latency.NONE, Latency::plus),
                    shares.stream().mapToDouble(Share::iops).sum(),
                    shares.stream().mapToDouble(Share::mebibytesPerSecond).sum());
        }
    }
}
