package io.doorbell.rdmahost;

import io.doorbell.driver.QueuePairParts;
import io.doorbell.fabrics.host.FabricQueuePair;

/** An I/O queue pair over RDMA. A commit hands all that was staged to the reactor of the connection; a poll takes what that has got answers to. */
final class RdmaQueuePair extends FabricQueuePair<RdmaLink> {
    RdmaQueuePair(QueuePairParts parts, RdmaLink link) {
        super(parts, link);
    }

    @Override
    protected void requireAlive() {
        link.requireAlive();
    }

    @Override
    protected boolean hasCompletion() {
        link.requireAlive();
        return link.hasAnswer();
    }

    @Override
    protected void send() {
        link.publish();
    }

    @Override
    protected void receive(int limit) {
        // Before the answers: those that came before the end count.
        var gone = link.port().broken();
        beginBatch();
        int taken;
        try {
            taken = link.poll(this, limit);
        } finally {
            endBatch();
        }
        if (gone != null && taken < limit) {
            if (link.port().isBreach()) {
                breach(gone);
            } else {
                lost(gone);
            }
        }
    }
}
