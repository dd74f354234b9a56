package io.doorbell.emulator;

import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.Doorbell;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.storage.HostPieces;
import io.doorbell.storage.NvmRequest;
import io.doorbell.target.CommandPath;
import java.lang.foreign.MemorySegment;

/**
 * The device's side of a submission queue: fetches commands, sees each of them to its end. {@link IoQueue} and {@link AdminQueue} differ in
 * how they execute; they are two classes so that each of their loops has one callee. Owner: the device's reactor.
 */
abstract sealed class SubmissionQueue permits IoQueue, AdminQueue {
    final EmulatedController controller;
    final int qid;
    final int size;
    final CompletionQueue completions;
    final HostData hostData;
    final CommandPath path;
    final MemorySegment ring;

    MemorySegment doorbells;
    long doorbellOffset;

    /** The next entry to fetch. */
    int head;

    /** The request that the next command is fetched into; null when all are in use. */
    EmulatedRequest next;

    /** The first of a fused pair, which waits for the second. */
    EmulatedRequest fusedFirst;

    /** Nothing is fetched or posted any more. */
    boolean dead;

    // Cold.
    /** Requests in the hands of others. */
    int executing;

    private EmulatedRequest free;
    private final EmulatedRequest[] requests;
    private int requestCount;

    private DoorbellBuffers shadow;
    private int fetchedSinceHold;

    /** The Delete I/O Submission Queue that waits for what is executing. */
    EmulatedRequest deletion;

    SubmissionQueue(
            EmulatedController controller,
            int qid,
            int size,
            MemorySegment ring,
            CompletionQueue completions,
            HostData hostData,
            CommandPath path,
            MemorySegment doorbells,
            int dstrd) {
        this.controller = controller;
        this.qid = qid;
        this.size = size;
        this.ring = ring;
        this.completions = completions;
        this.hostData = hostData;
        this.path = path;
        this.doorbells = doorbells;
        // As many as the ring has entries: one more could not have been submitted before one of them ended.
        requests = new EmulatedRequest[size];
        doorbellOffset = Doorbell.shadowSubmissionTailOffset(qid, dstrd);
        Doorbell.store(doorbells, doorbellOffset, 0);
        next = take();
    }

    /**
     * How many commands can be fetched, up to {@code limit}: submitted, with a request to hold them, and with room for their completions.
     */
    final int fetchable(int tail, int limit) {
        if (Integer.compareUnsigned(tail, size) >= 0) {
            dead = true;
            controller.invalidDoorbell(
                    AsyncEvent.ERROR_INVALID_DOORBELL_VALUE, "tail " + tail + " of submission queue " + qid);
            return 0;
        }
        if (next == null && (next = take()) == null || completions.waiting()) {
            return 0;
        }
        int submitted = tail - head;
        if (submitted < 0) {
            submitted += size;
        }
        return completions.room(Math.min(submitted, limit));
    }

    /** Whether a cycle would find something to do now. */
    final boolean hasWork() {
        if (dead) {
            return false;
        }
        int tail = Doorbell.load(doorbells, doorbellOffset);
        return tail != head && fetchable(tail, 1) > 0;
    }

    /** Whether submitted commands wait for room in the completion queue. */
    final boolean blocked() {
        return !dead && (completions.waiting() || Doorbell.load(doorbells, doorbellOffset) != head);
    }

    /** Brings in the data, when there is any. Returns a status. */
    final int mapData(EmulatedRequest request) {
        int bytes = request.dataBytes;
        if (bytes == 0) {
            return Status.SUCCESS;
        }
        int status = bytes > 0 ? hostData.map(request) : Status.INVALID_FIELD;
        return status == Status.SUCCESS ? status : status | Status.DNR;
    }

    /** Brings in metadata that has a buffer of its own. Returns a status. */
    final int mapMetadata(EmulatedRequest request, int bytes) {
        if (request == next) {
            // In a burst: its entry is the last that was fetched, and the host is not told yet that it was.
            int entry = (head == 0 ? size : head) - 1;
            request.fetchMetadataPointer(ring, (long) entry * SubmissionEntry.SIZE_BYTES);
        }
        int status = hostData.mapMetadata(request, bytes);
        return status == Status.SUCCESS ? status : status | Status.DNR;
    }

    /** A command was stopped by an exception: whose fault was it? Memory that was closed under it is the host's. Returns a status. */
    final int failed(EmulatedRequest request, Throwable failure) {
        boolean memoryGone = failure instanceof InternalError;
        memoryGone |= isClosed(request) || request.metadata != null && isClosed(request.metadata);
        if (memoryGone) {
            return Status.DATA_TRANSFER_ERROR;
        }
        controller.commandFailed(this, request, failure);
        return Status.INTERNAL_ERROR;
    }

    private static boolean isClosed(HostPieces data) {
        boolean closed = false;
        for (int i = 0; i < data.pieceCount; i++) {
            closed |= !data.pieces[i].scope().isAlive();
        }
        return closed;
    }

    /** Begins with a command that was held back, or is not held back. */
    abstract void begin(EmulatedRequest request);

    /** The request now is someone else's, who will call {@link NvmRequest#complete}. */
    final void pending(EmulatedRequest request) {
        request.state = EmulatedRequest.EXECUTING;
        executing++;
    }

    /** A pending request has ended. */
    final void finish(EmulatedRequest request, int status) {
        if (request.state != EmulatedRequest.EXECUTING) {
            controller.commandFailed(this, request, new IllegalStateException("completed twice"));
            return;
        }
        executing--;
        if ((status | request.timedNanos) != 0) {
            path.ended(request, status);
        }
        try {
            answer(request, status);
            if (executing == 0) {
                controller.idle(this);
            }
        } catch (IllegalStateException | InternalError ringGone) {
            // Not to be thrown at the namespace that calls us.
            controller.fail("the completion queue of queue " + qid + " cannot be reached: " + ringGone.getMessage());
        }
    }

    /** Ends a command with all that a fault plan makes of it. */
    final void answer(EmulatedRequest request, int status) {
        var first = request.fusedFirst;
        if (first != null) {
            request.fusedFirst = null;
            boolean firstFailed = status != Status.SUCCESS && !FusedPair.writeFailed(status);
            answer(first, firstFailed ? status : Status.SUCCESS);
            answer(request, firstFailed ? Status.ABORTED_FAILED_FUSED : status);
            return;
        }
        if (dead) {
            release(request);
        } else if (request.fault != null) {
            FaultRun.answer(request, status);
        } else {
            if (status != Status.SUCCESS) {
                refused(request, status);
            }
            completions.answer(request, status);
        }
    }

    /** For the error log. */
    final void refused(EmulatedRequest request, int status) {
        controller.target.error(qid, request.cid, status, qid == 0 ? 0 : request.slba, request.nsid);
    }

    /** A request that holds nothing, or null when as many are in use as the ring has entries. */
    final EmulatedRequest take() {
        var request = free;
        if (request != null) {
            free = request.link;
            request.link = null;
            return request;
        }
        if (requestCount == requests.length) {
            return null;
        }
        request = new EmulatedRequest(this);
        requests[requestCount++] = request;
        return request;
    }

    final void release(EmulatedRequest request) {
        request.state = EmulatedRequest.FREE;
        request.fault = null;
        if (request.metadata != null) {
            request.metadata.clearPieces();
        }
        request.link = free;
        free = request;
    }

    /** The command with this id that is held back or executing, or null. */
    final EmulatedRequest find(int cid) {
        for (int i = 0; i < requestCount; i++) {
            var request = requests[i];
            if (request.cid == cid && request.state != EmulatedRequest.FREE && request != next) {
                return request;
            }
        }
        return null;
    }

    /** Ends a command that nobody works on. Returns false when somebody does, or it has ended. */
    final boolean abort(EmulatedRequest request) {
        if (request.state == EmulatedRequest.HELD) {
            if (request == fusedFirst) {
                fusedFirst = null;
            } else {
                controller.held.remove(request);
            }
            answer(request, Status.ABORTED_BY_REQUEST);
            return true;
        }
        if (qid == 0 && request.state == EmulatedRequest.EXECUTING && controller.target.abort(request)) {
            finish(request, Status.ABORTED_BY_REQUEST);
            return true;
        }
        return false;
    }

    /** Whether a command in the hands of others has data in this region. */
    final boolean uses(MemorySegment region) {
        long start = region.address();
        long end = start + region.byteSize();
        for (int i = 0; i < requestCount; i++) {
            var request = requests[i];
            if (request.state != EmulatedRequest.EXECUTING) {
                continue;
            }
            if (isIn(request, start, end) || request.metadata != null && isIn(request.metadata, start, end)) {
                return true;
            }
        }
        return false;
    }

    private static boolean isIn(HostPieces data, long start, long end) {
        for (int i = 0; i < data.pieceCount; i++) {
            long address = data.pieces[i].address() + data.pieceOffsets[i];
            if (address >= start && address < end) {
                return true;
            }
        }
        return false;
    }

    /** Ends what has been submitted and not fetched, for as long as there is room to say so: the queue is deleted. */
    final void abortSubmitted() {
        int tail = Doorbell.load(doorbells, doorbellOffset);
        while (Integer.compareUnsigned(tail, size) < 0 && head != tail && completions.room(1) > 0) {
            int cid = SubmissionEntry.cid(ring, (long) head * SubmissionEntry.SIZE_BYTES);
            head = head + 1 == size ? 0 : head + 1;
            completions.post(0, head, qid, cid, Status.ABORTED_SQ_DELETION);
        }
    }

    /** From now on the tail is in the shadow buffer. */
    final void attach(DoorbellBuffers buffers) {
        int value = Doorbell.load(doorbells, doorbellOffset);
        shadow = buffers;
        doorbells = buffers.shadow();
        doorbellOffset = Doorbell.shadowSubmissionTailOffset(qid, buffers.dstrd());
        Doorbell.store(doorbells, doorbellOffset, value);
        hold();
    }

    final boolean hasShadow() {
        return shadow != null;
    }

    /** Now and then while polling, so that the tail never comes round to the index we hold. */
    final void fetched(int count) {
        if (shadow != null && (fetchedSinceHold += count) >= size / 2) {
            hold();
        }
    }

    /** No doorbell, please: we look ourselves. The index just behind the head is the one that is reached last. */
    final void hold() {
        if (shadow != null) {
            fetchedSinceHold = 0;
            shadow.eventIndex(doorbellOffset, head == 0 ? size - 1 : head - 1);
        }
    }

    /** Ring when the tail moves. */
    final void arm() {
        if (shadow != null) {
            shadow.eventIndex(doorbellOffset, Doorbell.load(doorbells, doorbellOffset));
        }
    }
}
