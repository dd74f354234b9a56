package io.doorbell.management;

import java.util.List;
import java.util.SortedMap;

/** All reactors of the node. */
@Description("The reactors: threads that poll queue pairs, devices and connections.")
public interface ReactorsMXBean {

    @Description("Living reactors, by name. cpu is -1 where it is not pinned; cycles, busyCycles and parks count since"
            + " its start; sinceCycleNanos is ns since it last read the clock, long while it is parked.")
    SortedMap<String, ReactorRow> getReactors();

    @Description("Number of living reactors.")
    int getReactorCount();

    @Description("CPUs that this process may use: where reactors may be.")
    List<Integer> getAllowedCpus();

    @Description("CPUs that are configured, by name of a reactor, whether it lives or not: reactor.cpus of"
            + " io.doorbell.resources.cfg.")
    SortedMap<String, Integer> getConfiguredCpus();

    @Description("Moves a reactor to another CPU, while it works, and has it there again after a restart. How many"
            + " reactors a listener has is in its file.")
    void move(
            @Description("Name of a reactor, a key of the attribute Reactors") String name,
            @Description("Number of a CPU, one of AllowedCpus") int cpu);

    @Description("Takes back what move configured: the reactor stays where it is, and is placed as any other when it is"
            + " opened the next time.")
    void unplace(@Description("Name of a reactor, a key of the attribute ConfiguredCpus") String name);

    @Description("Sets what reactors do while there is nothing to do, within a second for those that live: less"
            + " spinning leaves the CPU to others, more answers sooner.")
    void setIdle(
            @Description("Cycles before it begins to yield its CPU, 10 to 50 ns each") int spinCycles,
            @Description("Cycles, each with a yield of about 0.5 µs, before it asks whether it may sleep")
                    int yieldCycles);

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
