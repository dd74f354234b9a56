package io.doorbell.backends;

import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.reactor.Reactor;
import io.doorbell.storage.NamespaceSession;
import io.doorbell.storage.NvmRequest;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;

/**
 * A {@link MemoryNamespace} in the hands of one reactor. Nearly everything is answered at once. Pending are: zeroing of
 * more than {@link #SLICE_BYTES}, which goes slice by slice so that no cycle of the reactor takes long; fused pairs while
 * other sessions move; and everything while a fused pair of another session holds the gate.
 */
final class MemorySession implements NamespaceSession {
    /** Zeroed in one cycle at most: about 0.2 ms where all of it has to be given back. */
    static final long SLICE_BYTES = 4L << 20;

    private final MemorySegment memory;
    private final long storedBytes;
    /** Standing still, or closed. */
    private boolean held;

    // Cold from here.
    private final MemoryNamespace namespace;
    private final Reactor reactor;
    private final DatasetRanges ranges;
    private final ArrayDeque<FusedPair> fused = new ArrayDeque<>();
    private boolean closed;

    /** Requests that wait, in order, linked by {@code next}; the first may have been begun. */
    private NvmRequest head;

    private NvmRequest tail;
    private int waiting;
    private boolean begun;
    private int rangeIndex;
    private long zeroOffset;
    private long zeroEnd;

    private record FusedPair(NvmRequest compare, NvmRequest write) {}

    MemorySession(MemoryNamespace namespace, Reactor reactor, boolean held) {
        this.namespace = namespace;
        this.reactor = reactor;
        this.held = held;
        memory = namespace.segment();
        storedBytes = namespace.shape().format().storedBytes();
        ranges = new DatasetRanges(namespace.shape().blockCount());
    }

    Reactor reactor() {
        return reactor;
    }

    @Override
    public int submit(NvmRequest request) {
        return held ? submitHeld(request) : begin(request);
    }

    private int begin(NvmRequest request) {
        long offset = request.slba * storedBytes;
        long bytes = request.blockCount * storedBytes;
        try {
            switch (request.opc) {
                case NvmOpcode.READ:
                    request.copyToHost(0, memory, offset, bytes);
                    return Status.SUCCESS;
                case NvmOpcode.WRITE:
                    request.copyFromHost(0, memory, offset, bytes);
                    return Status.SUCCESS;
                default:
                    return beginOther(request, offset, bytes);
            }
        } catch (IllegalStateException gone) {
            // The host's memory was taken away while we were at it.
            return Status.DATA_TRANSFER_ERROR;
        }
    }

    private int beginOther(NvmRequest request, long offset, long bytes) {
        switch (request.opc) {
            case NvmOpcode.FLUSH, NvmOpcode.VERIFY:
                return Status.SUCCESS;
            case NvmOpcode.COMPARE:
                return compare(request, offset, bytes);
            case NvmOpcode.WRITE_ZEROES, NvmOpcode.DATASET_MANAGEMENT:
                if (head == null) {
                    int status = beginZeroing(request);
                    if (status != NvmRequest.PENDING) {
                        return status;
                    }
                    status = zeroSlice();
                    if (status != NvmRequest.PENDING) {
                        return status;
                    }
                    begun = true;
                }
                return enqueue(request);
            default:
                return Status.INVALID_OPCODE | Status.DNR;
        }
    }

    private int compare(NvmRequest request, long offset, long bytes) {
        long at = offset;
        for (int i = 0; i < request.pieceCount; i++) {
            long start = request.pieceOffsets[i];
            int part = (int) Math.min(request.pieceBytes[i], offset + bytes - at);
            if (MemorySegment.mismatch(memory, at, at + part, request.pieces[i], start, start + part) >= 0) {
                return Status.COMPARE_FAILURE | Status.DNR;
            }
            at += part;
        }
        assert at == offset + bytes : "the data of a Compare is too short";
        return Status.SUCCESS;
    }

    /** Sets out what is to be zeroed; PENDING when there is something. */
    private int beginZeroing(NvmRequest request) {
        if (request.opc == NvmOpcode.WRITE_ZEROES) {
            rangeIndex = 1;
            zeroOffset = request.slba * storedBytes;
            zeroEnd = zeroOffset + request.blockCount * storedBytes;
            ranges.clear();
            return NvmRequest.PENDING;
        }
        int status = ranges.load(request);
        if (status != Status.SUCCESS || !DatasetRanges.deallocates(request)) {
            return status;
        }
        rangeIndex = 0;
        zeroOffset = 0;
        zeroEnd = 0;
        return NvmRequest.PENDING;
    }

    /** Zeroes up to {@link #SLICE_BYTES}; PENDING when there is more. */
    private int zeroSlice() {
        long budget = SLICE_BYTES;
        while (true) {
            if (zeroOffset == zeroEnd) {
                if (rangeIndex >= ranges.count()) {
                    return Status.SUCCESS;
                }
                zeroOffset = ranges.slba(rangeIndex) * storedBytes;
                zeroEnd = zeroOffset + ranges.blockCount(rangeIndex) * storedBytes;
                rangeIndex++;
                continue;
            }
            if (budget == 0) {
                return NvmRequest.PENDING;
            }
            long part = Math.min(zeroEnd - zeroOffset, budget);
            namespace.zero(zeroOffset, part);
            zeroOffset += part;
            budget -= part;
        }
    }

    private int submitHeld(NvmRequest request) {
        if (closed) {
            return Status.INVALID_NAMESPACE_OR_FORMAT | Status.DNR;
        }
        if (namespace.isFree()) {
            held = false;
            return begin(request);
        }
        return enqueue(request);
    }

    private int enqueue(NvmRequest request) {
        request.next = null;
        if (head == null) {
            head = request;
        } else {
            tail.next = request;
        }
        tail = request;
        waiting++;
        return NvmRequest.PENDING;
    }

    @Override
    public int submitFused(NvmRequest compare, NvmRequest write) {
        if (closed) {
            return Status.INVALID_NAMESPACE_OR_FORMAT | Status.DNR;
        }
        // A single session waits for nobody, so this is one visit to the gate.
        if (fused.isEmpty() && namespace.enter(this)) {
            return executeFused(compare, write);
        }
        fused.add(new FusedPair(compare, write));
        return NvmRequest.PENDING;
    }

    private int executeFused(NvmRequest compare, NvmRequest write) {
        try {
            int status = begin(compare);
            return status == Status.SUCCESS ? begin(write) : status;
        } finally {
            namespace.leave(this);
        }
    }

    /** Runs on this session's thread, between two commands: from here on nothing is executed until the gate is free. */
    void standStill() {
        held = true;
        namespace.standsStill(this);
    }

    @Override
    public int poll(long nowNanos) {
        int completed = 0;
        if (!fused.isEmpty()) {
            completed += pollFused();
        }
        if (head != null && mayMove()) {
            completed += pollWaiting();
            if (head != null) {
                // More slices: the reactor must not sleep over them.
                reactor.wake();
            }
        }
        return completed;
    }

    private int pollFused() {
        if (!namespace.enter(this)) {
            return 0;
        }
        var pair = fused.remove();
        int status = executeFused(pair.compare(), pair.write());
        if (!fused.isEmpty()) {
            reactor.wake();
        }
        pair.write().complete(status);
        return 1;
    }

    private boolean mayMove() {
        if (held && !closed && namespace.isFree()) {
            held = false;
        }
        return !held;
    }

    /** Completes waiting requests up to the first that zeroes more than a slice. */
    private int pollWaiting() {
        int completed = 0;
        while (head != null) {
            var request = head;
            int status;
            boolean zeroes = request.opc == NvmOpcode.WRITE_ZEROES || request.opc == NvmOpcode.DATASET_MANAGEMENT;
            if (zeroes) {
                status = begun ? NvmRequest.PENDING : beginZeroing(request);
                begun = status == NvmRequest.PENDING;
                if (begun) {
                    status = zeroSlice();
                    if (status == NvmRequest.PENDING) {
                        return completed;
                    }
                    begun = false;
                }
            } else {
                status = begin(request);
            }
            head = request.next;
            request.next = null;
            waiting--;
            completed++;
            request.complete(status);
            if (zeroes) {
                return completed;
            }
        }
        return completed;
    }

    @Override
    public int inFlight() {
        return waiting + fused.size();
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        held = true;
        head = null;
        tail = null;
        waiting = 0;
        fused.clear();
        namespace.closed(this);
    }
}
