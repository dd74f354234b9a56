package io.doorbell.tcp.host;

import io.doorbell.driver.QueuePairParts;
import io.doorbell.fabrics.host.FabricQueuePair;
import io.doorbell.platform.Epoll;
import io.doorbell.tcp.Violation;

/** An I/O queue pair over TCP. A commit is one call that sends all that was staged; a poll is one that takes all that has come. */
final class TcpQueuePair extends FabricQueuePair<TcpLink> {
    /** Null where nobody is interrupted. */
    private final Epoll.Watch watch;

    /** @param watch null where nobody is to be interrupted */
    TcpQueuePair(QueuePairParts parts, TcpLink link, Epoll.Watch watch) {
        super(parts, link);
        this.watch = watch;
        link.use(this);
    }

    /** What waits for room is not ours to hurry; the watch tells. */
    @Override
    protected boolean isCommitted() {
        return super.isCommitted() || link.isBlocked() && watch != null;
    }

    @Override
    protected boolean hasCompletion() {
        if (link.hasReceived()) {
            return true;
        }
        // What has come already signals at once.
        watch.arm(link.isBlocked());
        return false;
    }

    @Override
    protected void send() {
        if (!link.flush()) {
            lost("the connection has ended");
        }
    }

    @Override
    protected void receive(int limit) {
        beginBatch();
        boolean alive = true;
        try {
            alive = link.receive(limit);
            if (link.hasEarly()) {
                link.endEarly();
            }
        } catch (Violation violation) {
            link.terminate(violation);
            breach(violation.getMessage());
        } catch (TerminatedException terminated) {
            lost(terminated.getMessage());
        } finally {
            endBatch();
        }
        if (!alive) {
            lost("the target has ended the connection");
        }
    }
}
