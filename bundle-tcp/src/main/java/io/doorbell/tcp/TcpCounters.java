package io.doorbell.tcp;

import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;

/** What happens to the connections of one reactor: nothing that is counted for each command. */
final class TcpCounters {
    final AtomicLong accepted = new AtomicLong();
    /** There was no room. */
    final AtomicLong refused = new AtomicLong();
    /** For a newer one, since it sent no Connect. */
    final AtomicLong evicted = new AtomicLong();
    /** By us, since the host broke the protocol. */
    final AtomicLong terminated = new AtomicLong();

    /** Adds them to those of others. */
    void addTo(SortedMap<String, Long> sum) {
        sum.merge("connections_accepted", accepted.get(), Long::sum);
        sum.merge("connections_refused", refused.get(), Long::sum);
        sum.merge("connections_evicted", evicted.get(), Long::sum);
        sum.merge("connections_terminated", terminated.get(), Long::sum);
    }

    static SortedMap<String, Long> none() {
        var none = new TreeMap<String, Long>();
        new TcpCounters().addTo(none);
        return none;
    }
}
