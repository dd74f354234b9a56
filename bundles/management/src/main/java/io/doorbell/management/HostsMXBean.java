package io.doorbell.management;

import java.util.List;
import java.util.SortedMap;

/** The hosts that are, or were, connected. */
@Description("The hosts that use this node, or have used it since it started: who they are, and what they have done.")
public interface HostsMXBean {

    @Description("Hosts by qualified name; pci are those on PCI, which have none; unnamed"
            + " those on a network that connected without one; * those that came when too many had been"
            + " counted. connections are there now, one for each queue. Commands, bytes and latencies as in"
            + " Namespaces.")
    SortedMap<String, HostRow> getHosts();

    /** A host as an operator sees it. */
    record HostRow(
            String nqn,
            int connections,
            List<String> subsystems,
            long readCommands,
            long writeCommands,
            long otherCommands,
            long failedCommands,
            long readBytes,
            long writtenBytes,
            Latency readLatency,
            Latency writeLatency) {}
}
