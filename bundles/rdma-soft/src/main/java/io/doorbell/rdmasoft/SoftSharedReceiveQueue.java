package io.doorbell.rdmasoft;

import io.doorbell.reactor.Reactor;
import io.doorbell.verbs.ReceiveRequests;
import io.doorbell.verbs.SharedReceiveQueue;

/** Receives for several queue pairs of one lane. */
final class SoftSharedReceiveQueue implements SharedReceiveQueue {
    final SoftDomain domain;
    final ReceiveQueue queue;
    final int segments;
    private final Lane lane;

    // Guarded by this.
    private int users;
    private boolean closed;

    SoftSharedReceiveQueue(SoftDomain domain, Lane lane, int entries, int segments) {
        this.domain = domain;
        this.lane = lane;
        this.segments = segments;
        queue = new ReceiveQueue(domain, entries, segments);
        domain.retain();
    }

    synchronized void retain() {
        if (closed) {
            throw new IllegalStateException("this shared receive queue is closed");
        }
        users++;
    }

    synchronized void release() {
        users--;
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
    public synchronized void close() {
        if (users > 0) {
            throw new IllegalStateException(users + " queue pairs receive from this queue");
        }
        if (!closed) {
            closed = true;
            domain.release();
            domain.device.release(lane);
        }
    }
}
