package io.doorbell.management;

import java.util.SortedMap;

/** Connections of hosts. */
@Description("The connections of hosts on a network: each is one queue of one host, and on lease to the bundle that"
        + " listens.")
public interface ConnectionsMXBean {

    @Description("Connections by lease id. depth and inFlight are commands, commands those that have come;"
            + " connectedAtMillis is ms since 1970; reactor is the thread that serves it.")
    SortedMap<Long, ConnectionRow> getConnections();

    @Description("Number of connections.")
    int getConnectionCount();

    @Description("Ends a connection; its host may come again.")
    void disconnect(@Description("Id of its lease, a key of the attribute Connections") long leaseId);

    /** A connection as an operator sees it. */
    record ConnectionRow(
            long leaseId,
            String listener,
            String host,
            String label,
            int queueId,
            int depth,
            int inFlight,
            long commands,
            String reactor,
            long connectedAtMillis,
            Latency latency) {}
}
