package io.doorbell.lease;

import io.doorbell.statistics.LatencySnapshot;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** All leases of a node, for those who operate it (a service). Control plane, any thread. */
public interface LeaseRegistry {

    /** Leases that have not ended, by id. */
    List<LeaseSnapshot> leases();

    /** How long commands of each lease took that has not ended, by id; of some commands, see {@link LatencySnapshot#samples}. */
    Map<Long, LatencySnapshot> latencies();

    /** The latest events, oldest first, a bounded number. */
    List<LeaseEvent> history();

    /** Queue pairs by controller and by listener: how many there are, how many are leased, what is promised. */
    List<Capacity> capacity();

    /**
     * Takes a lease back for {@link RevocationReason#OPERATOR}; returns when it has ended.
     *
     * @throws LeaseException of kind ENDED when there is no such lease
     */
    LeaseEvent revoke(long leaseId);

    /** Hears every event, on a control thread, until closed. */
    AutoCloseable onEvent(Consumer<LeaseEvent> listener);

    /**
     * @param total queue pairs the controller granted
     * @param leased held now
     * @param guaranteed the sum of what policy promises
     */
    record Capacity(String controller, int total, int leased, int guaranteed) {}
}
