package io.doorbell.rdmanic;

import io.doorbell.platform.IbvContext;
import io.doorbell.platform.PlatformException;
import io.doorbell.platform.RdmaCore;
import io.doorbell.platform.RdmaId;
import io.doorbell.reactor.Reactor;
import io.doorbell.verbs.CompletionQueue;
import io.doorbell.verbs.ConnectHandler;
import io.doorbell.verbs.ConnectListener;
import io.doorbell.verbs.ConnectParameters;
import io.doorbell.verbs.Connection;
import io.doorbell.verbs.ConnectionListener;
import io.doorbell.verbs.DeviceLimits;
import io.doorbell.verbs.ProtectionDomain;
import io.doorbell.verbs.QueuePairSetup;
import io.doorbell.verbs.SharedReceiveQueue;
import io.doorbell.verbs.VerbsDevice;
import io.doorbell.verbs.VerbsQueuePair;
import io.doorbell.verbs.provider.Checks;
import io.doorbell.verbs.provider.OwnerThread;
import io.doorbell.verbs.provider.Users;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An RDMA device at one IP address. An id that is bound to the address holds the device open: librdmacm opens it for the first id, and closes it after the
 * last.
 */
public final class NicDevice implements VerbsDevice {
    private static final Logger LOG = LoggerFactory.getLogger(NicDevice.class);

    private static final Path SYSTEM = Path.of("/sys/class/infiniband");

    /** How long the end of a device waits for its peers to confirm that connections have ended. */
    private static final Duration PART_BOUND = Duration.ofSeconds(1);

    private static final long LOOK_MILLIS = 20;

    /** To close a queue pair whose owner does not come round, of 5 s each. */
    private static final int MOST_TRIES = 120;

    private final NicEvents events;
    private final DataPath path;
    private final InetAddress address;
    private final RdmaId anchor;
    private final IbvContext context;
    private final String deviceName;
    private final String name;
    private final Path folder;
    private final DeviceLimits limits;
    private final int maxSharedRequests;
    private final boolean windows;
    private final boolean invalidates;
    private final Set<NicConnection> connections = ConcurrentHashMap.newKeySet();

    /** What hangs on the open device: domains, completion queues, ids. */
    private final AtomicInteger users = new AtomicInteger();

    private volatile boolean closed;

    /** Whoever lets the last user go ends it. */
    private volatile boolean parted;

    private final AtomicBoolean ended = new AtomicBoolean();

    /**
     * @param anchor bound to the address, and so to the device; this object's from now on
     * @param fatal called on the thread of events when the device has failed
     */
    NicDevice(NicEvents events, DataPath path, InetAddress address, RdmaId anchor, Runnable fatal) {
        this.events = events;
        this.path = path;
        this.address = address;
        this.anchor = anchor;
        context = anchor.context();
        deviceName = context.name();
        name = deviceName + "-" + address.getHostAddress();
        folder = SYSTEM.resolve(deviceName).resolve("ports").resolve(Integer.toString(context.port()));
        var has = context.attributes();
        limits = new DeviceLimits(
                has.maxQueuePairs(),
                has.maxRequests(),
                has.maxRequests(),
                has.maxSegments(),
                has.maxCompletions(),
                has.maxRegionBytes(),
                (int) Math.min(Integer.MAX_VALUE, has.maxMessageBytes()),
                Math.min(255, has.maxReads()));
        maxSharedRequests = has.maxSharedRequests();
        windows = (has.flags() & RdmaCore.WINDOWS_TYPE_2B) != 0;
        invalidates = (has.flags() & RdmaCore.MEMORY_MANAGEMENT_EXTENSIONS) != 0;
        events.add(context, fatal);
    }

    NicEvents events() {
        return events;
    }

    DataPath path() {
        return path;
    }

    InetAddress address() {
        return address;
    }

    /** As the kernel has it. */
    String deviceName() {
        return deviceName;
    }

    /** Whether it is Linux's software device, which alone has this file: {@code rxe_verbs.c}. */
    boolean isRxe() {
        return Files.exists(SYSTEM.resolve(deviceName).resolve("parent"));
    }

    /** Whether windows of type 2B can be had. */
    boolean hasWindows() {
        return windows && invalidates;
    }

    /** Whether a send can invalidate a key of the peer's. */
    boolean invalidates() {
        return invalidates;
    }

    int clipReads(int wanted) {
        return Math.min(wanted, limits.maxReads());
    }

    // Ids and connections.

    RdmaId createId(NicEvents.Handler handler) {
        retain();
        try {
            return events.createId(handler);
        } catch (PlatformException failed) {
            release();
            throw new IllegalStateException(name + ": " + failed.getMessage(), failed);
        }
    }

    /** An id that a request brought. */
    void adopt(RdmaId id, NicEvents.Handler handler) {
        users.incrementAndGet();
        events.handle(id, handler);
    }

    /** Closes an id, which takes a moment. Not on the thread of events. */
    void close(RdmaId id) {
        try {
            id.close();
        } catch (PlatformException stuck) {
            LOG.warn("{}: {}", name, stuck.getMessage());
        }
        events.forget(id);
        release();
    }

    void remember(NicConnection connection) {
        connections.add(connection);
    }

    void forget(NicConnection connection) {
        connections.remove(connection);
    }

    /** Counts first, so that an end that comes meanwhile sees it. */
    private void retain() {
        users.incrementAndGet();
        if (closed) {
            release();
            throw new IllegalStateException(name + " is closed");
        }
    }

    /** Any thread: the end, which takes a moment, has one of its own. */
    void release() {
        if (users.decrementAndGet() == 0 && parted) {
            Thread.ofVirtual().name("end of " + name).start(this::end);
        }
    }

    // The contract.

    @Override
    public String name() {
        return name;
    }

    @Override
    public DeviceLimits limits() {
        return limits;
    }

    @Override
    public List<InetAddress> addresses() {
        return List.of(address);
    }

    /** Makes something of the open device, which counts until {@link #release}. */
    private <T> T made(Supplier<T> maker) {
        retain();
        try {
            return maker.get();
        } catch (PlatformException none) {
            release();
            throw new IllegalStateException(name + ": " + none.getMessage(), none);
        }
    }

    @Override
    public ProtectionDomain allocateProtectionDomain() {
        return made(() -> new NicDomain(this, context.allocateDomain()));
    }

    @Override
    public CompletionQueue createCompletionQueue(Reactor owner, int entries) {
        Checks.within("entries of a completion queue", entries, limits.maxCompletions());
        return made(() -> new NicCompletionQueue(this, owner, entries, context.createCompletionQueue(entries)));
    }

    @Override
    public SharedReceiveQueue createSharedReceiveQueue(
            ProtectionDomain domain, Reactor owner, int entries, int segments) {
        Checks.within("receives", entries, maxSharedRequests);
        Checks.within("segments", segments, limits.maxSegments());
        var own = own(domain);
        own.users.retain();
        try {
            return new NicSharedReceiveQueue(own, owner, own.domain.createSharedReceiveQueue(entries, segments));
        } catch (PlatformException none) {
            own.users.release();
            throw new IllegalStateException(name + ": " + none.getMessage(), none);
        }
    }

    private NicDomain own(ProtectionDomain domain) {
        if (domain instanceof NicDomain nic && nic.device == this) {
            return nic;
        }
        throw new IllegalArgumentException("the protection domain is another device's");
    }

    NicQueuePair own(VerbsQueuePair pair) {
        if (pair instanceof NicQueuePair nic && nic.device() == this) {
            return nic;
        }
        throw new IllegalArgumentException("the queue pair is another device's");
    }

    @Override
    public VerbsQueuePair createQueuePair(QueuePairSetup setup) {
        Checks.queuePair(setup, limits);
        var domain = own(setup.domain());
        var sends = (NicCompletionQueue) setup.sendQueue();
        var receives = (NicCompletionQueue) setup.receiveQueue();
        var shared = (NicSharedReceiveQueue) setup.shared();
        if (shared != null && shared.domain != domain) {
            throw new IllegalArgumentException("the shared receive queue is of another protection domain");
        }
        var used = Users.retain(domain.users, sends.users, receives.users, shared == null ? null : shared.users);
        NicQueuePair pair;
        try {
            pair = new NicQueuePair(
                    domain,
                    setup,
                    used,
                    domain.domain.createQueuePair(
                            sends.queue(),
                            receives.queue(),
                            shared == null ? null : shared.queue,
                            setup.sendRequests(),
                            setup.receiveRequests(),
                            setup.segments()));
        } catch (RuntimeException none) {
            Users.release(used);
            throw none instanceof PlatformException refused
                    ? new IllegalStateException(name + " makes no queue pair: " + none.getMessage(), refused)
                    : none;
        }
        try {
            OwnerThread.run(sends.owner(), () -> {
                sends.add(pair);
                receives.add(pair);
            });
        } catch (RuntimeException late) {
            undo(pair, 1);
            throw late;
        }
        return pair;
    }

    /** Closes it, once the owner comes round: behind what it was asked before. */
    private void undo(NicQueuePair pair, int tries) {
        try {
            pair.close();
        } catch (PlatformException | IllegalStateException stuck) {
            if (tries == MOST_TRIES) {
                LOG.error("{}: {} cannot be closed", name, pair, stuck);
                return;
            }
            Thread.ofVirtual().name("end of " + pair).start(() -> undo(pair, tries + 1));
        }
    }

    @Override
    public ConnectListener listen(int port, ConnectHandler handler) {
        return new NicListener(this, new InetSocketAddress(address, port), handler);
    }

    @Override
    public Connection connect(
            VerbsQueuePair queuePair,
            InetSocketAddress peer,
            ConnectParameters parameters,
            byte[] privateData,
            ConnectionListener listener,
            Duration bound) {
        Checks.sameFamily(peer, address);
        Checks.privateData(privateData, Connection.MAX_CONNECT_BYTES);
        return new OutgoingRequest(this, own(queuePair), peer, parameters, bound).connect(privateData, listener);
    }

    /** What the kernel counts for the port, of all its addresses. */
    @Override
    public Map<String, Long> counters() {
        var all = new TreeMap<String, Long>();
        read(folder.resolve("counters"), all);
        read(folder.resolve("hw_counters"), all);
        return all;
    }

    private static void read(Path from, Map<String, Long> into) {
        try (var files = Files.list(from)) {
            for (var file : files.toList()) {
                try {
                    into.put(
                            file.getFileName().toString(),
                            Long.parseLong(Files.readString(file).strip()));
                } catch (IOException | NumberFormatException none) {
                    LOG.trace("{} is no counter", file, none);
                }
            }
        } catch (IOException gone) {
            LOG.debug("{} cannot be read", from, gone);
        }
    }

    /** Ends all connections. Queue pairs are of no use after; whoever made them closes them. */
    void close() {
        if (closed) {
            return;
        }
        closed = true;
        connections.forEach(NicConnection::disconnect);
        long deadline = System.nanoTime() + PART_BOUND.toNanos();
        while (!connections.isEmpty() && System.nanoTime() - deadline < 0) {
            try {
                Thread.sleep(LOOK_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                break;
            }
        }
        connections.forEach(NicConnection::closeId);
        parted = true;
        int left = users.get();
        if (left > 0) {
            LOG.warn("{} is still in use: it stays open until the last of {} objects of it is closed", name, left);
            return;
        }
        end();
    }

    /** Nothing hangs on the open device any more. */
    private void end() {
        if (!ended.compareAndSet(false, true)) {
            return;
        }
        events.remove(context);
        try {
            anchor.close();
        } catch (PlatformException stuck) {
            LOG.warn("{}: {}", name, stuck.getMessage());
        }
        events.forget(anchor);
    }

    @Override
    public String toString() {
        return name;
    }
}
