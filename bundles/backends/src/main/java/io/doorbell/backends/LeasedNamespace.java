package io.doorbell.backends;

import io.doorbell.host.NvmeController;
import io.doorbell.lease.ResourceManager;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.TransportId;
import io.doorbell.reactor.Reactor;
import io.doorbell.storage.BlockFormat;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceShape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A namespace on an NVMe controller, whoever drives that. Each reactor has a queue pair of it on lease ({@link LeasedQueue});
 * the controller, its driver and the leases may go and come again, and the namespace stays. Any thread.
 */
final class LeasedNamespace implements Namespace {
    private static final Logger LOG = LoggerFactory.getLogger(LeasedNamespace.class);

    /** How long {@link #close} waits for the leases to be back. */
    private static final Duration CLOSE_BOUND = Duration.ofSeconds(10);

    private final ResourceManager resources;
    private final NvmeBackendOptions options;
    private final TransportId place;
    private final NamespaceShape shape;

    /** As it was found first: what stands for it later has to be the same. */
    private final DeviceNamespace found;

    /** What its controller can do, as it was seen last. */
    private volatile DeviceNamespace device;

    /** Keepers that have not ended. */
    private final Set<LeaseKeeper> keepers = ConcurrentHashMap.newKeySet();

    // Guarded by this.
    private final Map<Reactor, LeasedQueue> queues = new HashMap<>();
    private boolean closed;

    /** @param place with the namespace */
    LeasedNamespace(
            ResourceManager resources, NvmeBackendOptions options, TransportId place, NvmeController controller) {
        this.resources = resources;
        this.options = options;
        this.place = place;
        try {
            found = DeviceNamespace.read(controller, place.ns());
        } catch (NvmeException | IllegalStateException refused) {
            throw new UncheckedIOException(new IOException(refused.getMessage(), refused));
        }
        device = found;
        shape = found.shape("nvme " + place);
        LOG.info("{} is {}, {} blocks of {}", this, found.identity(), found.blockCount(), found.format());
    }

    @Override
    public NamespaceShape shape() {
        return shape;
    }

    TransportId place() {
        return place;
    }

    DeviceNamespace device() {
        return device;
    }

    ResourceManager resources() {
        return resources;
    }

    NvmeBackendOptions options() {
        return options;
    }

    /**
     * That the controller has the same namespace still, or again.
     *
     * @throws IllegalStateException why it has not
     */
    DeviceNamespace verified(NvmeController controller) {
        DeviceNamespace now;
        try {
            now = DeviceNamespace.read(controller, place.ns());
        } catch (IllegalArgumentException unservable) {
            throw new IllegalStateException(unservable.getMessage(), unservable);
        }
        var difference = found.differs(now);
        if (difference != null) {
            throw new IllegalStateException(this + ": " + difference);
        }
        device = now;
        return now;
    }

    @Override
    public synchronized LeasedSession open(Reactor reactor) {
        if (closed) {
            throw new IllegalStateException(this + " is closed");
        }
        var queue = queues.get(reactor);
        if (queue == null) {
            queue = new LeasedQueue(this, reactor, options.pause().toNanos());
            var keeper = new LeaseKeeper(this, queue);
            queue.keptBy(keeper);
            keepers.add(keeper);
            reactor.add(queue);
            queues.put(reactor, queue);
            keeper.start();
        }
        return queue.open();
    }

    /** The last session of a queue has been closed. On its reactor. */
    void closed(LeasedQueue queue, LeaseKeeper keeper) {
        synchronized (this) {
            queues.remove(queue.reactor(), queue);
        }
        keeper.stop();
    }

    void ended(LeaseKeeper keeper) {
        keepers.remove(keeper);
    }

    /** Not handed on: the device's namespace may have other users, who would lose what they have without having been asked. */
    @Override
    public void format(BlockFormat format) {
        throw new UnsupportedOperationException(this + " is not formatted through here, because its controller may have"
                + " other users: format namespace " + Integer.toUnsignedString(place.ns()) + " of "
                + place.withoutNamespace() + " itself; this one is opened anew then");
    }

    /** As {@link #format(BlockFormat)}. */
    @Override
    public boolean erase(Erasure erasure, Progress progress) {
        throw new UnsupportedOperationException(this + " is not sanitized through here, because its controller may have"
                + " other users: sanitize " + place.withoutNamespace() + " itself");
    }

    @Override
    public void flush() {
        if (device.volatileCache()) {
            try (var path = new ControlPath(this, "flush")) {
                path.flush();
            }
        }
    }

    @Override
    public boolean scan(Progress progress) {
        try (var path = new ControlPath(this, "self-test")) {
            return path.scan(progress);
        }
    }

    @Override
    public void close() {
        List<LeaseKeeper> going;
        synchronized (this) {
            closed = true;
            going = new ArrayList<>(keepers);
        }
        going.forEach(LeaseKeeper::stop);
        long deadline = System.nanoTime() + CLOSE_BOUND.toNanos();
        for (var keeper : going) {
            if (!keeper.awaitEnd(deadline)) {
                LOG.warn("{}: a lease is not back after {}", this, CLOSE_BOUND);
            }
        }
    }

    @Override
    public String toString() {
        return "nvme " + place;
    }
}
