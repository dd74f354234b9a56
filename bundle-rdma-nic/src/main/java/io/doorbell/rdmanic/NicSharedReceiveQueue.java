package io.doorbell.rdmanic;

import io.doorbell.platform.IbvSrq;
import io.doorbell.reactor.Reactor;
import io.doorbell.verbs.ReceiveRequests;
import io.doorbell.verbs.SharedReceiveQueue;
import io.doorbell.verbs.provider.Users;

/** Receives for several queue pairs of one owner. A device may have room for a few more than were asked for. */
final class NicSharedReceiveQueue implements SharedReceiveQueue {
    final NicDomain domain;
    final IbvSrq queue;
    final Users users = new Users("shared receive queue", "queue pairs");
    private final Reactor owner;

    NicSharedReceiveQueue(NicDomain domain, Reactor owner, IbvSrq queue) {
        this.domain = domain;
        this.owner = owner;
        this.queue = queue;
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
    public void close() {
        users.close(() -> {
            queue.close();
            domain.users.release();
        });
    }
}
