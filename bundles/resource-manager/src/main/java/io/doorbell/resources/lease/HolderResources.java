package io.doorbell.resources.lease;

import io.doorbell.host.NvmeController;
import io.doorbell.lease.ConnectionLeases;
import io.doorbell.lease.LeaseRequest;
import io.doorbell.lease.QueuePairLease;
import io.doorbell.lease.ResourceManager;
import io.doorbell.lease.RevocationReason;
import io.doorbell.nvme.TransportId;
import io.doorbell.reactor.Reactors;
import java.util.List;
import java.util.Optional;

/** The resource manager as one holder sees it. When it is closed every lease it gave is taken back, and it gives none any more. */
public final class HolderResources implements ResourceManager, AutoCloseable {
    private final LeaseManager manager;
    private final Holder holder;

    /** Changed under the manager's lock. */
    volatile boolean closed;

    HolderResources(LeaseManager manager, Holder holder) {
        this.manager = manager;
        this.holder = holder;
    }

    public Holder holder() {
        return holder;
    }

    @Override
    public List<NvmeController> controllers() {
        return manager.controllers();
    }

    @Override
    public Optional<NvmeController> controller(TransportId id) {
        return manager.controller(id);
    }

    @Override
    public QueuePairLease lease(LeaseRequest request) throws InterruptedException {
        return manager.lease(this, request);
    }

    @Override
    public ConnectionLeases listener(TransportId listener, int capacity) {
        return manager.addListener(this, listener, capacity);
    }

    @Override
    public List<QueuePairLease> leases() {
        return manager.leases(this);
    }

    @Override
    public Reactors reactors() {
        return manager.reactors();
    }

    /** Takes all back because the holder stopped; returns when they have ended, within the bounds of the options. */
    @Override
    public void close() {
        manager.close(this, RevocationReason.HOLDER_STOPPED);
    }

    @Override
    public String toString() {
        return holder.toString();
    }
}
