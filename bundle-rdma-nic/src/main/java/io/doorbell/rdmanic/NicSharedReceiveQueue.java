package io.doorbell.rdmanic;

import io.doorbell.platform.IbvSrq;
import io.doorbell.reactor.Reactor;
import io.doorbell.verbs.ReceiveRequests;
import io.doorbell.verbs.SharedReceiveQueue;

/** Receives for several queue pairs of one owner. A device may have room for a few more than were asked for. */
final class NicSharedReceiveQueue implements SharedReceiveQueue {
    final NicDomain domain;
    final IbvSrq queue;
    private final Reactor owner;

    // Guarded by this.
    private int users;
    private boolean closed;

    NicSharedReceiveQueue(NicDomain domain, Reactor owner, IbvSrq queue) {
        this.domain = domain;
        this.owner = owner;
        this.queue = queue;
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
        return owner;
    }

    @Override
    public int postReceive(ReceiveRequests requests) {
        NicCompletionQueue.requireOwner(owner);
        return requests.count() == 0 ? 0 : queue.postReceive(requests.first(), requests.count());
    }

    @Override
    public synchronized void close() {
        if (users > 0) {
            throw new IllegalStateException(users + " queue pairs receive from this queue");
        }
        if (!closed) {
            queue.close();
            closed = true;
            domain.release();
        }
    }
}
