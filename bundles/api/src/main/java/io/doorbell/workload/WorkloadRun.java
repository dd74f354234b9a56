package io.doorbell.workload;

import java.time.Duration;

/** One run of a workload. Any thread. */
public interface WorkloadRun {
    long id();

    /** The flags it was started with. */
    String flags();

    State state();

    Progress progress();

    /** Asks the run to end; what is in flight drains. Returns at once. */
    void stop();

    /** Waits for the end; false when the bound passes first. */
    boolean await(Duration bound) throws InterruptedException;

    enum State {
        STARTING,
        RUNNING,
        DRAINING,
        SUCCEEDED,
        FAILED
    }

    /**
     * Figures so far; failed I/Os are never part of {@code completed}.
     *
     * @param message why it failed, or empty
     */
    record Progress(
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
            String message) {}
}
