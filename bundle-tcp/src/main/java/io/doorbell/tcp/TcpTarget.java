package io.doorbell.tcp;

import io.doorbell.fabrics.ConnectionLender;
import io.doorbell.fabrics.FabricListener;
import io.doorbell.fabrics.FabricTarget;
import io.doorbell.fabrics.ListenerKeeper;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.TransportId;
import io.doorbell.platform.TcpSocket;
import io.doorbell.reactor.Reactor;
import io.doorbell.reactor.Reactors;
import io.doorbell.target.AccessStates;
import io.doorbell.tcp.tls.TlsSession;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.concurrent.RejectedExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A place where hosts connect by NVMe/TCP. Control plane, any thread. */
public final class TcpTarget implements ListenerKeeper.Listening {
    private static final Logger LOG = LoggerFactory.getLogger(TcpTarget.class);

    private static final int BACKLOG = 1024;

    /** How long a reactor may take to let its connections go. */
    private static final Duration CLOSE_BOUND = Duration.ofSeconds(10);

    private final FabricTarget target;
    private final FabricListener listener;
    private final InetSocketAddress address;
    private final List<TcpReactor> members = new ArrayList<>();
    private boolean closed;

    private TcpTarget(FabricTarget target, FabricListener listener, InetSocketAddress address) {
        this.target = target;
        this.listener = listener;
        this.address = address;
    }

    /**
     * Listens from now on.
     *
     * @throws io.doorbell.platform.PlatformException if the address is not this machine's, or taken
     */
    public static TcpTarget open(TcpTargetSettings settings, FabricTarget target, Reactors reactors) {
        return open(settings, AccessStates.ALL_OPTIMIZED, target, reactors, ConnectionLender.UNCOUNTED);
    }

    /** As above, with ANA states that hosts find from the start, and connections on lease. */
    public static TcpTarget open(
            TcpTargetSettings settings,
            AccessStates states,
            FabricTarget target,
            Reactors reactors,
            ConnectionLender lender) {
        var socket = TcpSocket.listen(settings.socketAddress(), BACKLOG);
        TcpTarget made = null;
        try {
            var address = socket.localAddress();
            made = new TcpTarget(target, listener(settings, address, lender), address);
            made.accessStates(states);
            for (int i = 0; i < settings.reactors(); i++) {
                made.addReactor(
                        settings, reactors.open(settings.name() + "-" + i, Reactors.Role.DEVICE, Reactors.ANY_CPU));
            }
            if (settings.tls()) {
                Thread.ofVirtual().name("TLS of " + settings.name()).start(TcpTarget::warmUp);
            }
            made.begin(socket);
            LOG.info("{} listens at {}", settings.name(), address.toString().substring(1));
            return made;
        } catch (RuntimeException failed) {
            socket.close();
            if (made != null) {
                made.close();
            }
            throw failed;
        }
    }

    static FabricListener listener(TcpTargetSettings settings, InetSocketAddress address, ConnectionLender lender) {
        int sgls = IdentifyController.SGLS_SUPPORTED_BYTE_ALIGNED;
        return FabricListener.of(settings, TransportId.Type.TCP, address, sgls, 1, settings.tls(), lender);
    }

    private void addReactor(TcpTargetSettings settings, Reactor reactor) {
        try {
            int connections = (settings.maxConnections() + settings.reactors() - 1) / settings.reactors();
            var member = new TcpReactor(reactor, settings, target, listener, connections);
            members.add(member);
            reactor.add(member);
        } catch (RuntimeException failed) {
            reactor.close();
            throw failed;
        }
    }

    /** Or the first host would wait for it. */
    private static void warmUp() {
        try {
            TlsSession.warmUp();
        } catch (IOException defect) {
            LOG.error("TLS does not work on this machine", defect);
        }
    }

    private void begin(TcpSocket socket) {
        var first = members.getFirst();
        first.reactor.call(
                () -> {
                    first.listen(socket, this::assign);
                    return null;
                },
                CLOSE_BOUND);
        target.add(listener);
    }

    /** Whoever has the fewest connections gets it. On the first reactor. */
    private void assign(TcpSocket socket) {
        var least = members.getFirst();
        for (var member : members) {
            if (member.connectionCount() < least.connectionCount()) {
                least = member;
            }
        }
        var chosen = least;
        if (chosen.reactor.isCurrent()) {
            chosen.adopt(socket);
            return;
        }
        try {
            chosen.reactor.execute(() -> chosen.adopt(socket));
        } catch (RejectedExecutionException full) {
            LOG.warn("{} is too busy for a connection", chosen, full);
            socket.close();
        }
    }

    /** Where it listens; with the port that it got. */
    @Override
    public InetSocketAddress address() {
        return address;
    }

    @Override
    public void accessStates(AccessStates states) {
        target.accessStates(listener, states);
    }

    /** Connections of hosts. */
    @Override
    public int connections() {
        return members.stream().mapToInt(TcpReactor::connectionCount).sum();
    }

    /** What happened to connections since it listens, by name. */
    @Override
    public SortedMap<String, Long> counters() {
        var sum = TcpCounters.none();
        members.forEach(member -> member.counters.addTo(sum));
        return sum;
    }

    /** What connections hold of the memory, for tests: nothing when there are none. */
    int heldParts() {
        return members.stream()
                .mapToInt(member -> member.reactor.call(member::heldParts, CLOSE_BOUND))
                .sum();
    }

    /** Ends all connections, and listens no more. Idempotent. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        target.remove(listener);
        for (var member : members) {
            try {
                member.reactor.remove(member);
                member.reactor.call(
                        () -> {
                            member.close();
                            return null;
                        },
                        CLOSE_BOUND);
            } catch (RuntimeException stuck) {
                LOG.error("{} has not ended well", member, stuck);
            }
        }
        listener.leases().close();
        members.forEach(member -> member.reactor.close());
    }

    @Override
    public String toString() {
        return "NVMe/TCP target " + listener.name() + " at " + address;
    }
}
