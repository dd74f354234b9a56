package io.doorbell.lease;

import io.doorbell.host.NvmeController;
import io.doorbell.nvme.TransportId;
import io.doorbell.reactor.Reactors;
import java.util.List;
import java.util.Optional;

/**
 * Leases queue pairs (a service with scope {@code BUNDLE}: each using bundle has its own instance, so the manager knows
 * who asks, and takes everything back when that bundle stops). Control plane, any thread.
 */
public interface ResourceManager {

    /** The controllers there are now. */
    List<NvmeController> controllers();

    Optional<NvmeController> controller(TransportId id);

    /**
     * Leases a queue pair. Waits up to the request's bound; interrupting the thread cancels.
     *
     * @throws LeaseException when it cannot be had; {@link LeaseException#kind()} and the message say why
     * @throws InterruptedException when the waiting thread is interrupted; nothing is held then
     */
    QueuePairLease lease(LeaseRequest request) throws InterruptedException;

    /**
     * Puts the queue pairs of a listener under this management, for this bundle: whatever connects there is leased.
     *
     * @param listener its transport id
     * @param capacity connections at once
     */
    ConnectionLeases listener(TransportId listener, int capacity);

    /** The leases of controllers' queue pairs that this bundle holds. */
    List<QueuePairLease> leases();

    Reactors reactors();
}
