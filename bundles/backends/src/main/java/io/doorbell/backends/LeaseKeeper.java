package io.doorbell.backends;

import io.doorbell.host.ControllerListener;
import io.doorbell.host.NvmeController;
import io.doorbell.host.PathOptions;
import io.doorbell.lease.LeaseException;
import io.doorbell.lease.LeaseListener;
import io.doorbell.lease.LeaseRequest;
import io.doorbell.lease.LeaseState;
import io.doorbell.lease.QueuePairLease;
import io.doorbell.lease.RevocationReason;
import io.doorbell.nvme.NvmeException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sees to it that a {@link LeasedQueue} has a lease: asks for one, looks whether the namespace is the same, hands it to the
 * reactor, waits for its end, and asks again; until it is stopped. A thread of its own, plain and blocking.
 */
final class LeaseKeeper implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(LeaseKeeper.class);

    /** Of one request; then the next one says again why there is none. */
    private static final Duration WAIT = Duration.ofSeconds(10);

    /** From a failure to the next try, the first and the longest. */
    private static final long FIRST_PAUSE_MILLIS = 10;

    private static final long LAST_PAUSE_MILLIS = 1000;

    /** How long the reactor may take to let the queue go. */
    private static final Duration REACTOR_BOUND = Duration.ofSeconds(5);

    private final LeasedNamespace namespace;
    private final LeasedQueue queue;
    private final Thread thread;
    private final CountDownLatch end = new CountDownLatch(1);
    private volatile boolean stopped;

    /** What the present lease waits for. */
    private volatile Held held;

    LeaseKeeper(LeasedNamespace namespace, LeasedQueue queue) {
        this.namespace = namespace;
        this.queue = queue;
        thread = Thread.ofVirtual()
                .name("lease of " + namespace + " for " + queue.reactor().name())
                .unstarted(this);
    }

    void start() {
        thread.start();
    }

    /** Any thread; does not wait. */
    void stop() {
        stopped = true;
        thread.interrupt();
    }

    boolean awaitEnd(long deadlineNanos) {
        try {
            return end.await(Math.max(0, deadlineNanos - System.nanoTime()), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /**
     * Something is wrong with the namespace, or with this lease: let it go, look, and ask again. Nothing happens when it has
     * ended. Any thread; does not wait.
     */
    void doubt(QueuePairLease which) {
        var doubted = held;
        if (doubted != null && doubted.lease == which) {
            doubted.over.countDown();
        }
    }

    /** A lease, until it ends or is not wanted any more. */
    private final class Held implements LeaseListener, ControllerListener {
        final CountDownLatch over = new CountDownLatch(1);

        /** Null until it is granted. */
        volatile QueuePairLease lease;

        @Override
        public void revoking(QueuePairLease lease, RevocationReason reason, Duration grace) {
            LOG.warn("{}: lease {} is taken back: {}", queue, lease.id(), reason);
            tell(() -> queue.leaseEnds(lease));
        }

        @Override
        public void ended(QueuePairLease lease, LeaseState state, RevocationReason reason) {
            over.countDown();
        }

        @Override
        public void namespacesChanged(NvmeController controller) {
            Thread.ofVirtual().name("look at " + namespace).start(() -> {
                try {
                    namespace.verified(controller);
                } catch (RuntimeException | LinkageError changed) {
                    LOG.warn("{}: {}", queue, changed.toString());
                    over.countDown();
                }
            });
        }
    }

    @Override
    public void run() {
        long pauseMillis = FIRST_PAUSE_MILLIS;
        String said = "";
        try {
            while (!stopped) {
                try {
                    keepOne();
                    pauseMillis = FIRST_PAUSE_MILLIS;
                    said = "";
                } catch (LeaseException | NvmeException | IllegalStateException refused) {
                    // The time that was waited is told in the message, and no news.
                    var why = refused instanceof LeaseException lease
                            ? lease.kind().toString()
                            : refused.getMessage();
                    if (!why.equals(said) && !stopped) {
                        LOG.warn("{} has no queue pair, and its commands wait: {}", queue, refused.getMessage());
                        said = why;
                    }
                    Thread.sleep(pauseMillis);
                    pauseMillis = Math.min(2 * pauseMillis, LAST_PAUSE_MILLIS);
                } catch (RuntimeException | LinkageError defect) {
                    // A driver that is being replaced, memory that is short: no reason never to ask again.
                    if (!defect.toString().equals(said) && !stopped) {
                        LOG.error("{} has no queue pair, and its commands wait", queue, defect);
                        said = defect.toString();
                    }
                    Thread.sleep(LAST_PAUSE_MILLIS);
                }
            }
        } catch (InterruptedException stop) {
            // By stop().
        } finally {
            letGo();
            namespace.ended(this);
            end.countDown();
        }
    }

    /** From the request to the end of one lease. */
    private void keepOne() throws InterruptedException {
        var mine = new Held();
        held = mine;
        // First: no queue pair is made, again and again, for a namespace that is not the one.
        namespace.resources().controller(namespace.place().withoutNamespace()).ifPresent(namespace::verified);
        try (var lease = namespace.resources().lease(request(mine))) {
            mine.lease = lease;
            var controller = lease.controller();
            controller.addListener(mine);
            try {
                var device = namespace.verified(controller);
                var buffers = new LeaseBuffers(lease, namespace.options().bufferBytes());
                var stage = new LeaseStage(
                        lease.queuePair(), buffers, device, namespace.shape().blockCount());
                queue.reactor().execute(() -> queue.takeUp(lease, stage));
                mine.over.await();
            } catch (RejectedExecutionException busy) {
                throw new IllegalStateException(busy.getMessage(), busy);
            } finally {
                controller.removeListener(mine);
                tell(() -> queue.leaseEnds(lease));
            }
        }
    }

    private LeaseRequest request(Held mine) {
        var reactor = queue.reactor();
        var path = namespace.options().interrupts()
                ? PathOptions.DEFAULTS.withInterrupt(reactor.sign())
                : PathOptions.DEFAULTS;
        return new LeaseRequest(
                namespace.place().withoutNamespace(),
                namespace.options().queueEntries(),
                reactor.thread(),
                queue,
                mine,
                WAIT,
                "namespace " + Integer.toUnsignedString(namespace.place().ns()) + " for " + reactor.name(),
                path);
    }

    /** The reactor may have closed: then there is nobody who would have to know. */
    private void tell(Runnable task) {
        try {
            queue.reactor().execute(task);
        } catch (RejectedExecutionException full) {
            // It learns of it from the queue pair.
        }
    }

    private void letGo() {
        // Interrupts have done their work; what follows waits, each within its bound.
        Thread.interrupted();
        try {
            queue.reactor().remove(queue);
        } catch (RuntimeException late) {
            LOG.warn("{} is still polled: its reactor did not come round within {}", queue, REACTOR_BOUND, late);
        }
    }
}
