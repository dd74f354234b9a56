package io.doorbell.perf;

import java.util.Map;

/**
 * What one worker did.
 *
 * @param seconds measured time, without warm-up and drain
 * @param reads latency of the reads that count: those that succeeded in the measured time
 * @param failures by status code, of the whole run
 * @param interrupted I/Os that came back unfinished as the lease was taken away, and were issued again
 * @param neverBegun I/Os of the open loop that were due, and had to wait until the time was over
 */
record WorkerResult(
        Target target,
        int core,
        int ioBytes,
        double seconds,
        Latency reads,
        Latency writes,
        Map<Integer, Long> failures,
        long interrupted,
        long neverBegun,
        Verification verification) {

    Latency latency() {
        return reads.plus(writes);
    }

    long completed() {
        return reads.count() + writes.count();
    }

    /** I/Os that ended with an error, or with the wrong data. */
    long failed() {
        return failures.values().stream().mapToLong(Long::longValue).sum() + verification.mismatches();
    }

    double iops() {
        return rate(completed());
    }

    double rate(long ios) {
        return seconds > 0 ? ios / seconds : 0;
    }
}
