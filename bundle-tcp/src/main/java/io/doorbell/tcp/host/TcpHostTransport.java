package io.doorbell.tcp.host;

import io.doorbell.fabrics.auth.HostKeys;
import io.doorbell.fabrics.host.HostConnection;
import io.doorbell.fabrics.host.HostTransport;
import io.doorbell.host.DmaAllocation;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.TransportId;
import io.doorbell.platform.PlatformException;
import io.doorbell.platform.TcpSocket;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;

/** NVMe/TCP to one address. Control plane: any thread. */
public final class TcpHostTransport implements HostTransport {
    private final String name;
    private final InetSocketAddress address;
    private final TcpHostSettings settings;
    private final Tls tls;
    private final HostMemory memory;
    private final SocketSigns signs = new SocketSigns();

    /**
     * What TLS needs.
     *
     * @param keys whose key for TLS is read for each connection
     * @param hostNqn who we are
     */
    public record Tls(HostKeys keys, String hostNqn, String subsystemNqn) {}

    /** @param id of type TCP; only its address counts */
    public TcpHostTransport(TransportId id, TcpHostSettings settings) {
        this(id, settings, null);
    }

    /** @param tls null for connections that are not encrypted */
    public TcpHostTransport(TransportId id, TcpHostSettings settings, Tls tls) {
        this.settings = settings;
        this.tls = tls;
        address = address(id);
        name = id.traddr() + ":" + id.trsvcid();
        memory = new HostMemory(name, (long) settings.memoryMebibytes() << 20);
    }

    private static InetSocketAddress address(TransportId id) {
        if (id.trtype() != TransportId.Type.TCP) {
            throw new IllegalArgumentException(id + " is not reached by TCP");
        }
        try {
            // A literal, which nobody is asked about.
            return new InetSocketAddress(InetAddress.getByName(id.traddr()), Integer.parseInt(id.trsvcid()));
        } catch (UnknownHostException impossible) {
            throw new IllegalArgumentException(id.traddr() + " is no address", impossible);
        }
    }

    @Override
    public HostConnection connect(int queueId, int controllerId, int entries, Duration bound) {
        long deadline = System.nanoTime() + bound.toNanos();
        var attempted = name + ", connection of queue " + queueId;
        TcpSocket socket = null;
        try {
            socket = TcpSocket.connect(address);
            if (!socket.awaitWritable(deadline)) {
                throw new NvmeException(
                        NvmeException.Kind.RETRY, attempted, "nobody answers within " + bound.toMillis() + " ms");
            }
            socket.finishConnect();
            socket.noDelay();
            return TcpHostConnection.initialized(
                    attempted, wire(attempted, socket, deadline), settings, memory, signs, entries, deadline);
        } catch (PlatformException e) {
            close(socket);
            throw new NvmeException(NvmeException.Kind.RETRY, attempted, e.getMessage(), e);
        } catch (RuntimeException e) {
            close(socket);
            throw e;
        }
    }

    private Wire wire(String attempted, TcpSocket socket, long deadline) {
        if (tls == null) {
            return Wire.plain(socket);
        }
        try {
            var key = tls.keys().tls();
            var identity = key.identity(0, tls.hostNqn(), tls.subsystemNqn());
            return Wire.secured(attempted, socket, key, identity, memory, deadline);
        } catch (IOException wrong) {
            throw new NvmeException(NvmeException.Kind.GIVE_UP, attempted, wrong.getMessage());
        }
    }

    private static void close(TcpSocket socket) {
        if (socket != null) {
            socket.close();
        }
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
        int offset = IdentifyController.ICDOFF.get(identity);
        return offset == 0
                ? null
                : "its data in capsules begin " + offset * 16 + " bytes late (ICDOFF), which TCP has not";
    }

    @Override
    public void close() {
        memory.close();
        signs.close();
    }
}
