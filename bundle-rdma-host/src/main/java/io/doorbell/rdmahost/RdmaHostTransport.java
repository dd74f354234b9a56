package io.doorbell.rdmahost;

import io.doorbell.fabrics.host.HostConnection;
import io.doorbell.fabrics.host.HostLink;
import io.doorbell.fabrics.host.HostTransport;
import io.doorbell.host.DmaAllocation;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.TransportId;
import io.doorbell.reactor.Reactors;
import io.doorbell.verbs.ConnectException;
import io.doorbell.verbs.ConnectParameters;
import io.doorbell.verbs.ProtectionDomain;
import io.doorbell.verbs.VerbsDevice;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * NVMe/RDMA to one address, from one device. Control plane: any thread.
 *
 * <p>Connections have reactors of their own, since the owner of a queue pair may be any thread, may change, may stand still, and must not
 * hold up acknowledgements, which a software device gives on the thread of its queues.
 */
public final class RdmaHostTransport implements HostTransport {
    private static final Logger LOG = LoggerFactory.getLogger(RdmaHostTransport.class);

    /** Names of reactors are unique in a node. */
    private static final AtomicInteger TRANSPORTS = new AtomicInteger();

    private final String name;
    private final InetSocketAddress address;
    private final RdmaHostSettings settings;
    private final VerbsDevice device;
    private final Reactors reactors;
    private final ProtectionDomain domain;
    private final RegisteredMemory memory;
    private final int number = TRANSPORTS.incrementAndGet();

    // Guarded by this.
    private final List<HostReactor> threads = new ArrayList<>();

    /** @param id of type RDMA; only its address counts */
    public RdmaHostTransport(TransportId id, RdmaHostSettings settings, VerbsDevice device, Reactors reactors) {
        if (id.trtype() != TransportId.Type.RDMA) {
            throw new IllegalArgumentException(id + " is not reached by RDMA");
        }
        this.settings = settings;
        this.device = device;
        this.reactors = reactors;
        address = new InetSocketAddress(InetAddress.ofLiteral(id.traddr()), Integer.parseInt(id.trsvcid()));
        name = id.traddr() + ":" + id.trsvcid();
        domain = device.allocateProtectionDomain();
        memory = new RegisteredMemory(name, domain, (long) settings.memoryMebibytes() << 20, this::end);
    }

    @Override
    public HostConnection connect(int queueId, int controllerId, int entries, Duration bound) {
        var attempted = name + ", connection of queue " + queueId;
        memory.retain();
        try (var parts = new Parts()) {
            parts.add(memory::release);
            var thread = takeThread();
            parts.add(() -> giveBack(thread));
            var port = parts.add(
                    new RdmaPort(attempted, thread, memory, device, domain, entries, HostLink.slots(queueId, entries)));
            int reads = Math.min(255, device.limits().maxReads());
            var connection = device.connect(
                    port.pair(),
                    address,
                    ConnectParameters.DEFAULT.withReads(reads, 0),
                    CmData.request(queueId, entries, queueId == 0 ? 0 : controllerId),
                    port,
                    bound);
            port.connected(connection);
            var problem = CmData.problem(connection.privateData(), entries);
            if (problem != null) {
                throw new NvmeException(NvmeException.Kind.GIVE_UP, attempted, problem);
            }
            parts.keep();
            return new RdmaHostConnection(attempted, port, () -> {
                giveBack(thread);
                memory.release();
            });
        } catch (RuntimeException failed) {
            throw explained(attempted, failed);
        }
    }

    private static RuntimeException explained(String attempted, RuntimeException failed) {
        return switch (failed) {
            case NvmeException said -> said;
            case ConnectException refused ->
                new NvmeException(NvmeException.Kind.RETRY, attempted, CmData.reason(refused), refused);
            // Of the device: it has no more of something, or has gone.
            case IllegalStateException none ->
                new NvmeException(NvmeException.Kind.RETRY, attempted, none.getMessage(), none);
            case IllegalArgumentException never ->
                new NvmeException(NvmeException.Kind.GIVE_UP, attempted, never.getMessage(), never);
            default -> failed;
        };
    }

    /** The one with the fewest connections, or one more. */
    private synchronized HostReactor takeThread() {
        var least = threads.stream()
                .min(Comparator.comparingInt(thread -> thread.connections))
                .orElse(null);
        if (least == null || least.connections > 0 && threads.size() < settings.reactors()) {
            var opened =
                    reactors.open("rdma-host-" + number + "-" + threads.size(), Reactors.Role.HOST, Reactors.ANY_CPU);
            least = new HostReactor(opened, RdmaPort.segments(device));
            threads.add(least);
        }
        least.connections++;
        return least;
    }

    private synchronized void giveBack(HostReactor thread) {
        thread.connections--;
    }

    @Override
    public DmaAllocation allocateDma(long bytes, Arena arena) {
        return memory.allocate(bytes, arena);
    }

    /** Bytes of memory in use, for tests. */
    long takenBytes() {
        return memory.takenBytes();
    }

    @Override
    public String objection(MemorySegment identity) {
        return (IdentifyController.SGLS.get(identity) & IdentifyController.SGLS_KEYED) != 0
                ? null
                : "it takes no SGLs with keys, without which nothing moves by RDMA";
    }

    @Override
    public void close() {
        memory.close();
    }

    /** Nobody has anything of it any more. */
    private synchronized void end() {
        threads.forEach(HostReactor::close);
        threads.clear();
        try {
            domain.close();
        } catch (IllegalStateException held) {
            LOG.error("{}: something of it is still open", name, held);
        }
    }
}
