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
 * A connection of a host: its commands, their memory, and what it sends. What it receives is {@link PduReceiver}'s. Owner: the reactor.
 *
 * <p>What is to be sent is a list of commands; the bytes are in each command's own part of the memory, and in its data. So the list is never
 * longer than there are commands, and a host that does not read makes only itself wait.
 */
final class TcpConnection implements FabricConnection {
    private static final Logger LOG = LoggerFactory.getLogger(TcpConnection.class);

    /** A host that has begun something (data, a header, reading) has to go on with it: within so long by {@link #LEAST_BYTES}, or to its end. */
    static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(15);

    /** What the slowest of hosts moves meanwhile. Who sends a byte now and then holds memory that others want. */
    static final int LEAST_BYTES = 32 << 10;

    /** How long a host may take to read a TermReq. */
    static final long TERMINATE_BOUND_NANOS = TimeUnit.SECONDS.toNanos(5);

    /** Answers that do not wait for the end of the cycle. */
    private static final int MUCH_BYTES = 256 << 10;

    /** Where in the connection's memory what is. */
    private static final int INITIALIZE = TcpReactor.CARRY_BYTES;

    private static final int TERMINATE = INITIALIZE + TcpRequest.SLOT_BYTES;

    final TcpReactor owner;
    final TcpSocket socket;
    final int id;
    final FabricQueue queue;
    private final PduReceiver receiver;
    private final MemorySegment memory;
    private final SocketVector out;

    /** Between the socket and all else; null where nothing is encrypted. */
    private final TlsChannel tls;

    // As the connection was initialized.
    boolean headerDigest;
    boolean dataDigest;
    int dataAlignment = 4;

    private TcpRequest[] requests;
    private TcpRequest free;

    private TcpRequest sendHead;
    private TcpRequest sendTail;
    /** Bytes of the first that are sent already. */
    private int sent;

    /** Of all of them, but for those. */
    private int unsent;

    private boolean blocked;

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
    /** ICResp and TermReq, which are nobody's command, and may have to be sent one after the other. */
    private final TcpRequest initialization;

    private final TcpRequest termination;
    private final long base;
    private boolean reading = true;
    private boolean terminating;
    private boolean finishing;
    private long deadlineNanos;

    /** When the host is looked at the next time, what it owed when it was last looked at, and what it has moved since: in, and out. */
    private long patienceNanos;

    private long owesIn;
    private long owesOut;
    private long movedIn;
    private long movedOut;
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
        out = owner.out;
        base = owner.connectionBase(id);
        tls = owner.settings.tls() ? new TlsChannel(owner, socket, peer) : null;
        queue = new FabricQueue(owner.target, owner.listener, owner.reactor, this, owner.nowNanos());
        receiver = new PduReceiver(this, base);
        initialization = new TcpRequest(this, queue, -1, base + INITIALIZE);
        termination = new TcpRequest(this, queue, -1, base + TERMINATE);
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
        return reading && !blocked && !isDoomed && !terminating && tls == null;
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
            LOG.warn("{}: the TLS handshake of {} fails: {}", owner.settings.name(), peer, tls.failure());
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

    void writable() {
        if (blocked && !isDoomed) {
            blocked = false;
            watch();
            owner.dirty(this);
        }
    }

    private void watch() {
        owner.epoll.modify(socket, id, reading, blocked);
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
        owesOut = 0;
        for (var request : requests) {
            boolean asked = request.state == TcpRequest.AWAITS_DATA
                    || (request.state == TcpRequest.RECEIVING && request.capsuleBytes == 0);
            if (asked) {
                owesIn += request.dataBytes - request.received;
            }
        }
        for (var request = sendHead; request != null && blocked; request = request.link) {
            owesOut += request.headBytes + request.sendData + request.tailBytes;
        }
        boolean silent = !heldUp && owesIn > 0 && movedIn < Math.min(owedIn, LEAST_BYTES);
        boolean deaf = owesOut > 0 && movedOut < Math.min(owedOut, LEAST_BYTES);
        movedIn = 0;
        movedOut = 0;
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

    private void release(TcpRequest request) {
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
            ask(request);
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

    // What is sent.

    private void ask(TcpRequest request) {
        int hlen = TcpPdu.R2T_BYTES;
        TcpPdu.common(memory, request.head(), TcpPdu.R2T, digestFlag(), hlen, 0, hlen + digestBytes());
        TcpPdu.range(memory, request.head(), request.cid, request.index, 0, request.dataBytes);
        request.headBytes = seal(request.head(), hlen);
        request.sendData = 0;
        request.tailBytes = 0;
        request.state = TcpRequest.ASKING;
        send(request);
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
        int head = queue.nextHead();
        boolean data = status == Status.SUCCESS && request.dataToHost && request.dataBytes > 0;
        boolean needsCompletion = !data || queue.hasFlowControl() || request.result != 0;
        request.headBytes = data ? dataHeader(request, needsCompletion) : 0;
        request.sendData = data ? request.dataBytes : 0;
        int tail = 0;
        if (data && dataDigest) {
            TcpPdu.dword(memory, request.tail(), owner.checksum.of(request, 0, request.dataBytes));
            tail = TcpPdu.DIGEST_BYTES;
        }
        if (needsCompletion) {
            long at = request.tail() + tail;
            int hlen = TcpPdu.CAPSULE_RESP_BYTES;
            TcpPdu.common(memory, at, TcpPdu.CAPSULE_RESP, digestFlag(), hlen, 0, hlen + digestBytes());
            TcpPdu.completion(memory, at, request.result, head, request.cid, status);
            tail += seal(at, hlen);
        }
        request.tailBytes = tail;
        if (!data) {
            releaseChunks(request);
        }
        send(request);
    }

    private int dataHeader(TcpRequest request, boolean needsCompletion) {
        int hlen = TcpPdu.DATA_BYTES;
        int pdo = (hlen + digestBytes() + dataAlignment - 1) / dataAlignment * dataAlignment;
        int flags = digestFlag()
                | (dataDigest ? TcpPdu.DATA_DIGEST : 0)
                | TcpPdu.LAST
                | (needsCompletion ? 0 : TcpPdu.SUCCESS);
        long at = request.head();
        int plen = pdo + request.dataBytes + (dataDigest ? TcpPdu.DIGEST_BYTES : 0);
        TcpPdu.common(memory, at, TcpPdu.C2H_DATA, flags, hlen, pdo, plen);
        TcpPdu.range(memory, at, request.cid, 0, 0, request.dataBytes);
        int written = seal(at, hlen);
        if (written < pdo) {
            memory.asSlice(at + written, pdo - written).fill((byte) 0);
        }
        return pdo;
    }

    private int digestFlag() {
        return headerDigest ? TcpPdu.HEADER_DIGEST : 0;
    }

    private int digestBytes() {
        return headerDigest ? TcpPdu.DIGEST_BYTES : 0;
    }

    /** Puts the digest behind a header. Returns the bytes of both. */
    private int seal(long at, int hlen) {
        if (!headerDigest) {
            return hlen;
        }
        TcpPdu.dword(memory, at + hlen, owner.checksum.of(at, hlen));
        return hlen + TcpPdu.DIGEST_BYTES;
    }

    /** ICResp, with what was agreed on. */
    void initialized(int pdaZeroBased, int digests) {
        TcpPdu.initialize(memory, initialization.head(), TcpPdu.ICRESP, 0, digests, owner.settings.maxTransferBytes());
        initialization.headBytes = TcpPdu.IC_BYTES;
        send(initialization);
        dataAlignment = 4 * (pdaZeroBased + 1);
        headerDigest = (digests & 1) != 0;
        dataDigest = (digests & 2) != 0;
    }

    private void send(TcpRequest request) {
        request.link = null;
        if (sendHead == null) {
            sendHead = request;
        } else {
            sendTail.link = request;
        }
        sendTail = request;
        unsent += request.headBytes + request.sendData + request.tailBytes;
        if (!blocked) {
            owner.dirty(this);
        }
    }

    /** Sends what there is when it is much: so its memory is used again while it is still in the cache. */
    void sendMuch() {
        if (unsent >= MUCH_BYTES && !blocked && !isDoomed) {
            flush();
        }
    }

    /** Sends what there is, as far as there is room. */
    void flush() {
        if (tls != null && !tls.drain()) {
            owner.doom(this);
            return;
        }
        while (mayBeSent()) {
            gather(out);
            long wanted = out.bytes();
            sent(tls == null ? socket.send(out) : tls.send(out), wanted);
        }
        if (tls != null && tls.isPending()) {
            if (!blocked) {
                blocked = true;
                watch();
            }
            return;
        }
        if (sendHead == null && finishing) {
            owner.doom(this);
        } else if (sendHead == null && terminating) {
            socket.shutdownOutput();
        }
    }

    private boolean mayBeSent() {
        return sendHead != null && !blocked && !isDoomed;
    }

    /** Names what is to be sent, for a call that others share. Returns false when it is better sent alone. */
    boolean stageSend(SocketVector out) {
        if (tls != null || !mayBeSent()) {
            return false;
        }
        gather(out);
        return true;
    }

    /** So many of the bytes that were {@code wanted} are on their way, or it answered as {@link TcpSocket#send} does. */
    void sent(int count, long wanted) {
        if (count == TcpSocket.END) {
            owner.doom(this);
            return;
        }
        if (count > 0) {
            movedOut += count;
            advance(count);
        }
        if (tls == null ? count < wanted : tls.isPending()) {
            blocked = true;
            watch();
        }
    }

    private void gather(SocketVector out) {
        out.clear();
        int skip = sent;
        for (var request = sendHead; request != null; request = request.link) {
            skip = part(out, request.head(), request.headBytes, skip);
            int data = request.sendData;
            for (int i = 0; i < request.pieceCount && data > 0 && skip >= 0; i++) {
                int size = Math.min(request.pieceBytes[i], data);
                skip = part(out, request.pieceOffsets[i], size, skip);
                data -= size;
            }
            skip = part(out, request.tail(), request.tailBytes, skip);
            if (skip < 0) {
                return;
            }
        }
    }

    /** Adds a part but for what is sent of it. Returns what is still to be skipped, or -1 when there is no room for more parts. */
    private static int part(SocketVector out, long offset, int size, int skip) {
        if (skip < 0 || size <= skip) {
            return skip < 0 ? skip : skip - size;
        }
        return out.add(offset + skip, size - skip) ? 0 : -1;
    }

    private void advance(int count) {
        sent += count;
        unsent -= count;
        while (sendHead != null) {
            var request = sendHead;
            int size = request.headBytes + request.sendData + request.tailBytes;
            if (sent < size) {
                return;
            }
            sent -= size;
            sendHead = request.link;
            request.link = null;
            if (request.state == TcpRequest.ASKING) {
                request.state = TcpRequest.AWAITS_DATA;
            } else if (request.index >= 0) {
                release(request);
            }
        }
        sendTail = null;
    }

    // The end.

    /** Tells the host what it did wrong, and ends the connection. */
    private void terminate(Violation violation) {
        owner.complain(peer + " ends its connection by " + violation.getMessage());
        terminating = true;
        deadlineNanos = owner.nowNanos() + TERMINATE_BOUND_NANOS;
        int header = receiver.offendingBytes();
        TcpPdu.termination(memory, termination.head(), TcpPdu.C2H_TERM_REQ, violation.fes, violation.fei, header);
        MemorySegment.copy(memory, receiver.offending(), memory, termination.head() + TcpPdu.TERM_REQ_BYTES, header);
        termination.headBytes = TcpPdu.TERM_REQ_BYTES + header;
        send(termination);
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
            LOG.info("{}: the connection of {} is ended: {}", owner.settings.name(), peer, reason);
            owner.doom(this);
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
