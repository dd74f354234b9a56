package io.doorbell.management;

import io.doorbell.workload.WorkloadRun;

/**
 * One run of a workload as an operator sees it: {@link WorkloadRun} and its progress in one row.
 *
 * @param completed I/Os that succeeded, {@code failed} those that did not
 * @param message why it failed, or empty
 */
public record PerfRun(
        long id,
        String flags,
        WorkloadRun.State state,
        long startedAtMillis,
        double seconds,
        long completed,
        long failed,
        double iops,
        double mebibytesPerSecond,
        double latencyMicrosAverage,
        double latencyMicrosP50,
        double latencyMicrosP99,
        double latencyMicrosMax,
        String message) {

    static PerfRun of(WorkloadRun run) {
        var progress = run.progress();
        return new PerfRun(
                run.id(),
                run.flags(),
                run.state(),
                progress.startedAtMillis(),
                finite(progress.seconds()),
                progress.completed(),
                progress.failed(),
                finite(progress.iops()),
                finite(progress.mebibytesPerSecond()),
                finite(progress.latencyMicrosAverage()),
                finite(progress.latencyMicrosP50()),
                finite(progress.latencyMicrosP99()),
                finite(progress.latencyMicrosMax()),
                progress.message());
    }

    /** JSON has no word for what a run without a single I/O divides by zero. */
    private static double finite(double figure) {
        return Double.isFinite(figure) ? figure : 0;
    }
}
