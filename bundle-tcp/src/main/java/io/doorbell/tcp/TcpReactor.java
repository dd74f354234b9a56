package io.doorbell.tcp;

import io.doorbell.fabrics.Complaints;
import io.doorbell.fabrics.DataPool;
import io.doorbell.fabrics.FabricListener;
import io.doorbell.fabrics.FabricTarget;
import io.doorbell.nvme.TcpPdu;
import io.doorbell.platform.Epoll;
import io.doorbell.platform.HugePages;
import io.doorbell.platform.MappingOptions;
import io.doorbell.platform.NativeMemory;
import io.doorbell.platform.PlatformException;
import io.doorbell.platform.SocketBatch;
import io.doorbell.platform.SocketVector;
import io.doorbell.platform.TcpSocket;
import io.doorbell.reactor.Poller;
import io.doorbell.reactor.Reactor;
import io.doorbell.tcp.tls.TlsPipe;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The duty cycle of the connections of one reactor, and their memory. Everything here is its thread's, but for {@link #connectionCount}.
 *
 * <p>A cycle: who has something to receive does, which epoll tells, or the one connection that has always something; where many do, they share a
 * call ({@link SocketBatch}); then what namespaces have ended is answered; then each connection that has something to send
 * does, all of it in one call as long as there is room. The memory is one piece, so that a {@link SocketVector} can name all of it.
 */
final class TcpReactor implements Poller {
    private static final Logger LOG = LoggerFactory.getLogger(TcpReactor.class);

    /** What one call receives at most, beside data that have a place already. */
    static final int RECEIVE_BYTES = 128 << 10;

    /** Connections that have something to say, or to be told, from which on they share a call: two have no advantage of it. */
    private static final int BATCH_FROM = 3;

    /** The most that share one, and what each receives at most. */
    private static final int BATCH_CALLS = 32;

    private static final int BATCH_RECEIVE_BYTES = 8 << 10;
    private static final int BATCH_PARTS = 128;

    /** What may be kept of the call before: the beginning of a header. */
    static final int CARRY_BYTES = 256;

    /** The parts of memory that a connection needs beside those of its commands: what is kept, ICResp, TermReq. */
    static final int CONNECTION_BYTES = CARRY_BYTES + 2 * TcpRequest.SLOT_BYTES;

    /** What only admin queues may take, so that a Keep Alive is heard whatever I/O queues hold. */
    static final int ADMIN_CHUNKS = 4;

    /** Commands of all connections of a reactor at once; a Connect that wants more is refused. */
    private static final int MAX_COMMANDS = 32 << 10;

    private static final int MAX_EVENTS = 64;
    private static final int MAX_PARTS = 512;
    private static final int LISTENER = -1;
    /** A host that means to connect has done so before others may take its place. */
    private static final long TIME_TO_CONNECT_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    /** Looks, one after another, that find nobody but one connection, before that one is asked itself. */
    private static final int LOOKS_BEFORE_ASKING = 64;

    /** How often it is asked between two looks; what it brings counts as well, so that others do not wait for a great talker. */
    private static final int ASKS_PER_LOOK = 8;

    private static final int BYTES_PER_ASK = 1024;

    private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    final Reactor reactor;
    final TcpTargetSettings settings;
    final FabricTarget target;
    final FabricListener listener;
    final NativeMemory mapping;
    final MemorySegment memory;

    final Checksum checksum;
    final DataPool pool;
    final long receiveBase;
    final SocketVector in;
    final SocketVector out;

    /** Calls that several connections share; null where the kernel has none. */
    private final SocketBatch batch;

    private final TcpConnection[] staged = new TcpConnection[BATCH_CALLS];
    private final long batchBase;

    /** Chunks for what capsules may bring along that are received and not looked at yet. */
    int promised;

    /** Null without TLS. */
    final TlsPipe.Room tlsRoom;

    final Epoll epoll;
    final TcpCounters counters = new TcpCounters();

    private final long slotBase;
    private final long connectionBase;
    private final int[] freeSlots;
    private int freeSlotCount;

    private final TcpConnection[] connections;
    private final int[] freeIndexes;
    private int freeIndexCount;

    // Lists through connections, each with a flag there.
    private TcpConnection dirty;
    private int dirtyCount;
    private TcpConnection busy;
    private TcpConnection starved;
    private TcpConnection again;
    private TcpConnection starvedLast;
    private TcpConnection doomed;

    /** The connection that the last looks found, how many did, and how often it may be asked before the next one. */
    private TcpConnection talker;

    private int looksAtTalker;
    private int asksLeft;

    private TcpSocket listening;
    private Consumer<TcpSocket> onAccept;
    private boolean acceptPaused;

    /** A namespace has not let go of data. */
    private boolean dataHeld;

    private long nextTickNanos;
    final Complaints complaints;
    private long nowNanos;
    private volatile int connectionCount;

    TcpReactor(
            Reactor reactor,
            TcpTargetSettings settings,
            FabricTarget target,
            FabricListener listener,
            int maxConnections) {
        this.reactor = reactor;
        this.settings = settings;
        complaints = new Complaints(LOG, settings.name());
        this.target = target;
        this.listener = listener;
        int chunks = settings.bufferMebibytes() * ((1 << 20) / DataPool.CHUNK_BYTES);
        // One more than the Connect of each, which needs one before it has been granted any.
        int slots = Math.min(maxConnections * settings.maxQueueEntries(), MAX_COMMANDS) + maxConnections;
        long poolBytes = (long) chunks * DataPool.CHUNK_BYTES;
        receiveBase = poolBytes;
        slotBase = receiveBase + CARRY_BYTES + RECEIVE_BYTES;
        connectionBase = slotBase + (long) slots * TcpRequest.SLOT_BYTES;
        long tlsBase = connectionBase + (long) maxConnections * CONNECTION_BYTES;
        batchBase = tlsBase + (settings.tls() ? TlsPipe.CIPHER_BYTES : 0);
        mapping = NativeMemory.allocate(
                batchBase + (long) BATCH_CALLS * (CARRY_BYTES + BATCH_RECEIVE_BYTES),
                new MappingOptions(HugePages.PREFERRED, false));
        memory = mapping.segment();
        checksum = new Checksum(memory);
        pool = new DataPool(memory, 0, chunks);
        in = new SocketVector(mapping, MAX_PARTS);
        out = new SocketVector(mapping, MAX_PARTS);
        tlsRoom = settings.tls() ? new TlsPipe.Room(memory, new SocketVector(mapping, 1), tlsBase) : null;
        batch = SocketBatch.open(mapping, BATCH_CALLS, BATCH_PARTS);
        if (batch == null) {
            LOG.info("{}: there is no io_uring here: each connection makes calls of its own", settings.name());
        }
        epoll = new Epoll(MAX_EVENTS);
        freeSlots = new int[slots];
        for (int i = 0; i < slots; i++) {
            freeSlots[i] = slots - 1 - i;
        }
        freeSlotCount = slots;
        connections = new TcpConnection[maxConnections];
        freeIndexes = new int[maxConnections];
        for (int i = 0; i < maxConnections; i++) {
            freeIndexes[i] = maxConnections - 1 - i;
        }
        freeIndexCount = maxConnections;
        nowNanos = System.nanoTime();
        nextTickNanos = nowNanos;
    }

    int connectionCount() {
        return connectionCount;
    }

    long nowNanos() {
        return nowNanos;
    }

    // The cycle.

    @Override
    public int poll(long now) {
        nowNanos = now;
        int work = asksLeft > 0 && talker.mayBeAsked() ? ask() : look();
        if (again != null) {
            work += lookAgain(now);
        }
        if (busy != null) {
            work += pollBusy(now);
        }
        if (dirty != null) {
            flush();
        }
        if (starved != null && pool.free() > 0) {
            feed();
        }
        if (now - nextTickNanos >= 0) {
            nextTickNanos = now + TICK_NANOS;
            tick(now);
        }
        if (doomed != null) {
            work += bury();
        }
        return work;
    }

    private int look() {
        int count = epoll.look();
        if (batch != null && count >= BATCH_FROM) {
            receiveTogether(count);
        } else {
            for (int i = 0; i < count; i++) {
                ready(i);
            }
        }
        if (count > 0) {
            int id = epoll.id(0);
            var found = count == 1 && id != LISTENER ? connections[id] : null;
            looksAtTalker = found != null && found == talker ? Math.min(looksAtTalker + 1, LOOKS_BEFORE_ASKING) : 0;
            talker = found;
        }
        asksLeft = looksAtTalker == LOOKS_BEFORE_ASKING ? ASKS_PER_LOOK : 0;
        return count;
    }

    /** Those of the last look, in calls that they share; who has more to do than to receive is {@link #ready} alone. */
    private void receiveTogether(int count) {
        int event = 0;
        while (event < count) {
            int calls = 0;
            for (; event < count && calls < BATCH_CALLS; event++) {
                if (calls > 0 && epoll.id(event) == LISTENER) {
                    break; // Whom a new connection drives out may be staged, and its descriptor be the new one's.
                }
                int chunks = pool.free() - promised;
                if (calls > 0 && chunks < chunksFor(BATCH_RECEIVE_BYTES)) {
                    break; // First those that are staged, which may need all there is.
                }
                if (stageReceive(event, calls, chunks)) {
                    calls++;
                } else {
                    ready(event);
                }
            }
            received(calls);
        }
    }

    private boolean stageReceive(int event, int call, int chunks) {
        int id = epoll.id(event);
        var connection = id == LISTENER ? null : connections[id];
        if (connection == null
                || epoll.isWritable(event)
                || chunks < chunksFor(BATCH_RECEIVE_BYTES)
                || !connection.stageReceive(batch.vector(call), buffer(call), BATCH_RECEIVE_BYTES)) {
            return false;
        }
        batch.receive(connection.socket);
        staged[call] = connection;
        promised += chunksFor(BATCH_RECEIVE_BYTES);
        return true;
    }

    private long buffer(int call) {
        return batchBase + (long) call * (CARRY_BYTES + BATCH_RECEIVE_BYTES);
    }

    /** What so many bytes and the beginning of a capsule may bring along. */
    private static int chunksFor(int bytes) {
        return 1 + bytes / TcpPdu.CAPSULE_CMD_BYTES;
    }

    private void received(int calls) {
        if (calls > 0) {
            batch.run();
        }
        promised = 0;
        for (int i = 0; i < calls; i++) {
            promised += chunksFor(Math.max(0, batch.received(i)));
        }
        for (int i = 0; i < calls; i++) {
            int count = batch.received(i);
            promised -= chunksFor(Math.max(0, count));
            var connection = staged[i];
            staged[i] = null;
            try {
                connection.received(count, buffer(i));
            } catch (RuntimeException defect) {
                fails(connection, defect);
            }
        }
    }

    /** A look and a receive are two calls; where one connection does all the talking, the receive tells as much as both. */
    private int ask() {
        int bytes = 0;
        try {
            bytes = talker.readable(nowNanos);
        } catch (RuntimeException defect) {
            fails(talker, defect);
        }
        asksLeft = Math.max(0, asksLeft - 1 - bytes / BYTES_PER_ASK);
        return bytes > 0 ? 1 : 0;
    }

    private void ready(int event) {
        int id = epoll.id(event);
        if (id == LISTENER) {
            accept();
            return;
        }
        var connection = connections[id];
        if (connection == null) {
            return;
        }
        try {
            if (epoll.isWritable(event)) {
                connection.sender.writable();
            }
            if (epoll.isReadable(event)) {
                connection.readable(nowNanos);
            }
        } catch (RuntimeException defect) {
            fails(connection, defect);
        }
    }

    /** A defect of ours, or of a namespace, is the end of the connection that met it, and of no other. */
    private void fails(TcpConnection connection, RuntimeException defect) {
        LOG.error("{}: the connection of {} fails", settings.name(), connection.peer(), defect);
        doom(connection);
    }

    private int pollBusy(long now) {
        int work = 0;
        TcpConnection previous = null;
        for (var connection = busy; connection != null; ) {
            var next = connection.nextBusy;
            try {
                work += connection.queue.poll(now);
            } catch (RuntimeException defect) {
                fails(connection, defect);
            }
            if (connection.queue.executing() == 0) {
                connection.isBusy = false;
                connection.nextBusy = null;
                if (previous == null) {
                    busy = next;
                } else {
                    previous.nextBusy = next;
                }
            } else {
                previous = connection;
            }
            connection = next;
        }
        return work;
    }

    private int lookAgain(long now) {
        int work = 0;
        var connection = again;
        again = null;
        while (connection != null) {
            var next = connection.nextAgain;
            connection.isAgain = false;
            connection.nextAgain = null;
            work += connection.wantsLook() ? 1 : 0;
            try {
                connection.lookAgain(now);
            } catch (RuntimeException defect) {
                fails(connection, defect);
            }
            connection = next;
        }
        return work;
    }

    private void flush() {
        while (dirty != null) {
            if (batch != null && dirtyCount >= BATCH_FROM) {
                sendTogether();
            } else {
                flush(nextDirty());
            }
        }
    }

    private void flush(TcpConnection connection) {
        try {
            connection.sender.flush();
        } catch (RuntimeException defect) {
            fails(connection, defect);
        }
    }

    private TcpConnection nextDirty() {
        var connection = dirty;
        dirty = connection.nextDirty;
        dirtyCount--;
        connection.isDirty = false;
        connection.nextDirty = null;
        return connection;
    }

    private void sendTogether() {
        int calls = 0;
        while (dirty != null && calls < BATCH_CALLS) {
            var connection = nextDirty();
            if (connection.sender.stageSend(batch.vector(calls))) {
                batch.send(connection.socket);
                staged[calls++] = connection;
            } else {
                flush(connection);
            }
        }
        if (calls > 0) {
            batch.run();
        }
        for (int i = 0; i < calls; i++) {
            var connection = staged[i];
            staged[i] = null;
            try {
                connection.sender.sent(batch.sent(i), batch.vector(i).bytes());
                // What there was no room for, and the end where this was the last.
                connection.sender.flush();
            } catch (RuntimeException defect) {
                fails(connection, defect);
            }
        }
    }

    /** There is memory again: who waited for it goes on, each in turn. */
    private void feed() {
        var connection = starved;
        starved = null;
        while (connection != null) {
            var next = connection.nextStarved;
            connection.isStarved = false;
            connection.nextStarved = null;
            try {
                connection.feed();
            } catch (RuntimeException defect) {
                fails(connection, defect);
            }
            connection = next;
        }
        if (dirty != null) {
            flush();
        }
    }

    private void tick(long now) {
        if (acceptPaused) {
            acceptPaused = false;
            epoll.modify(listening, LISTENER, true, false);
        }
        for (var connection : connections) {
            if (connection != null) {
                tick(connection, now);
            }
        }
        if (dirty != null) {
            flush();
        }
    }

    private void tick(TcpConnection connection, long now) {
        try {
            connection.tick(now);
        } catch (RuntimeException defect) {
            fails(connection, defect);
        }
    }

    private int bury() {
        int count = 0;
        while (doomed != null) {
            var connection = doomed;
            doomed = connection.nextDoomed;
            remove(connection);
            dataHeld |= !connection.close();
            count++;
        }
        return count;
    }

    private void remove(TcpConnection gone) {
        if (gone.isDirty) {
            dirty = without(dirty, gone, 0);
            dirtyCount--;
        }
        if (gone.isBusy) {
            busy = without(busy, gone, 1);
        }
        if (gone.isStarved) {
            starved = without(starved, gone, 2);
            starvedLast = starved;
            while (starvedLast != null && starvedLast.nextStarved != null) {
                starvedLast = starvedLast.nextStarved;
            }
        }
        again = without(again, gone, 3);
        if (talker == gone) {
            talker = null;
            looksAtTalker = 0;
            asksLeft = 0;
        }
        connections[gone.id] = null;
        freeIndexes[freeIndexCount++] = gone.id;
        connectionCount--;
    }

    private static TcpConnection without(TcpConnection head, TcpConnection gone, int list) {
        TcpConnection previous = null;
        for (var each = head; each != null; each = next(each, list)) {
            if (each == gone) {
                var next = next(each, list);
                next(each, list, null);
                if (previous == null) {
                    return next;
                }
                next(previous, list, next);
                return head;
            }
            previous = each;
        }
        return head;
    }

    private static TcpConnection next(TcpConnection of, int list) {
        return switch (list) {
            case 0 -> of.nextDirty;
            case 1 -> of.nextBusy;
            case 2 -> of.nextStarved;
            default -> of.nextAgain;
        };
    }

    private static void next(TcpConnection of, int list, TcpConnection connection) {
        switch (list) {
            case 0 -> of.nextDirty = connection;
            case 1 -> of.nextBusy = connection;
            case 2 -> of.nextStarved = connection;
            default -> of.nextAgain = connection;
        }
    }

    // What connections say.

    /** It has something to send. */
    void dirty(TcpConnection connection) {
        if (!connection.isDirty) {
            connection.isDirty = true;
            connection.nextDirty = dirty;
            dirty = connection;
            dirtyCount++;
        }
    }

    /** Namespaces work for it. */
    void busy(TcpConnection connection) {
        if (!connection.isBusy) {
            connection.isBusy = true;
            connection.nextBusy = busy;
            busy = connection;
        }
    }

    /** There is more of it than its socket tells. */
    void again(TcpConnection connection) {
        if (!connection.isAgain) {
            connection.isAgain = true;
            connection.nextAgain = again;
            again = connection;
        }
    }

    /** It waits for memory; behind those that wait already. */
    void starved(TcpConnection connection) {
        if (connection.isStarved) {
            return;
        }
        connection.isStarved = true;
        connection.nextStarved = null;
        if (starved == null) {
            starved = connection;
        } else {
            starvedLast.nextStarved = connection;
        }
        starvedLast = connection;
    }

    /** It ends with this cycle. */
    void doom(TcpConnection connection) {
        if (!connection.isDoomed) {
            connection.isDoomed = true;
            connection.nextDoomed = doomed;
            doomed = connection;
        }
    }

    /** Chunks and places of commands that are in use. */
    int heldParts() {
        return pool.size() - pool.free() + freeSlots.length - freeSlotCount;
    }

    int freeSlots() {
        return freeSlotCount;
    }

    long takeSlot() {
        return slotBase + (long) freeSlots[--freeSlotCount] * TcpRequest.SLOT_BYTES;
    }

    void releaseSlot(long slot) {
        freeSlots[freeSlotCount++] = (int) ((slot - slotBase) / TcpRequest.SLOT_BYTES);
    }

    long connectionBase(int id) {
        return connectionBase + (long) id * CONNECTION_BYTES;
    }

    // Connections come and go.

    /** Takes connections for all reactors. */
    void listen(TcpSocket socket, Consumer<TcpSocket> onAccept) {
        this.onAccept = onAccept;
        listening = socket;
        epoll.add(socket, LISTENER, true, false);
    }

    private void accept() {
        try {
            for (int i = 0; i < MAX_EVENTS; i++) {
                var socket = listening.accept();
                if (socket == null) {
                    return;
                }
                onAccept.accept(socket);
            }
        } catch (PlatformException full) {
            LOG.warn("{} takes no connection for now: {}", settings.name(), full.getMessage());
            acceptPaused = true;
            epoll.modify(listening, LISTENER, false, false);
        }
    }

    /** A connection is this reactor's from now on. */
    void adopt(TcpSocket socket) {
        if (freeIndexCount == 0) {
            evict();
        }
        if (freeIndexCount == 0 || freeSlotCount == 0) {
            counters.refused.incrementAndGet();
            complaints.say("a connection is refused, " + connectionCount + " are there already");
            socket.close();
            return;
        }
        String peer;
        String local;
        try {
            socket.noDelay();
            var address = socket.peerAddress();
            if (address.getAddress().isLoopbackAddress()) {
                socket.unpaced();
            }
            peer = address.toString().substring(1);
            local = socket.localAddress().getAddress().getHostAddress();
        } catch (PlatformException gone) {
            socket.close();
            return;
        }
        int id = freeIndexes[--freeIndexCount];
        var connection = new TcpConnection(this, socket, id, peer, local);
        connections[id] = connection;
        counters.accepted.incrementAndGet();
        connectionCount++;
        epoll.add(socket, id, true, false);
    }

    /** Makes room: who has been silent since it connected gives way, so that nobody can keep hosts out by connections without a Connect. */
    private void evict() {
        TcpConnection oldest = null;
        for (var connection : connections) {
            boolean older = connection != null
                    && connection.isNew()
                    && (oldest == null || connection.bornNanos() - oldest.bornNanos() < 0);
            if (older) {
                oldest = connection;
            }
        }
        if (oldest != null && nowNanos - oldest.bornNanos() > TIME_TO_CONNECT_NANOS) {
            counters.evicted.incrementAndGet();
            complaints.say(oldest.peer() + " has to go for a newer connection, since it sends no Connect");
            doom(oldest);
            bury();
        }
    }

    /** Ends everything. On the reactor's thread; it polls no more. */
    void close() {
        if (listening != null) {
            listening.close();
        }
        for (var connection : connections) {
            if (connection != null) {
                connection.disconnect("the listener closes");
            }
        }
        bury();
        epoll.close();
        if (batch != null) {
            batch.close();
        }
        in.close();
        out.close();
        if (tlsRoom != null) {
            tlsRoom.vector().close();
        }
        if (dataHeld) {
            // Unmapped under a namespace that still writes there, it could become somebody else's.
            LOG.error("{}: its memory stays mapped", settings.name());
        } else {
            mapping.close();
        }
    }

    // Sleep.

    @Override
    public boolean readyToPark() {
        int work = 0;
        for (var connection : connections) {
            if (connection != null) {
                work += lookBeforeSleep(connection);
            }
        }
        for (var connection = again; connection != null; connection = connection.nextAgain) {
            work += connection.wantsLook() ? 1 : 0;
        }
        return work == 0 && dirty == null && doomed == null;
    }

    private int lookBeforeSleep(TcpConnection connection) {
        try {
            return connection.queue.poll(nowNanos);
        } catch (RuntimeException defect) {
            fails(connection, defect);
            return 1;
        }
    }

    @Override
    public long parkLimitNanos(long now) {
        long limit = Math.max(0, nextTickNanos - now);
        for (var connection = busy; connection != null; connection = connection.nextBusy) {
            limit = Math.min(limit, connection.queue.parkLimitNanos(now));
        }
        return limit;
    }

    @Override
    public int descriptor() {
        return epoll.fd();
    }

    @Override
    public String toString() {
        return "NVMe/TCP target " + settings.name();
    }
}
