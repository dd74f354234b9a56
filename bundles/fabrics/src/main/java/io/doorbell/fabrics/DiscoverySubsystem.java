package io.doorbell.fabrics;

import io.doorbell.nvme.DiscoveryLog;
import io.doorbell.nvme.Nqn;
import io.doorbell.nvme.TransportId;
import io.doorbell.target.ControllerEvents;
import io.doorbell.target.ControllerSetup;
import io.doorbell.target.HostIdentity;
import io.doorbell.target.TargetController;
import io.doorbell.target.TargetSubsystem;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/** The well-known subsystem that tells hosts of the others. NVMe Base 2.1 §3.1.3.3 "Discovery Controller". Any thread. */
final class DiscoverySubsystem implements TargetSubsystem {
    /** Controllers at a time. */
    static final int MAX_CONTROLLERS = 1024;

    /** Entries of a log page; what is more is not told. */
    static final int MAX_ENTRIES = 1023;

    private static final int ANY_CONTROLLER = 0xFFFF;

    private final FabricTarget target;

    // Guarded by this.
    private final TreeMap<Integer, DiscoveryController> controllers = new TreeMap<>();
    private int lastId;
    private long generation = 1;

    DiscoverySubsystem(FabricTarget target) {
        this.target = target;
    }

    @Override
    public String nqn() {
        return Nqn.DISCOVERY;
    }

    @Override
    public String serial() {
        return "DISCOVERY";
    }

    @Override
    public String model() {
        return "Doorbell discovery";
    }

    @Override
    public List<AllocatedNamespace> namespaces() {
        return List.of();
    }

    @Override
    public TargetController createController(ControllerSetup setup, HostIdentity host, ControllerEvents events) {
        throw new UnsupportedOperationException("a discovery controller belongs to a connection");
    }

    synchronized DiscoveryController createController(
            FabricListener listener, FabricConnection connection, HostIdentity host, ControllerEvents events) {
        if (controllers.size() == MAX_CONTROLLERS) {
            throw new IllegalStateException(MAX_CONTROLLERS + " discovery controllers at most");
        }
        do {
            lastId = lastId % 0xFFEF + 1;
        } while (controllers.containsKey(lastId));
        var controller = new DiscoveryController(this, lastId, listener, connection, host, events);
        controllers.put(lastId, controller);
        return controller;
    }

    synchronized void closed(DiscoveryController controller) {
        controllers.remove(controller.controllerId());
    }

    /** Something is offered that was not, or not any more: hosts that asked for it are told. */
    void changed() {
        List<DiscoveryController> all;
        synchronized (this) {
            generation++;
            all = List.copyOf(controllers.values());
        }
        all.forEach(DiscoveryController::changed);
    }

    synchronized long nextGeneration() {
        return ++generation;
    }

    synchronized long generation() {
        return generation;
    }

    /** What a host may know of, as seen from its connection: subsystems that it may not connect to are none for it. */
    List<Entry> entries(FabricListener from, FabricConnection connection, HostIdentity host) {
        var entries = new ArrayList<Entry>();
        for (var listener : target.listeners()) {
            String traddr = listener.hasAllAddresses() ? connection.localAddress() : listener.traddr();
            var at = new TransportId(listener.trtype(), traddr, listener.trsvcid(), "", 0);
            if (listener == from) {
                entries.add(new Entry(at, Nqn.DISCOVERY, DiscoveryLog.SUBTYPE_CURRENT_DISCOVERY, listener.secured()));
            }
            for (var subsystem : target.subsystems()) {
                if (target.isOffered(listener, subsystem) && subsystem.allows(host.nqn())) {
                    entries.add(new Entry(at, subsystem.nqn(), DiscoveryLog.SUBTYPE_NVM, listener.secured()));
                }
            }
        }
        for (var referral : target.referrals()) {
            entries.add(new Entry(referral, Nqn.DISCOVERY, DiscoveryLog.SUBTYPE_REFERRAL, false));
        }
        return entries.size() > MAX_ENTRIES ? List.copyOf(entries.subList(0, MAX_ENTRIES)) : List.copyOf(entries);
    }

    static MemorySegment page(List<Entry> entries, long generation) {
        int count = entries.size();
        var page = MemorySegment.ofArray(new byte[DiscoveryLog.HEADER_BYTES + count * DiscoveryLog.ENTRY_BYTES]);
        DiscoveryLog.GENCTR.set(page, generation);
        DiscoveryLog.NUMREC.set(page, (long) count);
        for (int i = 0; i < count; i++) {
            entries.get(i).writeTo(page, DiscoveryLog.HEADER_BYTES + (long) i * DiscoveryLog.ENTRY_BYTES);
        }
        return page;
    }

    /** An entry of the log page. */
    record Entry(TransportId at, String nqn, int subtype, boolean secured) {
        void writeTo(MemorySegment page, long start) {
            boolean tcp = at.trtype() == TransportId.Type.TCP;
            DiscoveryLog.TRTYPE.set(page, start, tcp ? DiscoveryLog.TRTYPE_TCP : DiscoveryLog.TRTYPE_RDMA);
            DiscoveryLog.ADRFAM.set(
                    page,
                    start,
                    at.adrfam() == TransportId.AddressFamily.IPV4
                            ? DiscoveryLog.ADRFAM_IPV4
                            : DiscoveryLog.ADRFAM_IPV6);
            DiscoveryLog.SUBTYPE.set(page, start, subtype);
            DiscoveryLog.TREQ.set(
                    page,
                    start,
                    DiscoveryLog.TREQ_FLOW_CONTROL_DISABLE
                            | (secured
                                    ? DiscoveryLog.TREQ_SECURE_CHANNEL_REQUIRED
                                    : DiscoveryLog.TREQ_SECURE_CHANNEL_NOT_REQUIRED));
            DiscoveryLog.CNTLID.set(page, start, ANY_CONTROLLER);
            DiscoveryLog.ASQSZ.set(page, start, FabricListener.MIN_QUEUE_ENTRIES);
            DiscoveryLog.EFLAGS.set(
                    page,
                    start,
                    subtype == DiscoveryLog.SUBTYPE_CURRENT_DISCOVERY ? DiscoveryLog.EFLAGS_EXPLICIT_PERSISTENT : 0);
            DiscoveryLog.TRSVCID.set(page, start, at.trsvcid());
            DiscoveryLog.SUBNQN.set(page, start, nqn);
            DiscoveryLog.TRADDR.set(page, start, at.traddr());
            if (tcp && secured) {
                DiscoveryLog.TCP_SECTYPE.set(page, start, DiscoveryLog.SECTYPE_TLS_13);
            }
            if (!tcp) {
                DiscoveryLog.RDMA_QPTYPE.set(page, start, 1);
                DiscoveryLog.RDMA_PRTYPE.set(page, start, 1);
                DiscoveryLog.RDMA_CMS.set(page, start, 1);
            }
        }
    }
}
