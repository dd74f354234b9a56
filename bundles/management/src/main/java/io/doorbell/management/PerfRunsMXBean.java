package io.doorbell.management;

import java.util.List;
import java.util.SortedMap;

/** Perf inside this node. */
@Description("Runs of the perf workload inside this node.")
public interface PerfRunsMXBean {

    @Description("Runs that go on and the latest that ended, by id. Latencies are µs, startedAtMillis is ms since 1970;"
            + " failed I/Os are never part of completed or iops.")
    SortedMap<Long, PerfRun> getRuns();

    @Description("Number of runs that go on.")
    int getActiveCount();

    @Description("Starts a run and returns at once.")
    PerfRun start(
            @Description("Flags of the perf command in one line, words parted by spaces; quotes hold a word together:"
                            + " -q 32 -o 4096 -w randread -t 10 -r 'trtype:EMULATED traddr:nvme0'")
                    String flags);

    @Description("Starts a run and returns at once.")
    PerfRun startWith(@Description("Flags of the perf command, one element each, without quotes.") List<String> flags);

    @Description("Asks a run to end and returns at once; what is in flight drains.")
    PerfRun stop(@Description("Id of the run, a key of the attribute Runs.") long runId);
}
