package io.doorbell.rdmasoft;

import io.doorbell.reactor.Reactor;
import io.doorbell.verbs.ReceiveRequests;
import io.doorbell.verbs.SharedReceiveQueue;
import io.doorbell.verbs.provider.Users;

/** Receives for several queue pairs of one lane. */
final class SoftSharedReceiveQueue implements SharedReceiveQueue {
    final SoftDomain domain;
    final ReceiveQueue queue;
    final int segments;
    final Users users = new Users("shared receive queue", "queue pairs");
    private final Lane lane;

    /** @param domain retained for this */
    SoftSharedReceiveQueue(SoftDomain domain, Lane lane, int entries, int segments) {
        this.domain = domain;
        this.lane = lane;
        this.segments = segments;
        queue = new ReceiveQueue(domain, entries, segments);
    }

    @Override
    public Reactor owner() {
        return lane.reactor();
    }

    @Override
    public int postReceive(ReceiveRequests requests) {
        lane.requireOwner();
        return queue.post(requests);
    }

    @Override
    public void close() {
        users.close(() -> {
            domain.device.release(lane);
            domain.users.release();
        });
    }
}
