package io.doorbell.tcp.host;

import io.doorbell.driver.AdminQueue;
import io.doorbell.driver.AdminRequest;
import io.doorbell.driver.BounceBuffers;
import io.doorbell.driver.QueuePairParts;
import io.doorbell.fabrics.host.FabricQueuePair;
import io.doorbell.fabrics.host.HostConnect;
import io.doorbell.fabrics.host.HostConnection;
import io.doorbell.fabrics.host.HostLink;
import io.doorbell.host.NvmCommand;
import io.doorbell.platform.EventFd;
import io.doorbell.platform.MemoryView;
import io.doorbell.platform.TcpSocket;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;

/** One connection to a target. See {@link HostConnection} for its life. */
final class TcpHostConnection implements HostConnection {
    /** On an admin queue, and for Fabrics commands on any, capsules may bring this much. §3.5 "Capsules and Data Transfer". */
    private static final int ADMIN_CAPSULE_BYTES = 8192;

    private static final Duration CLOSE_BOUND = Duration.ofSeconds(2);

    private final String name;
    private final Wire wire;
    private final TcpSocket socket;
    private final LinkSettings settings;
    private final HostMemory memory;
    private final SocketSigns signs;
    private final int entries;

    // Guarded by this, but for the shutdown.
    private TcpExchange exchange;
    private HostMemory.Part part;
    private Arena own;
    private EventFd sign;
    private int watchedQueue;
    private boolean closed;
    private volatile boolean shut;

    private TcpHostConnection(
            String name, Wire wire, LinkSettings settings, HostMemory memory, SocketSigns signs, int entries) {
        this.name = name;
        this.wire = wire;
        socket = wire.socket;
        this.settings = settings;
        this.memory = memory;
        this.signs = signs;
        this.entries = entries;
    }

    /** Exchanges ICReq and ICResp. The wire is this object's when it returns. */
    static TcpHostConnection initialized(
            String name,
            Wire wire,
            TcpHostSettings wanted,
            HostMemory memory,
            SocketSigns signs,
            int entries,
            long deadline) {
        try (var arena = Arena.ofShared();
                var part = memory.take(Initialization.BYTES + wire.bytes(), name)) {
            var agreed = new Initialization(name, wire, memory.view(arena), part.offset()).run(wanted, deadline);
            return new TcpHostConnection(name, wire, agreed, memory, signs, entries);
        }
    }

    @Override
    public synchronized AdminRequest.Answer execute(NvmCommand command, MemorySegment data, Duration bound) {
        if (exchange == null) {
            exchange = TcpExchange.over(wire, name, settings.withInCapsuleBytes(ADMIN_CAPSULE_BYTES), memory);
        }
        return exchange.execute(command, data, bound);
    }

    private void endExchange() {
        if (exchange != null) {
            exchange.close();
            exchange = null;
        }
    }

    @Override
    public synchronized AdminQueue adminQueue(String controller, AdminQueue.Listener listener) {
        endExchange();
        int slots = HostLink.slots(0, entries);
        long bytes = TcpLink.bytes(slots) + wire.bytes();
        own = Arena.ofShared();
        part = memory.take(bytes + BounceBuffers.BYTES, name);
        sign = EventFd.create();
        sign.alsoOn(signs.fd());
        signs.addAdmin(socket);
        var link = new TcpLink(
                wire, settings.withInCapsuleBytes(ADMIN_CAPSULE_BYTES), memory.view(own), part.offset(), slots);
        return new TcpAdminQueue(link, signs, part.offset() + bytes, controller, listener, this::close);
    }

    @Override
    public synchronized EventFd sign() {
        return sign;
    }

    @Override
    public synchronized FabricQueuePair<?> queuePair(QueuePairParts parts, Arena arena, int inCapsuleBytes) {
        endExchange();
        int slots = HostLink.slots(parts.queueId(), entries);
        part = memory.take(TcpLink.bytes(slots) + wire.bytes(), name);
        var link = new TcpLink(
                wire, settings.withInCapsuleBytes(inCapsuleBytes), memory.view(arena), part.offset(), slots);
        var interrupt = parts.interrupt();
        if (interrupt == null) {
            return new TcpQueuePair(parts, link, null);
        }
        watchedQueue = parts.queueId();
        return new TcpQueuePair(parts, link, signs.add(socket, watchedQueue, interrupt, arena));
    }

    @Override
    public void shutdown() {
        shut = true;
        synchronized (this) {
            if (!closed) {
                socket.shutdown();
            }
        }
    }

    @Override
    public synchronized void close(boolean orderly) {
        if (closed) {
            return;
        }
        if (part != null && own == null) {
            // The link of an I/O queue. Its owner may be in a call until its arena is closed.
            part.close();
            part = null;
        }
        if (orderly && !shut) {
            HostConnect.disconnect(name, this);
        }
        endExchange();
        if (watchedQueue != 0) {
            signs.remove(watchedQueue);
        }
        closed = true;
        socket.close();
        if (own != null) {
            MemoryView.close(own, CLOSE_BOUND);
            part.close();
        }
        if (sign != null) {
            sign.close();
        }
    }
}
