package io.doorbell.rdmanic;

import io.doorbell.platform.EventFd;
import io.doorbell.platform.IbvContext;
import io.doorbell.platform.IbvContext.AsyncEvent;
import io.doorbell.platform.PlatformException;
import io.doorbell.platform.RdmaEvent;
import io.doorbell.platform.RdmaEventChannel;
import io.doorbell.platform.RdmaId;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread that hears of connections (one event channel for all of them) and of devices. It hands on and does not wait: what may block is done on virtual
 * threads by whoever hears.
 */
final class NicEvents implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NicEvents.class);

    /** Devices that it sleeps on besides the channel; of more it hears when it wakes. */
    private static final int MAX_DEVICES = EventFd.MAX_OTHERS - 1;

    private static final long LOOK_NANOS = 1_000_000;

    /** After a failure, which may be there again at once. */
    private static final long PAUSE_NANOS = 100_000_000;

    private static final long SLEEP_NANOS = Duration.ofSeconds(5).toNanos();
    private static final Duration END_BOUND = Duration.ofSeconds(5);

    /** Whom news of an id concern. Called on the thread of events. */
    @FunctionalInterface
    interface Handler {
        void happened(RdmaEvent event);
    }

    /** Whom news of a queue concern. Called on the thread of events. */
    @FunctionalInterface
    interface QueueHandler {
        void happened(AsyncEvent event);
    }

    /** @param fatal the device has failed. Called on the thread of events */
    private record Heard(IbvContext context, Runnable fatal) {}

    private final RdmaEventChannel channel;
    private final EventFd sign = EventFd.create();
    private final Map<RdmaId, Handler> handlers = new ConcurrentHashMap<>();
    private final Map<Long, QueueHandler> queues = new ConcurrentHashMap<>();
    private final List<Heard> devices = new CopyOnWriteArrayList<>();
    private final Thread thread;
    private volatile boolean changed = true;
    private volatile long cycles;
    private volatile boolean ended;

    /** The thread has ended; the channel goes with its last id. */
    private volatile boolean over;

    /** Failures in a row. The thread's. */
    private int failures;

    NicEvents(RdmaEventChannel channel) {
        this.channel = channel;
        thread = Thread.ofPlatform().daemon().name("rdma-events").start(this::run);
    }

    /** An id whose news go to {@code handler}. */
    RdmaId createId(Handler handler) {
        var id = channel.createId();
        handlers.put(id, handler);
        return id;
    }

    void handle(RdmaId id, Handler handler) {
        handlers.put(id, handler);
    }

    /** After it was closed: the channel lives as long as its ids. */
    void forget(RdmaId id) {
        handlers.remove(id);
        closeUnused();
    }

    private void closeUnused() {
        if (over && handlers.isEmpty()) {
            channel.close();
        }
    }

    /** News of a queue pair or a completion queue. */
    void handle(long queue, QueueHandler handler) {
        queues.put(queue, handler);
    }

    void forget(long queue) {
        queues.remove(queue);
    }

    /**
     * Hears of this device too. Once for each {@link #remove}.
     *
     * @param fatal called on the thread of events when the device has failed
     */
    void add(IbvContext context, Runnable fatal) {
        // First: from here on a look for news does not wait for them.
        context.eventFd();
        devices.add(new Heard(context, fatal));
        changed = true;
        sign.signal();
    }

    /** When this returns, and the device was added once, nobody reads of it any more. */
    void remove(IbvContext context) {
        devices.stream().filter(known -> known.context == context).findFirst().ifPresent(devices::remove);
        changed = true;
        long seen = cycles;
        long deadline = System.nanoTime() + END_BOUND.toNanos();
        // The cycle that runs may have begun before.
        while (cycles - seen < 2 && thread.isAlive() && System.nanoTime() - deadline < 0) {
            try {
                sign.signal();
            } catch (IllegalStateException closed) {
                // The thread has ended just now.
                return;
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }

    private List<IbvContext> distinct() {
        var seen = new HashSet<Long>();
        return devices.stream()
                .map(Heard::context)
                .filter(each -> seen.add(each.address()))
                .toList();
    }

    private void run() {
        while (!ended) {
            try {
                if (changed) {
                    changed = false;
                    listenTo();
                }
                sign.await(SLEEP_NANOS);
                sign.drain();
                for (var event = channel.next(); event != null; event = channel.next()) {
                    dispatch(event);
                }
                distinct().forEach(this::drain);
                failures = 0;
            } catch (RuntimeException failed) {
                // Said once: it may go on for long.
                if (failures++ == 0) {
                    LOG.error("news of RDMA connections cannot be taken; it is tried again", failed);
                }
                changed = true;
                LockSupport.parkNanos(PAUSE_NANOS);
            }
            cycles = cycles + 1;
        }
    }

    private void listenTo() {
        var contexts = distinct();
        var descriptors = new int[1 + Math.min(contexts.size(), MAX_DEVICES)];
        descriptors[0] = channel.fd();
        for (int i = 1; i < descriptors.length; i++) {
            descriptors[i] = contexts.get(i - 1).eventFd();
        }
        sign.alsoOn(descriptors);
    }

    private void dispatch(RdmaEvent event) {
        boolean request = event.type() == RdmaEvent.CONNECT_REQUEST;
        var concerned = request ? event.listener() : event.id();
        var handler = concerned == null ? null : handlers.get(concerned);
        LOG.debug("connection event {} of {}, status {}", event.type(), handler, event.status());
        try {
            if (handler != null) {
                handler.happened(event);
            } else if (request) {
                // Nobody listens any more; closing it rejects.
                reject(event.id());
            }
        } catch (RuntimeException broken) {
            LOG.error("connection event {} of {}", event.type(), handler, broken);
        }
    }

    private void reject(RdmaId id) {
        handlers.put(id, event -> LOG.debug("event {} of a request that nobody wants", event.type()));
        Thread.ofVirtual().name("rejection").start(() -> {
            try {
                id.close();
            } catch (PlatformException stuck) {
                LOG.warn("a request that nobody wants: {}", stuck.getMessage());
            }
            forget(id);
        });
    }

    private void drain(IbvContext context) {
        try {
            while (context.nextEvent(event -> dispatch(context, event))) {
                // The next one.
            }
        } catch (PlatformException gone) {
            // Its news end here, and those of its connections say the rest.
            LOG.info("an RDMA device is not heard of any more: {}", gone.getMessage());
            devices.removeIf(known -> known.context.address() == context.address());
            changed = true;
        }
    }

    private void dispatch(IbvContext context, AsyncEvent event) {
        try {
            if (event.type() == AsyncEvent.DEVICE_FATAL) {
                devices.stream()
                        .filter(known -> known.context.address() == context.address())
                        .forEach(known -> known.fatal.run());
                return;
            }
            var handler = queues.get(event.address());
            LOG.debug("{}: event {} of {}", context.name(), event.type(), handler);
            if (handler != null) {
                handler.happened(event);
            }
        } catch (RuntimeException broken) {
            LOG.error("event {} of an RDMA device", event.type(), broken);
        }
    }

    /** Ends the thread, and the channel as soon as nothing uses it any more. */
    @Override
    public void close() {
        ended = true;
        sign.signal();
        try {
            thread.join(END_BOUND);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (thread.isAlive()) {
            LOG.error("the thread of RDMA events does not end");
            return;
        }
        sign.close();
        over = true;
        closeUnused();
    }
}
