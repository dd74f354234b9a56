package io.doorbell.tcp;

import io.doorbell.fabrics.DataPool;
import io.doorbell.fabrics.FabricConnection;
import io.doorbell.fabrics.FabricQueue;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.TcpPdu;
import io.doorbell.nvme.TlsPskIdentity;
import io.doorbell.platform.SocketVector;
import io.doorbell.platform.TcpSocket;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A connection of a host: its commands, their memory, its beginning and its end. What it receives is {@link PduReceiver}'s, what it sends {@link
 * PduSender}'s. Owner: the reactor.
 */
final class TcpConnection implements FabricConnection {
    private static final Logger LOG = LoggerFactory.getLogger(TcpConnection.class);

    /** A host that has begun something (data, a header, reading) has to go on with it: within so long by {@link #LEAST_BYTES}, or to its end. */
    static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(15);

    /** What the slowest of hosts moves meanwhile. Who sends a byte now and then holds memory that others want. */
    static final int LEAST_BYTES = 32 << 10;

    /** How long a host may take to read a TermReq. */
    static final long TERMINATE_BOUND_NANOS = TimeUnit.SECONDS.toNanos(5);

    /** Where in the connection's memory what is. */
    private static final int INITIALIZE = TcpReactor.CARRY_BYTES;

    private static final int TERMINATE = INITIALIZE + TcpRequest.SLOT_BYTES;

    final TcpReactor owner;
    final TcpSocket socket;
    final int id;
    final FabricQueue queue;
    private final PduReceiver receiver;
    final PduSender sender;
    private final MemorySegment memory;

    /** Between the socket and all else; null where nothing is encrypted. */
    private final TlsChannel tls;

    private TcpRequest[] requests;
    private TcpRequest free;

    // Commands that wait for memory, in order.
    private TcpRequest wantHead;
    private TcpRequest wantTail;
    private int chunksHeld;

    // Lists of the reactor.
    TcpConnection nextDirty;
    TcpConnection nextBusy;
    TcpConnection nextStarved;
    TcpConnection nextAgain;
    TcpConnection nextDoomed;
    boolean isAgain;
    boolean isDirty;
    boolean isBusy;
    boolean isStarved;
    boolean isDoomed;

    // Cold.
    private final String peer;
    private final String local;
    private boolean reading = true;
    private boolean terminating;
    private boolean finishing;
    private long deadlineNanos;

    /** When the host is looked at the next time, what it owed when it was last looked at, and what it has moved since: in, and out. */
    private long patienceNanos;

    private long owesIn;
    private long owesOut;
    private long movedIn;
    /** It was not read all the time since then. */
    private boolean heldUp;

    private final long bornNanos;

    TcpConnection(TcpReactor owner, TcpSocket socket, int id, String peer, String local) {
        this.owner = owner;
        this.socket = socket;
        this.id = id;
        this.peer = peer;
        this.local = local;
        memory = owner.memory;
        long base = owner.connectionBase(id);
        tls = owner.settings.tls() ? new TlsChannel(owner, socket, peer) : null;
        queue = new FabricQueue(owner.target, owner.listener, owner.reactor, this, owner.nowNanos());
        receiver = new PduReceiver(this, base);
        sender = new PduSender(
                this,
                tls,
                new TcpRequest(this, queue, -1, base + INITIALIZE),
                new TcpRequest(this, queue, -1, base + TERMINATE));
        requests = new TcpRequest[] {new TcpRequest(this, queue, 0, owner.takeSlot())};
        free = requests[0];
        bornNanos = owner.nowNanos();
        patienceNanos = bornNanos + PATIENCE_NANOS;
    }

    /** Whether it is nobody's queue yet. */
    boolean isNew() {
        return !queue.isConnected() && !finishing && !isDoomed;
    }

    long bornNanos() {
        return bornNanos;
    }

    // Events.

    /** Takes what has come. Returns how many bytes of commands and data. */
    int readable(long nowNanos) {
        if (isDoomed) {
            return 0;
        }
        if (tls != null && tls.isHandshaking()) {
            shakeHands();
            return 0;
        }
        if (terminating) {
            if (receiver.discard() == TcpSocket.END) {
                owner.doom(this);
            }
            return 0;
        }
        // Namespaces may have come or gone since.
        queue.poll(nowNanos);
        int bytes = 0;
        try {
            bytes = receiver.receive();
            if (bytes == TcpSocket.END) {
                ended();
            }
        } catch (Violation violation) {
            terminate(violation);
        }
        if (queue.executing() > 0) {
            owner.busy(this);
        }
        if (tls != null) {
            if (tls.isPending()) {
                owner.dirty(this);
            }
            if (tls.hasMore()) {
                owner.again(this);
            }
        }
        return Math.max(0, bytes);
    }

    private void ended() {
        LOG.debug("{}: {} has ended the connection", owner.settings.name(), peer);
        owner.doom(this);
    }

    /** Names the places of what comes next, for a call that others share. Returns false when it is better received alone. */
    boolean stageReceive(SocketVector in, long buffer, int room) {
        return mayBeAsked() && receivable() > room && receiver.stage(in, buffer, room);
    }

    /** That call has ended: with so many bytes, or as {@link TcpSocket#receive} does. */
    void received(int count, long buffer) {
        if (isDoomed) {
            return;
        }
        queue.poll(owner.nowNanos());
        try {
            if (count == TcpSocket.END) {
                ended();
            } else if (count > 0) {
                receiver.take(count, buffer);
            }
        } catch (Violation violation) {
            terminate(violation);
        }
        if (queue.executing() > 0) {
            owner.busy(this);
        }
    }

    /** Whether to receive is all that there is to do, so that nobody has to look what it is. */
    boolean mayBeAsked() {
        return reading && !sender.isBlocked() && !isDoomed && !terminating && tls == null;
    }

    /** Data of the socket, or of what is in front of it. */
    int receive(SocketVector into) {
        return tls == null ? socket.receive(into) : tls.receive(into);
    }

    // Before TLS is there.

    private void shakeHands() {
        if (tls.isComputing()) {
            return;
        }
        if (!tls.step()) {
            owner.doom(this);
        } else if (tls.isComputing()) {
            reading(false);
            owner.again(this);
        }
    }

    /** Whether it is worth a look although no socket says so. */
    boolean wantsLook() {
        return tls.isComputing() ? tls.isStepDone() : reading && tls.hasMore();
    }

    /** Looks at what no socket tells of. */
    void lookAgain(long nowNanos) {
        if (isDoomed) {
            return;
        }
        if (!wantsLook()) {
            if (tls.isComputing() || tls.hasMore()) {
                owner.again(this);
            }
        } else if (!tls.isComputing()) {
            readable(nowNanos);
        } else if (!tls.stepped()) {
            owner.complaints.say("the TLS handshake of " + peer + " fails: " + tls.failure());
            owner.doom(this);
        } else {
            if (!tls.isHandshaking()) {
                LOG.debug("{}: {} is {}", owner.settings.name(), peer, tls.identity());
            }
            reading(true);
            owner.dirty(this);
            if (tls.hasMore()) {
                owner.again(this);
            }
        }
    }

    @Override
    public TlsPskIdentity secured() {
        return tls == null ? null : tls.identity();
    }

    /** Tells what it waits for. */
    void watch() {
        owner.epoll.modify(socket, id, reading, sender.isBlocked());
    }

    /** Stops and begins reading: a host that is not read waits. */
    void reading(boolean on) {
        heldUp |= !on;
        if (reading != on) {
            reading = on;
            watch();
        }
    }

    void tick(long nowNanos) {
        if (isDoomed) {
            return;
        }
        queue.poll(nowNanos);
        if (queue.executing() > 0) {
            owner.busy(this);
        }
        if (terminating) {
            if (nowNanos - deadlineNanos > 0) {
                owner.doom(this);
            }
        } else if (nowNanos - patienceNanos > 0) {
            patienceNanos = nowNanos + PATIENCE_NANOS;
            requireProgress();
        }
    }

    private void requireProgress() {
        long owedIn = owesIn;
        long owedOut = owesOut;
        owesIn = receiver.owed();
        owesOut = sender.owed();
        long movedOut = sender.takeMoved();
        for (var request : requests) {
            boolean asked = request.state == TcpRequest.AWAITS_DATA
                    || (request.state == TcpRequest.RECEIVING && request.capsuleBytes == 0);
            if (asked) {
                owesIn += request.dataBytes - request.received;
            }
        }
        boolean silent = !heldUp && owesIn > 0 && movedIn < Math.min(owedIn, LEAST_BYTES);
        boolean deaf = owesOut > 0 && movedOut < Math.min(owedOut, LEAST_BYTES);
        movedIn = 0;
        heldUp = !reading;
        if (silent || deaf) {
            disconnect("the host does not go on with what it has begun");
        }
    }

    /** The receiver has taken bytes. */
    void moved(int count) {
        movedIn += count;
    }

    // Commands.

    /** A command of its own, or null when the host has as many as its queue has entries. */
    TcpRequest take() {
        var request = free;
        if (request != null) {
            free = request.link;
            request.link = null;
        }
        return request;
    }

    /** The command with a transfer tag, or null. */
    TcpRequest request(int ttag) {
        return ttag < requests.length ? requests[ttag] : null;
    }

    /** It has been answered. */
    void release(TcpRequest request) {
        releaseChunks(request);
        request.state = TcpRequest.FREE;
        request.link = free;
        free = request;
    }

    /** Memory for so many bytes, unless there is none, or others need it more; {@code reserve} chunks are to stay. */
    private boolean allocate(TcpRequest request, int bytes, int reserve) {
        int count = DataPool.chunks(bytes);
        if (count > share() || owner.pool.free() - count < reserve + owner.promised) {
            return false;
        }
        hold(request, bytes, count);
        return true;
    }

    /**
     * Chunks that it may take now: so many that it has half as many as are left for all others then, and that of half of what is free whoever has
     * none. So however many hosts sit on what they have, the next one finds some.
     */
    private int share() {
        int free = owner.pool.free();
        if (free == owner.pool.size()) {
            return free; // However long a command is, it finds memory once.
        }
        free -= queue.isConnected() && queue.isAdmin() ? 0 : TcpReactor.ADMIN_CHUNKS;
        if (free <= 0) {
            return 0;
        }
        return chunksHeld == 0 ? Math.max(1, free / 2) : Math.max(0, (free - 2 * chunksHeld) / 3);
    }

    private void hold(TcpRequest request, int bytes, int count) {
        if (request.chunks.length < count) {
            request.chunks = new int[count]; // Rarely: it keeps its size for reuse.
        }
        owner.pool.lend(request, request.chunks, count, bytes);
        request.chunkCount = count;
        chunksHeld += count;
    }

    /** Memory for what comes with a capsule, which the receiver has made sure of before it received it. */
    void allocateForCapsule(TcpRequest request, int bytes) {
        hold(request, bytes, DataPool.chunks(bytes));
    }

    private void releaseChunks(TcpRequest request) {
        for (int i = 0; i < request.chunkCount; i++) {
            owner.pool.release(request.chunks[i]);
        }
        chunksHeld -= request.chunkCount;
        request.chunkCount = 0;
        request.clearPieces();
    }

    /** The command is admitted, and its data are to go to the host or to be asked for: when there is memory for them. */
    void prepare(TcpRequest request, int reserve) {
        if (wantHead == null && allocate(request, request.dataBytes, reserve)) {
            begin(request);
            return;
        }
        request.state = TcpRequest.WANTS_MEMORY;
        request.link = null;
        if (wantHead == null) {
            wantHead = request;
        } else {
            wantTail.link = request;
        }
        wantTail = request;
        owner.starved(this);
    }

    private void begin(TcpRequest request) {
        if (request.dataToHost) {
            execute(request);
        } else {
            sender.ask(request);
        }
    }

    /** There is memory again. */
    void feed() {
        if (isDoomed || terminating) {
            return;
        }
        while (wantHead != null) {
            var request = wantHead;
            if (!request.ended && !allocate(request, request.dataBytes, 0)) {
                owner.starved(this);
                break;
            }
            wantHead = request.link;
            request.link = null;
            if (request.ended) {
                request.state = TcpRequest.EXECUTING;
                respond(request, request.endStatus);
            } else {
                begin(request);
            }
        }
        if (receivable() > 0) {
            reading(true);
        } else if (!reading) {
            owner.starved(this);
        }
        if (queue.executing() > 0) {
            owner.busy(this);
        }
    }

    void execute(TcpRequest request) {
        request.state = TcpRequest.EXECUTING;
        queue.execute(request);
    }

    void refuse(TcpRequest request, int status) {
        request.state = TcpRequest.EXECUTING;
        queue.refuse(request, status);
    }

    /** All data of a Write are there. */
    void dataComplete(TcpRequest request) {
        if (request.ended) {
            request.state = TcpRequest.EXECUTING;
            respond(request, request.endStatus);
        } else if (request.failure != 0) {
            refuse(request, request.failure);
        } else {
            if (request.capsuleBytes > request.dataBytes) {
                request.clearPieces();
                long offset = request.sglAddress(memory);
                request.addPiece(memory, owner.pool.offset(request.chunks[0]) + offset, request.dataBytes);
            }
            execute(request);
        }
    }

    /** The queue has an answer. */
    void respond(TcpRequest request, int status) {
        if (request.state != TcpRequest.EXECUTING) {
            // Of a fused pair, whose other half has failed: its data still come, and must have a place.
            request.ended = true;
            request.endStatus = status;
            return;
        }
        request.state = TcpRequest.ANSWERED;
        if (terminating || isDoomed) {
            return;
        }
        boolean data = status == Status.SUCCESS && request.dataToHost && request.dataBytes > 0;
        sender.answer(request, status, data);
        if (!data) {
            releaseChunks(request);
        }
    }

    // The end.

    /** Tells the host what it did wrong, and ends the connection. */
    private void terminate(Violation violation) {
        owner.counters.terminated.incrementAndGet();
        owner.complaints.say(peer + " ends its connection by " + violation.getMessage());
        terminating = true;
        deadlineNanos = owner.nowNanos() + TERMINATE_BOUND_NANOS;
        sender.terminate(violation, receiver);
        reading(true);
    }

    @Override
    public boolean reserve(int commands) {
        int more = commands - requests.length;
        if (more > owner.freeSlots()) {
            return false;
        }
        int old = requests.length;
        requests = Arrays.copyOf(requests, Math.max(old, commands));
        for (int i = old; i < requests.length; i++) {
            requests[i] = new TcpRequest(this, queue, i, owner.takeSlot());
            requests[i].link = free;
            free = requests[i];
        }
        return true;
    }

    @Override
    public void disconnect(String reason) {
        if (!isDoomed) {
            owner.complaints.tell("the connection of " + peer + " is ended: " + reason);
            owner.doom(this);
        }
    }

    /** Nothing is left to be sent. */
    void allSent() {
        if (finishing) {
            owner.doom(this);
        } else if (terminating) {
            socket.shutdownOutput();
        }
    }

    @Override
    public void finish() {
        if (isDoomed) {
            return; // By the last answer of a connection that is being buried: there is nobody to send to.
        }
        finishing = true;
        owner.dirty(this);
    }

    @Override
    public String localAddress() {
        return local;
    }

    @Override
    public String peer() {
        return peer;
    }

    /** Bytes that may be received without running out of memory for what comes with capsules. */
    int receivable() {
        int most = Math.max(0, Math.min(share(), owner.pool.free() - owner.promised)) * TcpPdu.CAPSULE_CMD_BYTES;
        return Math.min(most, TcpReactor.RECEIVE_BYTES);
    }

    /** The reactor lets it go. Returns false when a namespace has not let go of its data. */
    boolean close() {
        if (tls != null) {
            tls.close();
        }
        socket.close();
        boolean dataFree = queue.close();
        for (var request : requests) {
            if (dataFree) {
                releaseChunks(request);
                owner.releaseSlot(request.slot);
            }
        }
        if (!dataFree) {
            LOG.error("{}: memory of {} is not used again", owner.settings.name(), peer);
        }
        return dataFree;
    }
}
