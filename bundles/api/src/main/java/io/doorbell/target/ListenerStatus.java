package io.doorbell.target;

import io.doorbell.nvme.TransportId;
import java.util.Collections;
import java.util.SortedMap;

/**
 * How a listener does.
 *
 * @param at where hosts reach it; with the port it was configured with while it does not listen
 * @param listening whether hosts can connect now
 * @param problem why it does not listen, and what mends it; empty while it does, or where nobody knows yet
 * @param tls whether connections have to be encrypted
 * @param connections there are now
 * @param maxConnections the most there may be
 * @param counters what its transport counts, by name, since it listens
 */
public record ListenerStatus(
        TransportId at,
        boolean listening,
        String problem,
        boolean tls,
        int connections,
        int maxConnections,
        SortedMap<String, Long> counters) {

    /** Of one that does not listen now. */
    public static ListenerStatus closed(
            TransportId.Type trtype, String traddr, int port, boolean tls, int maxConnections) {
        var at = new TransportId(trtype, traddr, Integer.toString(port), "", 0);
        return new ListenerStatus(at, false, "", tls, 0, maxConnections, Collections.emptySortedMap());
    }

    /** The same, and why it does not listen. */
    public ListenerStatus because(String why) {
        return new ListenerStatus(at, false, why, tls, 0, maxConnections, counters);
    }

    /** The same, of one whose address its configuration does not say. */
    public ListenerStatus reachedAt(String traddr) {
        var here = new TransportId(at.trtype(), traddr, at.trsvcid(), at.subnqn(), at.ns());
        return new ListenerStatus(here, listening, problem, tls, connections, maxConnections, counters);
    }

    /** The same while it listens. */
    public ListenerStatus whileOpen(int port, int nowConnections, SortedMap<String, Long> nowCounters) {
        var here = new TransportId(at.trtype(), at.traddr(), Integer.toString(port), "", 0);
        return new ListenerStatus(here, true, "", tls, nowConnections, maxConnections, nowCounters);
    }
}
