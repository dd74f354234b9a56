package io.doorbell.resources.lease;

import io.doorbell.host.QueuePairControl;
import io.doorbell.host.QueuePairOptions;
import io.doorbell.lease.ConnectionLeases;
import io.doorbell.lease.LeaseException;
import io.doorbell.lease.LeaseListener;
import io.doorbell.lease.LeaseRequest;
import io.doorbell.lease.RevocationReason;
import io.doorbell.nvme.TransportId;
import java.lang.foreign.Arena;
import java.time.Duration;

/**
 * A listener whose connections are given out as queue pairs: each is there before its lease is, and ends with it. The rest is as
 * with a controller.
 */
final class ManagedListener extends Source implements ConnectionLeases {
    /** NVMe Base 2.1 §6.3 "Connect command": SQSIZE has 16 bits. */
    private static final int MAX_ENTRIES = 65_536;

    private final LeaseManager manager;
    private final HolderResources resources;
    private final int capacity;

    ManagedListener(LeaseManager manager, HolderResources resources, TransportId id, int capacity) {
        super(id.withoutNamespace());
        if (capacity < 1) {
            throw new IllegalArgumentException("connections of " + id + ": " + capacity + ", at least 1");
        }
        this.manager = manager;
        this.resources = resources;
        this.capacity = capacity;
    }

    boolean isOf(HolderResources holder) {
        return resources == holder;
    }

    @Override
    boolean isReady() {
        return true;
    }

    @Override
    int queuePairs() {
        return capacity;
    }

    @Override
    int maxQueueEntries() {
        return MAX_ENTRIES;
    }

    @Override
    QueuePairControl make(Lease lease, QueuePairOptions options, Arena arena) {
        return lease.connection.control();
    }

    @Override
    String condition() {
        return "listens";
    }

    @Override
    public ConnectionLease lease(Request connection) {
        var request = new LeaseRequest(
                id,
                Math.clamp(connection.control().depth(), 2, MAX_ENTRIES),
                connection.owner(),
                (token, status, result) -> {},
                LeaseListener.NONE,
                Duration.ZERO,
                connection.label());
        try {
            var lease = manager.lease(resources, request, connection);
            return () -> manager.takeBack(lease, RevocationReason.RELEASED_BY_HOLDER);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LeaseException(LeaseException.Kind.ENDED, "interrupted: " + connection.label(), e);
        }
    }

    @Override
    public int free() {
        return manager.free(this, resources);
    }

    @Override
    public void close() {
        manager.removeListener(this);
    }
}
