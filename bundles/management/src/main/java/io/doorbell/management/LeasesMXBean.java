package io.doorbell.management;

import io.doorbell.lease.LeaseEvent;
import io.doorbell.lease.LeaseRegistry.Capacity;
import io.doorbell.lease.LeaseSnapshot;
import java.util.List;
import java.util.SortedMap;

/** All leases of the node. */
@Description("The leases of queue pairs: who holds which, what happened to them, and how to take one back."
        + " Each event is a notification io.doorbell.lease.KIND with the event as its user data.")
public interface LeasesMXBean {

    @Description("Leases that have not ended, by id. Times that end in Nanos are ns, in Millis ms since 1970;"
            + " depth and inFlight are commands.")
    SortedMap<Long, LeaseSnapshot> getLeases();

    @Description("How long commands of each lease took, by id: µs, of some commands.")
    SortedMap<Long, Latency> getLatency();

    @Description("Number of leases that have not ended.")
    int getLeaseCount();

    @Description("Queue pairs of each controller, by transport id: how many there are, how many are leased, how many"
            + " policy promises.")
    SortedMap<String, Capacity> getCapacity();

    @Description("The latest events, oldest first, a bounded number. drainNanos, abortNanos, deleteNanos and closeNanos"
            + " are the time of each step of taking a lease back in ns, 0 where a step was not taken.")
    List<LeaseEvent> getHistory();

    @Description("Notifications that were dropped since the node started, as a listener was too slow.")
    long getDroppedNotifications();

    @Description(
            "Takes a lease back from its holder, for the operator. Returns when it has ended, with the time of each"
                    + " step in ns.")
    LeaseEvent revoke(@Description("Id of the lease, a key of the attribute Leases.") long leaseId);
}
