package io.doorbell.fabrics;

import io.doorbell.host.QueuePair;
import io.doorbell.host.QueuePairControl;
import io.doorbell.host.QueuePairCounters;
import io.doorbell.lease.ConnectionLeases.ConnectionLease;
import io.doorbell.nvme.NvmeException;
import io.doorbell.statistics.LatencySnapshot;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * What the resource manager holds of a connection. Taking back: no new commands, answers to those that execute, then the end of
 * the connection; {@link #delete} insists. Any thread.
 */
final class QueueControl implements QueuePairControl {
    private final FabricQueue queue;
    private final int qid;
    private final int depth;
    private final CountDownLatch closed = new CountDownLatch(1);
    private volatile ConnectionLease lease = () -> {};

    QueueControl(FabricQueue queue, int qid, int depth) {
        this.queue = queue;
        this.qid = qid;
        this.depth = depth;
    }

    void lease(ConnectionLease granted) {
        lease = granted;
    }

    /** The connection has ended, or never came to be. */
    void closed() {
        closed.countDown();
        lease.ended();
    }

    @Override
    public QueuePair queuePair() {
        throw new UnsupportedOperationException("the queue pair of a connection is used by its host");
    }

    @Override
    public int queueId() {
        return qid;
    }

    @Override
    public int depth() {
        return depth;
    }

    @Override
    public int inFlight() {
        return lost() ? 0 : queue.executing();
    }

    /** A connection stays with its reactor. */
    @Override
    public void own(Thread owner) {}

    @Override
    public void stopSubmissions() {
        if (!lost()) {
            queue.post(queue::revoke);
        }
    }

    /** What does not end by itself ends with the connection. */
    @Override
    public void abort(Duration bound) {}

    @Override
    public boolean delete(Duration bound) {
        long half = bound.toNanos() / 2;
        if (!awaitClosed(half)) {
            queue.post(() -> queue.connection().disconnect("its lease was taken back"));
            if (!awaitClosed(half) && queue.reactor().thread().isAlive()) {
                throw new NvmeException(
                        NvmeException.Kind.RETRY, queue.toString(), "its reactor has not ended it within " + bound);
            }
        }
        return true;
    }

    private boolean awaitClosed(long nanos) {
        try {
            return closed.await(nanos, TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return lost();
        }
    }

    @Override
    public void fenced(String reason) {}

    @Override
    public int completeRest() {
        return 0;
    }

    @Override
    public boolean lost() {
        return closed.getCount() == 0;
    }

    /** The cycles of the reactor are its polls: it looks at each connection that has something to do. */
    @Override
    public QueuePairCounters counters() {
        long taken = queue.taken();
        long cycles = queue.reactor().statistics().cycles();
        return new QueuePairCounters(taken, Math.max(0, taken - inFlight()), queue.failed(), cycles, 0, 0, 0, 0);
    }

    @Override
    public LatencySnapshot latency() {
        return queue.latency();
    }

    @Override
    public void onFailure(Consumer<String> listener) {}
}
