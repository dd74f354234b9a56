package io.doorbell.management;

import java.util.SortedMap;

/** What hosts have done with namespaces. */
@Description("The namespaces of all subsystems: what they are, and what all hosts together have done with them.")
public interface NamespacesMXBean {

    @Description(
            "Namespaces by NQN/nsid. bytes of data; limits a second, empty for none. Commands and bytes count since"
                    + " the subsystem is there; failedCommands ended with a status other than success. Latencies are µs,"
                    + " from when the namespace was given a command until its end; some commands are timed.")
    SortedMap<String, NamespaceRow> getNamespaces();

    @Description("Number of namespaces.")
    int getNamespaceCount();

    /** A namespace as an operator sees it. */
    record NamespaceRow(
            String nqn,
            int nsid,
            String backend,
            long blockCount,
            int blockBytes,
            long bytes,
            int group,
            String limits,
            long readCommands,
            long writeCommands,
            long otherCommands,
            long failedCommands,
            long readBytes,
            long writtenBytes,
            Latency readLatency,
            Latency writeLatency) {}
}
