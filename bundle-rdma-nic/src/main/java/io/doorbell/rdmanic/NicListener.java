package io.doorbell.rdmanic;

import io.doorbell.platform.PlatformException;
import io.doorbell.platform.RdmaEvent;
import io.doorbell.platform.RdmaId;
import io.doorbell.verbs.ConnectHandler;
import io.doorbell.verbs.ConnectListener;
import java.net.InetSocketAddress;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Takes connections at a port of a device. */
final class NicListener implements ConnectListener {
    private static final Logger LOG = LoggerFactory.getLogger(NicListener.class);

    /** Requests that the kernel keeps until they are heard of. */
    private static final int BACKLOG = 128;

    /** Requests that wait for a decision; what comes beyond is rejected by the kernel. */
    private static final int MAX_UNDECIDED = 256;

    private final NicDevice device;
    private final ConnectHandler handler;
    private final RdmaId id;
    private final InetSocketAddress address;
    private final AtomicInteger undecided = new AtomicInteger();
    private boolean closed;

    NicListener(NicDevice device, InetSocketAddress wanted, ConnectHandler handler) {
        this.device = device;
        this.handler = handler;
        id = device.createId(this::happened);
        try {
            id.bind(wanted);
            id.listen(BACKLOG);
            address = id.localAddress();
        } catch (PlatformException refused) {
            device.close(id);
            throw new IllegalArgumentException(wanted + " cannot be listened at: " + refused.getMessage(), refused);
        }
    }

    /** On the thread of events. */
    private void happened(RdmaEvent event) {
        if (event.type() != RdmaEvent.CONNECT_REQUEST) {
            LOG.debug("{}: event {}, status {}", this, event.type(), event.status());
            return;
        }
        // News of the request itself, that the peer has given up: accept or reject meet it.
        device.adopt(event.id(), later -> LOG.debug("{}: event {} before a decision", this, later.type()));
        boolean taken = undecided.incrementAndGet() <= MAX_UNDECIDED;
        Thread.ofVirtual().name("request to " + address).start(() -> decide(event, taken));
    }

    private void decide(RdmaEvent event, boolean taken) {
        try {
            if (!taken) {
                device.close(event.id());
                return;
            }
            var request = new NicRequest(device, event);
            try {
                handler.requested(request);
            } catch (RuntimeException broken) {
                LOG.error("{} has not been decided", request, broken);
            } finally {
                request.rejectUndecided();
            }
        } finally {
            undecided.decrementAndGet();
        }
    }

    @Override
    public InetSocketAddress address() {
        return address;
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            device.close(id);
        }
    }

    @Override
    public String toString() {
        return "listener at " + address;
    }
}
