package io.doorbell.rdmatarget;

import io.doorbell.fabrics.Complaints;
import io.doorbell.fabrics.DataPool;
import io.doorbell.fabrics.FabricListener;
import io.doorbell.fabrics.FabricTarget;
import io.doorbell.platform.HugePages;
import io.doorbell.platform.MappingOptions;
import io.doorbell.platform.NativeMemory;
import io.doorbell.reactor.Poller;
import io.doorbell.reactor.Reactor;
import io.doorbell.verbs.Access;
import io.doorbell.verbs.CompletionQueue;
import io.doorbell.verbs.Completions;
import io.doorbell.verbs.ConnectRequest;
import io.doorbell.verbs.MemoryRegion;
import io.doorbell.verbs.ProtectionDomain;
import io.doorbell.verbs.ReceiveRequests;
import io.doorbell.verbs.SendRequests;
import io.doorbell.verbs.VerbsDevice;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The duty cycle of the connections of one reactor: their completion queue, and memory for data on their way. Owner: its thread, but for what the
 * lock guards.
 *
 * <p>A cycle: what has completed is taken, and each connection that it concerns, or that waits for something, goes on in turn.
 */
final class RdmaReactor implements Poller {
    private static final Logger LOG = LoggerFactory.getLogger(RdmaReactor.class);

    /** Requests that are posted at once. */
    static final int LIST_REQUESTS = 64;

    private static final int COMPLETIONS_AT_ONCE = 64;

    /** Completions of all connections at once; a connection that may have more is refused. */
    private static final int MAX_COMPLETIONS = 1 << 17;

    private static final Duration GIVE_BACK_BOUND = Duration.ofSeconds(5);

    /** Of 5 s each: a thread that gets no processor for a while takes what it was asked for later. */
    private static final int MOST_TRIES = 120;

    private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);

    private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    final Reactor reactor;
    final RdmaTargetSettings settings;
    final FabricTarget target;
    final FabricListener listener;
    final VerbsDevice device;
    final Complaints complaints;
    final ProtectionDomain domain;
    final CompletionQueue queue;
    final MemorySegment memory;
    final MemoryRegion region;
    final DataPool pool;
    final SendRequests sends;
    final ReceiveRequests receives = new ReceiveRequests(LIST_REQUESTS, 1);

    /** Pieces of one request: chunks of the longest transfer. */
    final int segments;

    /** The most chunks a connection may have while others may want some. */
    final int chunksPerConnection;

    /** Chunks that only admin queues get. */
    final int reservedChunks;

    private final NativeMemory mapping;
    private final Completions completions = new Completions(COMPLETIONS_AT_ONCE);
    private final RdmaConnection[] connections;

    /** A ring of those that have something to do. */
    private final RdmaConnection[] active;

    private int activeFirst;
    private int activeCount;

    private final RdmaConnection[] doomed;
    private int doomedCount;
    private boolean dataHeld;
    private boolean closing;

    /** The completion queue is of no use any more. Written by the owner. */
    private volatile boolean broken;

    private long nextTickNanos = System.nanoTime();

    // Guarded by this.
    private final boolean[] taken;
    private int completionsLeft;
    private int count;

    RdmaReactor(
            Reactor reactor,
            RdmaTargetSettings settings,
            FabricTarget target,
            FabricListener listener,
            VerbsDevice device,
            int maxConnections) {
        this.reactor = reactor;
        this.settings = settings;
        this.target = target;
        this.listener = listener;
        this.device = device;
        complaints = new Complaints(LOG, settings.name());
        segments = segments(settings.maxTransferBytes());
        sends = new SendRequests(LIST_REQUESTS, segments);
        int chunks = settings.bufferMebibytes() * ((1 << 20) / DataPool.CHUNK_BYTES);
        chunksPerConnection = Math.max(2 * DataPool.chunks(settings.maxTransferBytes()), chunks / 4);
        reservedChunks = Math.min(DataPool.chunks(settings.maxTransferBytes()), chunks / 8);
        mapping = NativeMemory.allocate(
                (long) chunks * DataPool.CHUNK_BYTES, new MappingOptions(HugePages.PREFERRED, false));
        memory = mapping.segment();
        pool = new DataPool(memory, 0, chunks);
        domain = device.allocateProtectionDomain();
        region = domain.register(memory, Access.LOCAL_WRITE);
        completionsLeft = Math.min(MAX_COMPLETIONS, device.limits().maxCompletions());
        queue = device.createCompletionQueue(reactor, completionsLeft);
        connections = new RdmaConnection[maxConnections];
        active = new RdmaConnection[maxConnections];
        doomed = new RdmaConnection[maxConnections];
        taken = new boolean[maxConnections];
    }

    /** Pieces of memory of a transfer: with metadata among the blocks it is a little longer. */
    static int segments(int transferBytes) {
        return DataPool.chunks(2 * transferBytes);
    }

    // Connections come and go.

    /** Whether the device has failed it. Any thread. */
    boolean isBroken() {
        return broken;
    }

    synchronized int connectionCount() {
        return count;
    }

    /** A connection of so many commands, or null when there is no room for it. Any thread. */
    RdmaConnection make(ConnectRequest request, int commands) {
        int id = take(commands);
        if (id < 0) {
            return null;
        }
        try {
            return new RdmaConnection(this, id, request, commands);
        } catch (RuntimeException full) {
            give(id, commands);
            throw full;
        }
    }

    private synchronized int take(int commands) {
        int wanted = RdmaConnection.completions(commands);
        for (int id = 0; id < taken.length && wanted <= completionsLeft; id++) {
            if (!taken[id]) {
                taken[id] = true;
                completionsLeft -= wanted;
                count++;
                return id;
            }
        }
        return -1;
    }

    private synchronized void give(int id, int commands) {
        taken[id] = false;
        completionsLeft += RdmaConnection.completions(commands);
        count--;
    }

    /**
     * It is this reactor's from now on. On its thread.
     *
     * @throws IllegalStateException when nothing would be heard of it, or it was given up meanwhile
     */
    void adopt(RdmaConnection connection) {
        if (broken || closing) {
            throw new IllegalStateException(broken ? "the completion queue has failed" : "the target is closed");
        }
        if (!connection.claim()) {
            throw new IllegalStateException("it was waited for too long");
        }
        connections[connection.id] = connection;
        connection.begin(System.nanoTime());
        activate(connection);
    }

    /** It has something to do. */
    void activate(RdmaConnection connection) {
        if (!connection.isActive) {
            connection.isActive = true;
            active[(activeFirst + activeCount++) % active.length] = connection;
        }
    }

    /** It ends with this cycle. */
    void doom(RdmaConnection connection) {
        if (!connection.isDoomed) {
            connection.isDoomed = true;
            doomed[doomedCount++] = connection;
        }
    }

    // The cycle.

    @Override
    public int poll(long nowNanos) {
        int work = take();
        for (int turns = activeCount; turns > 0; turns--) {
            work += serve(nowNanos);
        }
        if (nowNanos - nextTickNanos >= 0) {
            nextTickNanos = nowNanos + TICK_NANOS;
            for (var connection : connections) {
                if (connection != null) {
                    connection.tick(nowNanos);
                }
            }
        }
        while (doomedCount > 0) {
            bury(doomed[--doomedCount]);
            work++;
        }
        if (broken) {
            // They were all; its descriptor may be readable for ever.
            reactor.remove(this);
        }
        return work;
    }

    private int take() {
        int taken = broken ? 0 : poll();
        for (int i = 0; i < taken; i++) {
            long what = completions.id(i);
            var connection = connections[(int) (what >>> RdmaConnection.OWNER_SHIFT)];
            if (connection == null || connection.isDoomed) {
                continue;
            }
            try {
                connection.completed(what & 0xFFFF_FFFFL, completions.status(i), completions.bytes(i));
            } catch (RuntimeException defect) {
                fails(connection, defect);
            }
        }
        return taken;
    }

    private int poll() {
        try {
            return queue.poll(completions);
        } catch (RuntimeException failed) {
            breaks(failed);
            return 0;
        }
    }

    /** Nothing is heard of any connection again: all end, and no other comes here. */
    private void breaks(RuntimeException failed) {
        LOG.error("{}: its completion queue on {} fails; all its connections end", settings.name(), device, failed);
        broken = true;
        for (var connection : connections) {
            if (connection != null) {
                doom(connection);
            }
        }
    }

    private int serve(long nowNanos) {
        var connection = active[activeFirst];
        activeFirst = (activeFirst + 1) % active.length;
        activeCount--;
        connection.isActive = false;
        try {
            int work = connection.service(nowNanos);
            if (!connection.isDoomed && (connection.isWaiting() || connection.executing() > 0)) {
                activate(connection);
            }
            return work;
        } catch (RuntimeException defect) {
            fails(connection, defect);
            return 1;
        }
    }

    /** A defect of ours, or of a namespace, is the end of the connection that met it, and of no other. */
    private void fails(RdmaConnection connection, RuntimeException defect) {
        LOG.error("{}: the connection of {} fails", settings.name(), connection.peer(), defect);
        doom(connection);
    }

    private void bury(RdmaConnection connection) {
        boolean dataFree = connection.close();
        dataHeld |= !dataFree;
        connections[connection.id] = null;
        // It waits for the peer's device, for a moment; nothing of it completes here after that.
        Thread.ofVirtual().name("end of " + connection.peer()).start(() -> end(connection, dataFree));
    }

    private void end(RdmaConnection connection, boolean dataFree) {
        for (int tries = 1; !tryToEnd(connection, dataFree, tries); tries++) {
            LOG.debug("{}: the connection of {} is to end, try {}", settings.name(), connection.peer(), tries);
            LockSupport.parkNanos(RETRY_NANOS);
        }
    }

    /** Each step does nothing when it is done already. Returns whether there is nothing more to be done. */
    private boolean tryToEnd(RdmaConnection connection, boolean dataFree, int tries) {
        try {
            connection.endPair();
            if (dataFree) {
                reactor.call(
                        () -> {
                            connection.giveBack();
                            return null;
                        },
                        GIVE_BACK_BOUND);
            }
            connection.dispose(dataFree);
            give(connection.id, connection.commands());
            return true;
        } catch (RuntimeException stuck) {
            // An illegal state is a reactor that did not come round in time; one that takes no task has many waiting.
            boolean late = stuck instanceof IllegalStateException
                    || stuck instanceof RejectedExecutionException
                            && reactor.thread().isAlive();
            if (late && tries < MOST_TRIES) {
                return false;
            }
            LOG.error(
                    "{}: the connection of {} has not ended well; its place stays taken",
                    settings.name(),
                    connection.peer(),
                    stuck);
            return true;
        }
    }

    /** Gives up what {@link #make} made, which was claimed, so that the reactor never has it. Control path. */
    void discard(RdmaConnection connection) {
        end(connection, true);
    }

    /** Ends everything; it polls no more. On the reactor's thread. */
    void closeConnections() {
        closing = true;
        for (var connection : connections) {
            if (connection != null) {
                doom(connection);
            }
        }
        while (doomedCount > 0) {
            bury(doomed[--doomedCount]);
        }
    }

    /** After {@link #closeConnections}, when all are gone. Control path. */
    void close() {
        queue.close();
        region.close();
        domain.close();
        sends.close();
        receives.close();
        completions.close();
        if (dataHeld) {
            // Unmapped under a namespace that still writes there, it could become somebody else's.
            LOG.error("{}: its memory stays mapped", settings.name());
        } else {
            mapping.close();
        }
    }

    /** Connections that it serves, for tests: those that were adopted, and are not buried. */
    int adopted() {
        return (int) Arrays.stream(connections).filter(Objects::nonNull).count();
    }

    /** Chunks that are in use, for tests. */
    int heldChunks() {
        return pool.size() - pool.free();
    }

    // Sleep.

    @Override
    public boolean readyToPark() {
        int work = 0;
        boolean waiting = false;
        for (int turns = activeCount; turns > 0; turns--) {
            var connection = active[activeFirst];
            work += serve(nextTickNanos - TICK_NANOS);
            waiting |= connection.isWaiting();
        }
        return work == 0 && !waiting && doomedCount == 0 && queueReady();
    }

    private boolean queueReady() {
        try {
            return broken || queue.readyToPark();
        } catch (RuntimeException failed) {
            breaks(failed);
            return false;
        }
    }

    @Override
    public long parkLimitNanos(long nowNanos) {
        return Math.max(0, nextTickNanos - nowNanos);
    }

    @Override
    public int descriptor() {
        return queue.descriptor();
    }

    @Override
    public String toString() {
        return "NVMe/RDMA target " + settings.name();
    }
}
