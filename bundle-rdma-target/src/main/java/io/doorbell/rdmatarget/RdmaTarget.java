package io.doorbell.rdmatarget;

import io.doorbell.fabrics.Complaints;
import io.doorbell.fabrics.ConnectionLender;
import io.doorbell.fabrics.FabricListener;
import io.doorbell.fabrics.FabricTarget;
import io.doorbell.fabrics.ListenerKeeper;
import io.doorbell.fabrics.ListenerSettings;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.TransportId;
import io.doorbell.reactor.Reactor;
import io.doorbell.reactor.Reactors;
import io.doorbell.target.AccessStates;
import io.doorbell.verbs.ConnectListener;
import io.doorbell.verbs.ConnectParameters;
import io.doorbell.verbs.ConnectRequest;
import io.doorbell.verbs.VerbsDevice;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.ToIntFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A place where hosts connect by NVMe/RDMA: a port of an RDMA device. Control plane, any thread. */
public final class RdmaTarget implements ListenerKeeper.Listening {
    private static final Logger LOG = LoggerFactory.getLogger(RdmaTarget.class);

    /** How long a reactor may take to let its connections go. */
    private static final Duration CLOSE_BOUND = Duration.ofSeconds(10);

    private static final int CLOSE_TRIES = 3;

    private static final long LOOK_NANOS = 1_000_000;

    private final RdmaTargetSettings settings;
    private final VerbsDevice device;
    private final FabricTarget target;
    private final Complaints complaints;
    private final List<RdmaReactor> members = new ArrayList<>();

    /** The device listens before all is there that a host needs: the first of them waits for it. */
    private final CountDownLatch begun = new CountDownLatch(1);

    private ConnectListener listening;
    private volatile FabricListener listener;
    private volatile boolean closed;

    private RdmaTarget(RdmaTargetSettings settings, VerbsDevice device, FabricTarget target) {
        this.settings = fitted(settings, device.name(), device.limits().maxSegments());
        this.device = device;
        this.target = target;
        complaints = new Complaints(LOG, settings.name());
    }

    /** With transfers as long as the device moves with one request, where it takes fewer pieces of memory than were wanted. */
    static RdmaTargetSettings fitted(RdmaTargetSettings settings, String device, int most) {
        int bytes = settings.maxTransferBytes();
        while (RdmaReactor.segments(bytes) > most && bytes > ListenerSettings.MIN_TRANSFER_BYTES) {
            bytes /= 2;
        }
        if (bytes < settings.maxTransferBytes()) {
            LOG.warn(
                    "{}: the longest transfer is {} bytes and not {}: {} takes {} segments of a request",
                    settings.name(),
                    bytes,
                    settings.maxTransferBytes(),
                    device,
                    most);
        }
        return settings.withMaxTransfer(bytes);
    }

    /**
     * Listens from now on.
     *
     * @throws IllegalArgumentException if somebody listens there, or the device has not what the settings want
     */
    public static RdmaTarget open(
            RdmaTargetSettings settings, VerbsDevice device, FabricTarget target, Reactors reactors) {
        return open(settings, AccessStates.ALL_OPTIMIZED, device, target, reactors, ConnectionLender.UNCOUNTED);
    }

    /** As above, with ANA states that hosts find from the start, and connections on lease. */
    public static RdmaTarget open(
            RdmaTargetSettings settings,
            AccessStates states,
            VerbsDevice device,
            FabricTarget target,
            Reactors reactors,
            ConnectionLender lender) {
        var made = new RdmaTarget(settings, device, target);
        try {
            made.begin(states, reactors, lender);
            return made;
        } catch (RuntimeException failed) {
            made.close();
            throw failed;
        }
    }

    private void begin(AccessStates states, Reactors reactors, ConnectionLender lender) {
        listening = device.listen(settings.port(), this::requested);
        listener = FabricListener.of(
                settings,
                TransportId.Type.RDMA,
                address(),
                IdentifyController.SGLS_SUPPORTED_BYTE_ALIGNED | IdentifyController.SGLS_KEYED,
                RdmaRequest.MAX_BLOCKS,
                false,
                lender);
        accessStates(states);
        int connections = (settings.maxConnections() + settings.reactors() - 1) / settings.reactors();
        for (int i = 0; i < settings.reactors(); i++) {
            addReactor(reactors.open(settings.name() + "-" + i, Reactors.Role.DEVICE, Reactors.ANY_CPU), connections);
        }
        target.add(listener);
        begun.countDown();
        LOG.info("{} listens at {} of {}", settings.name(), address().toString().substring(1), device.name());
    }

    private void addReactor(Reactor reactor, int connections) {
        try {
            var member = new RdmaReactor(reactor, settings, target, listener, device, connections);
            reactor.add(member);
            synchronized (members) {
                members.add(member);
            }
        } catch (RuntimeException failed) {
            reactor.close();
            throw failed;
        }
    }

    /** A host wants a queue pair. On a virtual thread of its own. */
    private void requested(ConnectRequest request) {
        awaitBegun();
        var data = ConnectData.parse(request.privateData());
        int problem = data.problem(
                settings.maxQueueEntries(),
                settings.maxIoQueues(),
                request.offered().initiatorDepth(),
                target::hasController);
        if (problem != 0) {
            complaints.say(request.peer() + " is rejected, status " + problem + ": " + data);
            request.reject(ConnectData.rejected(problem));
            return;
        }
        // Whose it is its Connect will say, and then it is leased. With none left it need not come so far.
        if (!closed && listener.leases().free() == 0) {
            complaints.say(request.peer() + " is rejected: no queue pair is left to be leased");
            request.reject(ConnectData.rejected(ConnectData.NO_RESOURCES));
            return;
        }
        var member = least();
        var connection = member == null ? null : make(member, request, data);
        if (connection == null) {
            request.reject(ConnectData.rejected(ConnectData.NO_RESOURCES));
            return;
        }
        try {
            int reads =
                    Math.min(request.offered().initiatorDepth(), device.limits().maxReads());
            member.reactor.call(
                    () -> {
                        connection.readsAtMost(reads);
                        member.adopt(connection);
                        return null;
                    },
                    CLOSE_BOUND);
            request.accept(
                    connection.pair(),
                    ConnectParameters.DEFAULT.withReads(0, reads),
                    ConnectData.accepted(data.commands()),
                    connection);
        } catch (RuntimeException failed) {
            complaints.tell(request.peer() + " was not connected: " + failed.getMessage());
            if (connection.claim()) {
                try {
                    request.reject(ConnectData.rejected(ConnectData.NO_RESOURCES));
                } finally {
                    member.discard(connection);
                }
            } else {
                connection.disconnected("it was not accepted");
            }
        }
    }

    private void awaitBegun() {
        try {
            begun.await(); // close() ends it too
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private RdmaConnection make(RdmaReactor member, ConnectRequest request, ConnectData data) {
        try {
            var made = member.make(request, data.commands());
            if (made == null) {
                complaints.say(request.peer() + " is rejected: all connections are in use");
            }
            return made;
        } catch (RuntimeException full) {
            complaints.say(request.peer() + " is rejected: " + full.getMessage());
            return null;
        }
    }

    /** Whoever has the fewest connections gets it. */
    private RdmaReactor least() {
        RdmaReactor least = null;
        synchronized (members) {
            for (var member : members) {
                if (!closed
                        && !member.isBroken()
                        && (least == null || member.connectionCount() < least.connectionCount())) {
                    least = member;
                }
            }
        }
        return least;
    }

    /** Where it listens; with the port that it got. */
    @Override
    public InetSocketAddress address() {
        return listening.address();
    }

    @Override
    public void accessStates(AccessStates states) {
        target.accessStates(listener, states);
    }

    /** Connections of hosts. */
    @Override
    public int connections() {
        synchronized (members) {
            return members.stream().mapToInt(RdmaReactor::connectionCount).sum();
        }
    }

    /** The device counts, and for all of its users together. */
    @Override
    public SortedMap<String, Long> counters() {
        return Collections.emptySortedMap();
    }

    /** What connections hold of the memory for data, for tests: nothing when there are none. */
    int heldChunks() {
        return sum(RdmaReactor::heldChunks);
    }

    /** Connections that are served, for tests. */
    int adopted() {
        return sum(RdmaReactor::adopted);
    }

    private int sum(ToIntFunction<RdmaReactor> what) {
        return members.stream()
                .mapToInt(member -> member.reactor.call(() -> what.applyAsInt(member), CLOSE_BOUND))
                .sum();
    }

    /** Ends all connections, and listens no more. Idempotent. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        begun.countDown();
        if (listening != null) {
            listening.close();
        }
        if (listener != null) {
            target.remove(listener);
        }
        for (var member : members) {
            try {
                end(member);
            } catch (RuntimeException stuck) {
                LOG.error("{} has not ended well", member, stuck);
            }
        }
        if (listener != null) {
            listener.leases().close();
        }
        members.forEach(member -> member.reactor.close());
    }

    private static void end(RdmaReactor member) {
        for (int tries = 1; !isLetGo(member, tries); tries++) {
            LOG.warn("{} does not come round, try {}", member.reactor, tries);
            LockSupport.parkNanos(LOOK_NANOS);
        }
        long deadline = System.nanoTime() + CLOSE_BOUND.toNanos();
        while (member.connectionCount() > 0 && System.nanoTime() - deadline < 0) {
            LockSupport.parkNanos(LOOK_NANOS);
        }
        member.close();
    }

    /** Whether its reactor has let go of it and of its connections; each step does nothing when it is done already. */
    private static boolean isLetGo(RdmaReactor member, int tries) {
        try {
            member.reactor.remove(member);
            member.reactor.call(
                    () -> {
                        member.closeConnections();
                        return null;
                    },
                    CLOSE_BOUND);
            return true;
        } catch (IllegalStateException | RejectedExecutionException late) {
            if (tries == CLOSE_TRIES || !member.reactor.thread().isAlive()) {
                throw late;
            }
            return false;
        }
    }

    @Override
    public String toString() {
        return "NVMe/RDMA target " + settings.name() + " at " + address();
    }
}
