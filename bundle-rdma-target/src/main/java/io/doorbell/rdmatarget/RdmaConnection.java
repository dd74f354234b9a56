package io.doorbell.rdmatarget;

import io.doorbell.fabrics.DataPool;
import io.doorbell.fabrics.FabricConnection;
import io.doorbell.fabrics.FabricQueue;
import io.doorbell.nvme.CompletionEntry;
import io.doorbell.nvme.SglDescriptor;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.platform.HugePages;
import io.doorbell.platform.MappingOptions;
import io.doorbell.platform.NativeMemory;
import io.doorbell.rdmatarget.RdmaRequest.State;
import io.doorbell.verbs.Access;
import io.doorbell.verbs.Completions;
import io.doorbell.verbs.ConnectRequest;
import io.doorbell.verbs.ConnectionListener;
import io.doorbell.verbs.MemoryRegion;
import io.doorbell.verbs.QueuePairSetup;
import io.doorbell.verbs.SendRequests;
import io.doorbell.verbs.VerbsQueuePair;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A connection of a host, which is one queue pair: its receives, its commands, and what it sends. Owner: the reactor, but for its making and its
 * end.
 *
 * <p>There is a receive for each command that the host may have outstanding, so a host never waits for one, whatever others do. A receive is
 * posted again before the answer is sent, because that lets the host send the next command; there are twice as many requests, because the word that
 * an answer has arrived may come after that command.
 *
 * <p>What the answer brings along is written first, in one post with it: the host has the data when it has the answer.
 */
final class RdmaConnection implements FabricConnection, ConnectionListener {
    private static final Logger LOG = LoggerFactory.getLogger(RdmaConnection.class);

    /** In the id of a completion: it is of a receive, whose buffer the lower bits are. */
    static final long RECEIVE = 1L << 31;

    static final int OWNER_SHIFT = 32;

    private static final int CAPSULE_SGL =
            SglDescriptor.identifier(SglDescriptor.TYPE_DATA_BLOCK, SglDescriptor.SUBTYPE_OFFSET);

    /** Of each command at most one read, one write and one answer are on their way. */
    private static final int SENDS_PER_COMMAND = 3;

    /** An answer with as many writes before it as a list of blocks has; kept free of reads, so that one can go. */
    private static final int MOST_SENDS = RdmaRequest.MAX_BLOCKS + 1;

    final int id;
    private final RdmaReactor owner;
    private final String peer;
    private final String local;
    private final int commands;
    private final int bufferBytes;
    private final long answerBase;
    private final NativeMemory mapping;
    private final MemorySegment memory;
    private final MemoryRegion region;
    private final VerbsQueuePair pair;

    private final AtomicBoolean claimed = new AtomicBoolean();

    /** Null until the reactor has it. */
    private FabricQueue queue;

    private RdmaRequest[] requests;
    private RdmaRequest free;

    /** Receives that came while all requests were in use, with the bytes of each. */
    private final int[] arrived;

    private final int[] arrivedBytes;
    private int arrivedFirst;
    private int arrivedCount;

    /** Buffers to be posted again. */
    private final int[] returned;

    private int returnedCount;

    // Commands that wait for memory or for a place for their read, in order.
    private RdmaRequest wantHead;
    private RdmaRequest wantTail;

    // Commands whose answer is to be sent, in order.
    private RdmaRequest answerHead;
    private RdmaRequest answerTail;

    private int chunksHeld;
    private int sendsFree;
    private int readsFree;
    boolean isActive;
    boolean isDoomed;
    private boolean finishing;

    /** Any thread makes it. */
    RdmaConnection(RdmaReactor owner, int id, ConnectRequest request, int commands) {
        this.owner = owner;
        this.id = id;
        this.commands = commands;
        peer = request.peer().toString().substring(1);
        local = request.local().getAddress().getHostAddress();
        bufferBytes = SubmissionEntry.SIZE_BYTES + owner.settings.inCapsuleBytes();
        answerBase = (long) commands * bufferBytes;
        arrived = new int[commands];
        arrivedBytes = new int[commands];
        returned = new int[commands];
        sendsFree = sends(commands);
        readsFree = request.offered().initiatorDepth();
        mapping = NativeMemory.allocate(
                answerBase + 2L * commands * CompletionEntry.SIZE_BYTES, new MappingOptions(HugePages.NEVER, true));
        memory = mapping.segment();
        MemoryRegion registered = null;
        try {
            registered = owner.domain.register(memory, Access.LOCAL_WRITE);
            pair = owner.device.createQueuePair(new QueuePairSetup(
                    owner.domain, owner.queue, owner.queue, null, sendsFree, commands, owner.segments));
        } catch (RuntimeException failed) {
            if (registered != null) {
                registered.close();
            }
            mapping.close();
            throw failed;
        }
        region = registered;
    }

    private static int sends(int commands) {
        return SENDS_PER_COMMAND * commands + MOST_SENDS;
    }

    /** What a connection of so many commands may have in the completion queue at once. */
    static int completions(int commands) {
        return sends(commands) + commands;
    }

    int commands() {
        return commands;
    }

    VerbsQueuePair pair() {
        return pair;
    }

    /** Of the reactor that takes it and the thread that gives it up, since that did not come round in time: true for the first. */
    boolean claim() {
        return claimed.compareAndSet(false, true);
    }

    void readsAtMost(int agreed) {
        readsFree = Math.min(readsFree, agreed);
    }

    /** On the reactor, before the host is accepted. */
    void begin(long nowNanos) {
        queue = new FabricQueue(owner.target, owner.listener, owner.reactor, this, nowNanos);
        requests = new RdmaRequest[2 * commands];
        for (int i = 0; i < requests.length; i++) {
            requests[i] = new RdmaRequest(this, queue, i);
            requests[i].link = free;
            free = requests[i];
        }
        for (int i = 0; i < commands; i++) {
            returned[returnedCount++] = i;
        }
        postReceives();
    }

    private void postReceives() {
        while (returnedCount > 0) {
            var receives = owner.receives;
            receives.clear();
            while (returnedCount > 0 && !receives.isFull()) {
                int buffer = returned[--returnedCount];
                receives.receive((long) id << OWNER_SHIFT | RECEIVE | buffer);
                receives.segment(memory.address() + at(buffer), bufferBytes, region.localKey());
            }
            if (pair.postReceive(receives) < receives.count()) {
                // The connection has ended, and its end is on its way here.
                return;
            }
        }
    }

    private long at(int buffer) {
        return (long) buffer * bufferBytes;
    }

    // Completions.

    void completed(long what, int status, int bytes) {
        if (status != Completions.SUCCESS) {
            disconnect("a request ended by " + Completions.describe(status));
        } else if ((what & RECEIVE) != 0) {
            received((int) (what & ~RECEIVE), bytes);
        } else {
            var request = requests[(int) (what >> 1)];
            if ((what & 1) == RdmaRequest.READ) {
                sendsFree++;
                readsFree++;
                request.reads--;
                dataComplete(request);
            } else {
                sendsFree += request.sends;
                release(request);
            }
        }
        owner.activate(this);
    }

    private void received(int buffer, int bytes) {
        if (bytes < SubmissionEntry.SIZE_BYTES) {
            disconnect("a capsule of " + bytes + " bytes, less than a command has");
            return;
        }
        if (free == null) {
            int place = (arrivedFirst + arrivedCount++) % commands;
            arrived[place] = buffer;
            arrivedBytes[place] = bytes;
            return;
        }
        begin(buffer, bytes);
    }

    private void begin(int buffer, int bytes) {
        var request = free;
        free = request.link;
        request.link = null;
        request.state = State.EXECUTING;
        request.buffer = buffer;
        request.fetch(memory, at(buffer), bytes);
        int status = queue.admit(request);
        if (status == Status.SUCCESS && request.dataBytes > 0) {
            status = checkData(request, at(buffer) + SubmissionEntry.SIZE_BYTES);
        }
        if (status != Status.SUCCESS) {
            queue.refuse(request, status);
        } else if (request.dataBytes == 0) {
            queue.execute(request);
        } else if (request.identifier == CAPSULE_SGL) {
            request.addPiece(memory, at(buffer) + SubmissionEntry.SIZE_BYTES, request.dataBytes);
            queue.execute(request);
        } else {
            prepare(request);
        }
    }

    /** Whether the command's SGL says where its data are. NVMe RDMA Transport 1.1 §3.2 "Capsules and Data Transfer". */
    private int checkData(RdmaRequest request, long behind) {
        if (request.psdt() != SubmissionEntry.PSDT_SGL) {
            return Status.INVALID_FIELD | Status.DNR;
        }
        // With metadata among the blocks it is a little more than the longest transfer.
        if (request.dataBytes > 2 * owner.settings.maxTransferBytes()) {
            return Status.INVALID_FIELD | Status.DNR;
        }
        switch (SglDescriptor.type(request.identifier)) {
            case SglDescriptor.TYPE_KEYED_DATA_BLOCK -> {
                if (SglDescriptor.subtype(request.identifier) != SglDescriptor.SUBTYPE_ADDRESS
                        && !request.invalidates) {
                    return Status.SGL_DESCRIPTOR_TYPE_INVALID | Status.DNR;
                }
            }
            case SglDescriptor.TYPE_DATA_BLOCK -> {
                if (request.identifier != CAPSULE_SGL || request.dataToHost) {
                    return Status.SGL_DESCRIPTOR_TYPE_INVALID | Status.DNR;
                }
                if (request.remoteAddress != 0) {
                    return Status.SGL_OFFSET_INVALID | Status.DNR;
                }
                if (request.sglBytes > request.capsuleBytes) {
                    return Status.DATA_SGL_LENGTH_INVALID | Status.DNR;
                }
            }
            // A list is in the capsule as a whole, so it has no segment but the last.
            case SglDescriptor.TYPE_LAST_SEGMENT -> {
                int status = request.takeList(memory, behind);
                if (status != Status.SUCCESS) {
                    return status;
                }
            }
            default -> {
                return Status.SGL_DESCRIPTOR_TYPE_INVALID | Status.DNR;
            }
        }
        return request.sglBytes < request.dataBytes ? Status.DATA_SGL_LENGTH_INVALID | Status.DNR : Status.SUCCESS;
    }

    // Data.

    /** Its data are to go to the host or to be read from there: when there is memory for them. */
    private void prepare(RdmaRequest request) {
        if (wantHead == null && allocate(request) && move(request)) {
            return;
        }
        if (request.state != State.READING) {
            request.state = State.WAITING;
        }
        if (wantHead == null) {
            wantHead = request;
        } else {
            wantTail.link = request;
        }
        wantTail = request;
    }

    private boolean allocate(RdmaRequest request) {
        var pool = owner.pool;
        int count = DataPool.chunks(request.dataBytes);
        // What is kept back is for admin queues, so that no host is kept from connecting by the data of others.
        int reserve = queue.isAdmin() ? 0 : owner.reservedChunks;
        boolean place = request.dataToHost || readsFree > 0 && sendsFree > MOST_SENDS;
        if (!place || pool.free() - count < reserve || chunksHeld + count > owner.chunksPerConnection) {
            return false;
        }
        if (request.chunks.length < count) {
            request.chunks = new int[count]; // Rarely: it keeps its size for reuse.
        }
        pool.lend(request, request.chunks, count, request.dataBytes);
        request.chunkCount = count;
        chunksHeld += count;
        return true;
    }

    /** It has memory: its data are executed on, or read. Returns whether all of them are asked for. */
    private boolean move(RdmaRequest request) {
        if (request.dataToHost) {
            request.state = State.EXECUTING;
            queue.execute(request);
            return true;
        }
        request.state = State.READING;
        return read(request);
    }

    /** Asks for what of its data was not asked for yet, as far as the depth that was agreed on goes. Returns whether that is all. */
    private boolean read(RdmaRequest request) {
        var sends = owner.sends;
        sends.clear();
        long what = (long) id << OWNER_SHIFT | request.index << 1 | RdmaRequest.READ;
        while (request.askedBytes < request.dataBytes && readsFree > 0 && sendsFree > MOST_SENDS && !sends.isFull()) {
            int block = request.nextBlock++;
            int bytes = request.blockBytes(block, request.askedBytes);
            if (bytes > 0) {
                sends.read(what, SendRequests.SIGNALED, request.blockAddress(block), request.blockKey(block));
                data(request, request.askedBytes, bytes);
                request.askedBytes += bytes;
                request.reads++;
                readsFree--;
                sendsFree--;
            }
        }
        if (sends.count() > 0) {
            post();
        }
        return request.askedBytes == request.dataBytes;
    }

    /** Bytes of its data are those of the last request of the list. */
    private void data(RdmaRequest request, int from, int bytes) {
        int skip = from;
        int left = bytes;
        for (int i = 0; left > 0; i++) {
            int size = request.pieceBytes[i];
            if (skip >= size) {
                skip -= size;
                continue;
            }
            int part = Math.min(size - skip, left);
            owner.sends.segment(owner.memory.address() + request.pieceOffsets[i] + skip, part, owner.region.localKey());
            left -= part;
            skip = 0;
        }
    }

    private void post() {
        int count = owner.sends.count();
        int posted = pair.post(owner.sends);
        // NOT_CONNECTED: the end is on its way here. There is room for all that is accounted for.
        if (posted >= 0 && posted < count) {
            throw new IllegalStateException(posted + " of " + count + " requests found room");
        }
    }

    private void dataComplete(RdmaRequest request) {
        if (request.reads > 0 || request.askedBytes < request.dataBytes) {
            return;
        }
        request.state = State.EXECUTING;
        if (request.ended) {
            answer(request, request.answerStatus);
        } else {
            queue.execute(request);
        }
    }

    // Answers.

    /** The queue has an answer. */
    void respond(RdmaRequest request, int status) {
        if (request.state == State.EXECUTING) {
            answer(request, status);
        } else {
            // Of a fused pair, whose other half has failed: its turn, or its data, are still to come.
            request.ended = true;
            request.answerStatus = status;
        }
    }

    private void answer(RdmaRequest request, int status) {
        request.state = State.ANSWERED;
        if (isDoomed) {
            return;
        }
        boolean data = status == Status.SUCCESS && request.dataToHost && request.dataBytes > 0;
        if (!data) {
            releaseChunks(request);
        }
        long at = answerBase + (long) request.index * CompletionEntry.SIZE_BYTES;
        CompletionEntry.post(memory, at, request.result, queue.nextHead(), 0, request.cid, status, 0);
        returned[returnedCount++] = request.buffer;
        request.link = null;
        if (answerHead == null) {
            answerHead = request;
        } else {
            answerTail.link = request;
        }
        answerTail = request;
        owner.activate(this);
    }

    private void releaseChunks(RdmaRequest request) {
        for (int i = 0; i < request.chunkCount; i++) {
            owner.pool.release(request.chunks[i]);
        }
        chunksHeld -= request.chunkCount;
        request.chunkCount = 0;
        request.clearPieces();
    }

    private void release(RdmaRequest request) {
        releaseChunks(request);
        request.state = State.FREE;
        request.link = free;
        free = request;
        if (arrivedCount > 0) {
            int place = arrivedFirst;
            arrivedFirst = (arrivedFirst + 1) % commands;
            arrivedCount--;
            begin(arrived[place], arrivedBytes[place]);
        }
    }

    /** Goes on with what it has. Returns work done. */
    int service(long nowNanos) {
        if (isDoomed) {
            return 0;
        }
        feed();
        int work = queue.executing() > 0 ? queue.poll(nowNanos) : 0;
        if (answerHead != null) {
            work++;
            flush();
        }
        if (finishing && answerHead == null && sendsFree == sends(commands)) {
            owner.doom(this);
        }
        return work;
    }

    /** Whether there is something to do that nobody will say. */
    boolean isWaiting() {
        return wantHead != null || answerHead != null;
    }

    int executing() {
        return queue.executing();
    }

    private void feed() {
        while (wantHead != null) {
            var request = wantHead;
            if (request.state == State.READING) {
                // Of one that has ended meanwhile too: what was asked for is to come, and then it is answered.
                if (!read(request)) {
                    return;
                }
                unlinkFirst(request);
                continue;
            }
            if (!request.ended && !allocate(request)) {
                return;
            }
            if (request.ended) {
                unlinkFirst(request);
                request.state = State.EXECUTING;
                answer(request, request.answerStatus);
            } else if (request.dataToHost) {
                unlinkFirst(request);
                move(request);
            } else if (move(request)) {
                unlinkFirst(request);
            } else {
                return;
            }
        }
    }

    private void unlinkFirst(RdmaRequest request) {
        wantHead = request.link;
        request.link = null;
    }

    private void flush() {
        // First: who gets an answer may send the next command.
        postReceives();
        var sends = owner.sends;
        while (answerHead != null && sendsFree >= sends(answerHead)) {
            sends.clear();
            while (answerHead != null
                    && sendsFree >= sends(answerHead)
                    && sends.count() + sends(answerHead) <= RdmaReactor.LIST_REQUESTS) {
                var request = answerHead;
                answerHead = request.link;
                request.link = null;
                stage(request);
            }
            post();
        }
    }

    /** Requests that an answer takes at most. */
    private static int sends(RdmaRequest request) {
        return request.dataToHost && request.chunkCount > 0 ? request.blockCount() + 1 : 1;
    }

    private void stage(RdmaRequest request) {
        var sends = owner.sends;
        long what = (long) id << OWNER_SHIFT | request.index << 1 | RdmaRequest.ANSWER;
        request.sends = 1;
        if (request.dataToHost && request.chunkCount > 0) {
            int done = 0;
            for (int block = 0; done < request.dataBytes; block++) {
                int bytes = request.blockBytes(block, done);
                if (bytes > 0) {
                    // It completes only when it fails, and then says whose it is.
                    sends.write(what, 0, request.blockAddress(block), request.blockKey(block));
                    data(request, done, bytes);
                    done += bytes;
                    request.sends++;
                }
            }
        }
        if (request.invalidates) {
            sends.sendInvalidate(what, SendRequests.SIGNALED, request.remoteKey);
        } else {
            sends.send(what, SendRequests.SIGNALED);
        }
        long at = answerBase + (long) request.index * CompletionEntry.SIZE_BYTES;
        sends.segment(memory.address() + at, CompletionEntry.SIZE_BYTES, region.localKey());
        sendsFree -= request.sends;
    }

    void tick(long nowNanos) {
        if (!isDoomed) {
            queue.poll(nowNanos);
            owner.activate(this);
        }
    }

    // The end.

    @Override
    public boolean reserve(int wanted) {
        return wanted <= commands;
    }

    @Override
    public void disconnect(String reason) {
        if (!isDoomed) {
            owner.complaints.tell("the connection of " + peer + " is ended: " + reason);
            owner.doom(this);
        }
    }

    /** From the connection manager. */
    @Override
    public void disconnected(String reason) {
        try {
            owner.reactor.execute(() -> {
                if (!isDoomed) {
                    LOG.debug("{}: the connection of {} has ended: {}", owner.settings.name(), peer, reason);
                    owner.doom(this);
                }
            });
        } catch (RejectedExecutionException ending) {
            LOG.debug("{} ends too", owner, ending);
        }
    }

    @Override
    public void finish() {
        finishing = true;
        owner.activate(this);
    }

    @Override
    public String localAddress() {
        return local;
    }

    @Override
    public String peer() {
        return peer;
    }

    /** The reactor lets it go. Returns false when a namespace has not let go of its data. */
    boolean close() {
        boolean dataFree = queue.close();
        if (!dataFree) {
            LOG.error("{}: memory of {} is not used again", owner.settings.name(), peer);
        }
        return dataFree;
    }

    /** Nothing of the host reaches the memory any more when this returns. Control path. */
    void endPair() {
        pair.close();
    }

    /** Gives back what is the reactor's, on its thread, after {@link #endPair}: until then a read could still fill it. */
    void giveBack() {
        if (requests != null) {
            for (var request : requests) {
                releaseChunks(request);
            }
        }
    }

    /** The last thing. Control path. */
    void dispose(boolean dataFree) {
        region.close();
        if (dataFree) {
            mapping.close();
        }
    }
}
