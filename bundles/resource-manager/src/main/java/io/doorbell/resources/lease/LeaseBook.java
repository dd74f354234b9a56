package io.doorbell.resources.lease;

import io.doorbell.lease.LeaseEvent;
import io.doorbell.nvme.TransportId;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What happened: lease ids and epochs, the latest events, and those who want to hear of each. Recording never waits:
 * listeners and the log are served by a thread of their own, in the order of recording. Any thread.
 */
final class LeaseBook implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LeaseBook.class);

    /** Events remembered. */
    static final int HISTORY_EVENTS = 1024;

    /** Events on their way to listeners. When listeners are so slow that it is full, events pass them by and are counted. */
    private static final int OUTBOX_EVENTS = 4096;

    /** How long {@link #close} gives listeners to hear the rest. */
    private static final Duration CLOSE_BOUND = Duration.ofSeconds(2);

    /** The last thing in the outbox. */
    private static final LeaseEvent END = new LeaseEvent(null, 0, null, null, 0, 0, 0, 0, 0, 0);

    private record QueuePairName(TransportId controller, int queueId) {}

    private final AtomicLong ids = new AtomicLong();
    // Guarded by this. Epochs stay when a driver goes, since its successor makes queue pairs of the same names;
    // there are as many as the node's controllers ever had queue pairs.
    private final Map<QueuePairName, Long> epochs = new HashMap<>();
    private final ArrayDeque<LeaseEvent> history = new ArrayDeque<>();

    private final BlockingQueue<LeaseEvent> outbox = new ArrayBlockingQueue<>(OUTBOX_EVENTS);
    private final AtomicLong passedBy = new AtomicLong();
    private final List<Consumer<LeaseEvent>> listeners = new CopyOnWriteArrayList<>();
    private final Thread publisher;

    LeaseBook() {
        publisher = Thread.ofVirtual().name("lease-events").start(this::publish);
    }

    long nextId() {
        return ids.incrementAndGet();
    }

    synchronized long nextEpoch(TransportId controller, int queueId) {
        return epochs.merge(new QueuePairName(controller, queueId), 1L, Long::sum);
    }

    synchronized void record(LeaseEvent event) {
        if (history.size() == HISTORY_EVENTS) {
            history.removeFirst();
        }
        history.addLast(event);
        if (!outbox.offer(event)) {
            passedBy.incrementAndGet();
        }
    }

    synchronized List<LeaseEvent> history() {
        return new ArrayList<>(history);
    }

    AutoCloseable onEvent(Consumer<LeaseEvent> listener) {
        listeners.add(listener);
        return () -> listeners.remove(listener);
    }

    private void publish() {
        try {
            for (var event = outbox.take(); event != END; event = outbox.take()) {
                tell(event);
            }
        } catch (InterruptedException e) {
            // By close(), when the listeners took too long: the history has the rest.
        }
    }

    private void tell(LeaseEvent event) {
        LeaseLog.write(event);
        long lost = passedBy.getAndSet(0);
        if (lost > 0) {
            LOG.warn("{} lease events passed their listeners by, who are too slow; the history has them", lost);
        }
        for (var listener : listeners) {
            try {
                listener.accept(event);
            } catch (RuntimeException | LinkageError failure) {
                LOG.error(
                        "a listener failed on the event {} of lease {}",
                        event.kind(),
                        event.lease().id(),
                        failure);
            }
        }
    }

    @Override
    public void close() {
        boolean interrupted = Thread.interrupted();
        try {
            if (!outbox.offer(END, CLOSE_BOUND.toMillis(), TimeUnit.MILLISECONDS) || !publisher.join(CLOSE_BOUND)) {
                LOG.warn("a listener of lease events did not return within {}", CLOSE_BOUND);
                publisher.interrupt();
            }
        } catch (InterruptedException e) {
            interrupted = true;
            publisher.interrupt();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
