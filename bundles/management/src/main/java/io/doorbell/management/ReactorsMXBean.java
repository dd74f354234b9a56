package io.doorbell.management;

import java.util.SortedMap;

/** All reactors of the node. */
@Description("The reactors: threads that poll queue pairs, devices and connections.")
public interface ReactorsMXBean {

    @Description("Living reactors, by name. cpu is -1 where it is not pinned; cycles, busyCycles and parks count since"
            + " its start; sinceCycleNanos is ns since it last read the clock, long while it is parked.")
    SortedMap<String, ReactorRow> getReactors();

    @Description("Number of living reactors.")
    int getReactorCount();

    /**
     * A reactor as an operator sees it.
     *
     * @param busyCycles cycles in which some poller did work
     * @param pollerFailures pollers removed since they threw
     */
    record ReactorRow(
            String name,
            int cpu,
            String thread,
            long cycles,
            long busyCycles,
            long parks,
            int pollers,
            long pollerFailures,
            long sinceCycleNanos,
            boolean parked) {}
}
