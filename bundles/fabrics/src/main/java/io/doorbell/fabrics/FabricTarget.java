package io.doorbell.fabrics;

import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.Nqn;
import io.doorbell.nvme.TlsKey;
import io.doorbell.nvme.TlsPskIdentity;
import io.doorbell.nvme.TransportId;
import io.doorbell.target.AccessStates;
import io.doorbell.target.ControllerSetup;
import io.doorbell.target.HostIdentity;
import io.doorbell.target.TargetSubsystem;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What of this node hosts on a network can reach: its subsystems, through the listeners of transports, and the discovery subsystem, which
 * tells of both. A service. Any thread.
 */
public final class FabricTarget implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(FabricTarget.class);

    /** The most controllers of all hosts at once. */
    public static final int MAX_ASSOCIATIONS = 4096;

    /** How long {@link #remove} waits for connections to end. */
    private static final long END_BOUND_NANOS = TimeUnit.SECONDS.toNanos(4);

    private record Key(String nqn, int controllerId) {}

    private final DiscoverySubsystem discovery = new DiscoverySubsystem(this);

    // Guarded by this.
    private final Map<String, TargetSubsystem> subsystems = new LinkedHashMap<>();
    private final List<FabricListener> listeners = new ArrayList<>();
    private final Map<Key, Association> associations = new HashMap<>();
    private final List<FabricHost> hosts = new ArrayList<>();
    private final Map<FabricListener, AccessStates> accessStates = new HashMap<>();
    private List<TransportId> referrals = List.of();
    private boolean closed;

    private final Runnable accessChanged = discovery::changed;
    private final Complaints complaints;

    /** Runs what may wait: who may connect is asked where a reactor cannot. */
    private final Executor control;

    public FabricTarget() {
        this(task -> Thread.ofVirtual().name("fabrics control").start(task));
    }

    /** @param control runs what may wait for a lock, or for a disk; on any thread */
    public FabricTarget(Executor control) {
        this(control, new Complaints(LOG, "hosts"));
    }

    FabricTarget(Executor control, Complaints complaints) {
        this.control = control;
        this.complaints = complaints;
    }

    Executor control() {
        return control;
    }

    /** Of hosts, at whichever listener. */
    Complaints complaints() {
        return complaints;
    }

    /** A subsystem that hosts may connect to; when there is one of the name already, that stays. */
    public void add(TargetSubsystem subsystem) {
        synchronized (this) {
            if (subsystems.putIfAbsent(subsystem.nqn(), subsystem) != null) {
                LOG.warn("a second subsystem {} is not offered to hosts", subsystem.nqn());
                return;
            }
        }
        subsystem.watchAccess(accessChanged);
        discovery.changed();
    }

    /** The subsystem goes: connections to it are ended, within a bound. */
    public void remove(TargetSubsystem subsystem) {
        List<Association> ending;
        synchronized (this) {
            if (!subsystems.remove(subsystem.nqn(), subsystem)) {
                return;
            }
            ending = associations.values().stream()
                    .filter(association -> association.subsystem() == subsystem)
                    .toList();
        }
        subsystem.unwatchAccess(accessChanged);
        discovery.changed();
        end(ending, "the subsystem goes");
    }

    private static void end(List<Association> ending, String reason) {
        ending.forEach(association -> association.end(reason));
        long deadline = System.nanoTime() + END_BOUND_NANOS;
        for (var association : ending) {
            if (!association.awaitEnd(deadline)) {
                LOG.warn("{} has not ended in time", association);
            }
        }
    }

    /** Discovery controllers elsewhere that hosts are told of. */
    public void referrals(List<TransportId> elsewhere) {
        for (var referral : elsewhere) {
            if (!referral.trtype().isFabric()) {
                throw new IllegalArgumentException("referral " + referral + ": RDMA or TCP");
            }
        }
        synchronized (this) {
            if (referrals.equals(elsewhere)) {
                return;
            }
            referrals = List.copyOf(elsewhere);
        }
        discovery.changed();
    }

    /** A host that has keys. Counts from its next Connect on. */
    public synchronized void add(FabricHost host) {
        hosts.add(host);
    }

    public synchronized void remove(FabricHost host) {
        hosts.remove(host);
    }

    /** As who a host has to authenticate itself with a subsystem, or null where it need not. */
    synchronized FabricHost authenticating(String hostNqn, String subsystemNqn) {
        return hosts.stream()
                .filter(host -> host.nqn().equals(hostNqn) && host.authenticatesAt(subsystemNqn))
                .findFirst()
                .orElse(null);
    }

    /** The key that a host names in a handshake of TLS, or null where it has none here. Control path, since it is read from a file. */
    public TlsKey tlsKey(TlsPskIdentity identity) {
        FabricHost known;
        synchronized (this) {
            known = hosts.stream()
                    .filter(host -> host.nqn().equals(identity.hostNqn()) && host.isSecuredAt(identity.subsystemNqn()))
                    .findFirst()
                    .orElse(null);
        }
        if (known == null) {
            return null;
        }
        try {
            return known.keys().tls();
        } catch (IOException wrong) {
            complaints.say(identity.hostNqn() + " has no key for TLS: " + wrong.getMessage());
            return null;
        }
    }

    /** A transport listens. */
    public void add(FabricListener listener) {
        synchronized (this) {
            listeners.add(listener);
        }
        discovery.changed();
    }

    /**
     * How hosts reach ANA groups through a listener, from now on; before it is added too. Those that are connected by it are told, and
     * stay connected.
     */
    public synchronized void accessStates(FabricListener listener, AccessStates states) {
        accessStates.put(listener, states);
        for (var association : associations.values()) {
            if (association.listener() == listener) {
                association.controller().accessStates(states);
            }
        }
    }

    public void remove(FabricListener listener) {
        synchronized (this) {
            accessStates.remove(listener);
            if (!listeners.remove(listener)) {
                return;
            }
        }
        discovery.changed();
    }

    synchronized List<FabricListener> listeners() {
        return List.copyOf(listeners);
    }

    synchronized List<TargetSubsystem> subsystems() {
        return List.copyOf(subsystems.values());
    }

    synchronized List<TransportId> referrals() {
        return referrals;
    }

    synchronized TargetSubsystem subsystem(String nqn) {
        return nqn.equals(Nqn.DISCOVERY) ? discovery : subsystems.get(nqn);
    }

    boolean isOffered(FabricListener listener, TargetSubsystem subsystem) {
        return subsystem == discovery || listener.offers(subsystem.nqn());
    }

    synchronized Association association(TargetSubsystem subsystem, int controllerId) {
        return associations.get(new Key(subsystem.nqn(), controllerId));
    }

    /** Whether some host has a controller of this id, at whatever subsystem. */
    public synchronized boolean hasController(int controllerId) {
        return associations.keySet().stream().anyMatch(key -> key.controllerId() == controllerId);
    }

    /** How many controllers hosts have now. */
    public synchronized int associations() {
        return associations.size();
    }

    /** Makes a controller for who connects. */
    Association associate(Connect connect, TargetSubsystem subsystem, HostIdentity host) {
        synchronized (this) {
            if (closed || associations.size() >= MAX_ASSOCIATIONS) {
                throw new IllegalStateException(MAX_ASSOCIATIONS + " controllers at most");
            }
        }
        var association = new Association(this, subsystem, host, connect.queue());
        var controller = subsystem == discovery
                ? discovery.createController(connect.listener(), connect.queue().connection(), host, association)
                : subsystem.createController(setup(connect.listener(), connect.queue()), host, association);
        association.controller(controller);
        boolean gone;
        synchronized (this) {
            gone = closed || (subsystem != discovery && subsystems.get(subsystem.nqn()) != subsystem);
            if (!gone) {
                // Of one that has gone the identifier may belong to a controller of its successor.
                associations.put(new Key(subsystem.nqn(), controller.controllerId()), association);
            }
            controller.accessStates(accessStates.getOrDefault(connect.listener(), AccessStates.ALL_OPTIMIZED));
        }
        if (gone) {
            association.end("the subsystem goes");
        }
        return association;
    }

    private static ControllerSetup setup(FabricListener listener, FabricQueue queue) {
        return new ControllerSetup(
                listener.name() + " " + queue.connection().peer(),
                false,
                0,
                listener.maxQueueEntries(),
                listener.maxIoQueues(),
                0,
                listener.maxTransferPages(),
                false,
                listener.sgls() | IdentifyController.SGLS_OFFSET,
                true,
                listener.inCapsuleBytes(),
                listener.sglDescriptors());
    }

    void forget(Association association) {
        synchronized (this) {
            var key = new Key(
                    association.subsystem().nqn(), association.controller().controllerId());
            associations.remove(key, association);
        }
    }

    /** Ends all connections, within a bound. */
    @Override
    public void close() {
        List<Association> ending;
        synchronized (this) {
            closed = true;
            subsystems.values().forEach(subsystem -> subsystem.unwatchAccess(accessChanged));
            ending = List.copyOf(associations.values());
        }
        end(ending, "the target goes");
    }
}
