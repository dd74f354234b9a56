package io.doorbell.rdmahost;

import io.doorbell.driver.AdminQueue;
import io.doorbell.driver.AdminRequest;
import io.doorbell.driver.BounceBuffers;
import io.doorbell.driver.QueuePairParts;
import io.doorbell.fabrics.host.FabricQueuePair;
import io.doorbell.fabrics.host.HostConnect;
import io.doorbell.fabrics.host.HostConnection;
import io.doorbell.host.NvmCommand;
import io.doorbell.nvme.NvmeException;
import io.doorbell.platform.EventFd;
import io.doorbell.platform.MemoryView;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;

/** One connection to a target. See {@link HostConnection} for its life. */
final class RdmaHostConnection implements HostConnection {
    private static final Duration CLOSE_BOUND = Duration.ofSeconds(2);

    private final String name;
    private final RdmaPort port;
    private final Runnable forget;

    private volatile boolean shut;

    // Guarded by this.
    private RdmaExchange exchange;
    private RdmaLink leased;
    private Arena own;
    private RegisteredMemory.Block bounce;
    private EventFd sign;
    private boolean closed;

    /** @param forget called when all of it is freed */
    RdmaHostConnection(String name, RdmaPort port, Runnable forget) {
        this.name = name;
        this.port = port;
        this.forget = forget;
    }

    @Override
    public synchronized AdminRequest.Answer execute(NvmCommand command, MemorySegment data, Duration bound) {
        if (exchange == null) {
            exchange = RdmaExchange.over(port, name);
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
        own = Arena.ofShared();
        bounce = port.registered().allocate(BounceBuffers.BYTES, own);
        sign = EventFd.create();
        return new RdmaAdminQueue(port.ownLink(sign), bounce, controller, listener, this::close);
    }

    @Override
    public synchronized EventFd sign() {
        return sign;
    }

    @Override
    public synchronized FabricQueuePair<?> queuePair(QueuePairParts parts, Arena arena, int inCapsuleBytes) {
        endExchange();
        var view = MemoryView.within(port.memory(), arena);
        leased = new RdmaLink(port, view, arena, inCapsuleBytes, parts.maxTransferBytes());
        port.use(leased, parts.interrupt(), false);
        return new RdmaQueuePair(parts, leased);
    }

    @Override
    public void shutdown() {
        shut = true;
        try {
            port.shutdown();
        } catch (IllegalStateException late) {
            throw new NvmeException(
                    NvmeException.Kind.RETRY, name + ", ending the connection", late.getMessage(), late);
        }
    }

    @Override
    public synchronized void close(boolean orderly) {
        if (closed) {
            return;
        }
        if (orderly && !shut && port.broken() == null) {
            HostConnect.disconnect(name, this);
        }
        shutdown();
        closed = true;
        try (var parts = new Parts()) {
            parts.add(forget::run);
            parts.add(port);
            if (sign != null) {
                parts.add(sign);
            }
            if (own != null) {
                parts.add(() -> {
                    MemoryView.close(own, CLOSE_BOUND);
                    bounce.close();
                });
            }
            if (leased != null) {
                parts.add(leased::close);
            }
            parts.add(this::endExchange);
        }
    }
}
