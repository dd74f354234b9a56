package io.doorbell.workload;

import java.util.List;

/** Runs workloads inside a node (a service of a workload plug-in). Any thread. */
public interface WorkloadRunner {

    /**
     * Starts a run with the flags of the {@code perf} command and returns at once.
     *
     * @throws IllegalArgumentException for flags that are wrong; the message says which and what is allowed
     * @throws IllegalStateException when the bound on concurrent runs is reached
     */
    WorkloadRun start(List<String> flags);

    /** Runs that go on, and the latest of those that ended, oldest first, a bounded number. */
    List<WorkloadRun> runs();
}
