package io.doorbell.emulator;

import io.doorbell.nvme.Doorbell;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.storage.NvmRequest;
import io.doorbell.target.CommandPath;
import java.lang.foreign.MemorySegment;

/** An I/O submission queue: the loop that every I/O goes through. Owner: the device's reactor. */
final class IoQueue extends SubmissionQueue {
    /** Commands fetched before the next queue has its turn. NVMe Base 2.1 §3.4.4.1 "Round Robin Arbitration". */
    static final int BURST = 64;

    IoQueue(
            EmulatedController controller,
            int qid,
            int size,
            MemorySegment ring,
            CompletionQueue completions,
            HostData hostData,
            CommandPath path,
            MemorySegment doorbells,
            int dstrd) {
        super(controller, qid, size, ring, completions, hostData, path, doorbells, dstrd);
    }

    /** Serves a burst. Returns how many commands it fetched. */
    int serve(long nowNanos) {
        int tail = Doorbell.load(doorbells, doorbellOffset);
        if (tail == head || dead) {
            return 0;
        }
        int count = fetchable(tail, BURST);
        if (count == 0) {
            return 0;
        }
        hostData.refresh();
        var faults = controller.faults;
        int served = faults == null && fusedFirst == null ? burst(count, nowNanos) : one(faults, nowNanos);
        fetched(served);
        return served;
    }

    private int burst(int count, long nowNanos) {
        var request = next;
        int at = head;
        for (int i = 0; i < count; i++) {
            request.fetch(ring, (long) at * SubmissionEntry.SIZE_BYTES);
            if (request.fuse() != SubmissionEntry.FUSE_NONE) {
                return i + one(null, nowNanos);
            }
            at = at + 1 == size ? 0 : at + 1;
            head = at;
            int status = run(request);
            if (status != NvmRequest.PENDING) {
                if (status != Status.SUCCESS) {
                    refused(request, status);
                }
                completions.post(request.result, at, qid, request.cid, status);
            } else {
                next = null;
                pending(request);
                request = next = take();
                if (request == null) {
                    return i + 1;
                }
            }
        }
        return count;
    }

    private int run(EmulatedRequest request) {
        try {
            int status = path.admit(request);
            if (status == Status.SUCCESS && request.dataBytes != 0) {
                status = mapData(request);
            }
            return status == Status.SUCCESS ? path.execute(request) : status;
        } catch (RuntimeException | InternalError failure) {
            return failed(request, failure);
        }
    }

    /** Serves one command that is not like all the others: one of a pair, or one that a fault plan has a say in. */
    private int one(FaultRun faults, long nowNanos) {
        var request = next;
        next = null;
        request.fetch(ring, (long) head * SubmissionEntry.SIZE_BYTES);
        // Now, since the command may begin when the host has its entry back.
        request.fetchMetadataPointer(ring, (long) head * SubmissionEntry.SIZE_BYTES);
        head = head + 1 == size ? 0 : head + 1;
        if (faults == null || !faults.apply(request, nowNanos)) {
            begin(request);
        }
        if (next == null) {
            next = take();
        }
        return 1;
    }

    /** Begins with a command, alone or in a pair. */
    @Override
    void begin(EmulatedRequest request) {
        var first = fusedFirst;
        if (first == null && request.fuse() == SubmissionEntry.FUSE_NONE) {
            end(request, run(request));
            return;
        }
        fusedFirst = null;
        if (first != null && request.fuse() == SubmissionEntry.FUSE_SECOND) {
            pair(first, request);
            return;
        }
        if (first != null) {
            answer(first, Status.ABORTED_MISSING_FUSED);
        }
        switch (request.fuse()) {
            case SubmissionEntry.FUSE_NONE -> end(request, run(request));
            case SubmissionEntry.FUSE_FIRST -> {
                request.state = EmulatedRequest.HELD;
                fusedFirst = request;
            }
            case SubmissionEntry.FUSE_SECOND -> answer(request, Status.ABORTED_MISSING_FUSED);
            default -> answer(request, Status.INVALID_FIELD);
        }
    }

    private void pair(EmulatedRequest first, EmulatedRequest second) {
        int firstStatus = prepare(first);
        int secondStatus = prepare(second);
        if (firstStatus == Status.SUCCESS
                && secondStatus == Status.SUCCESS
                && !FusedPair.isCompareAndWrite(first, second)) {
            firstStatus = Status.INVALID_FIELD;
            secondStatus = Status.INVALID_FIELD;
        }
        if (firstStatus != Status.SUCCESS || secondStatus != Status.SUCCESS) {
            answer(first, firstStatus == Status.SUCCESS ? Status.ABORTED_FAILED_FUSED : firstStatus);
            answer(second, secondStatus == Status.SUCCESS ? Status.ABORTED_FAILED_FUSED : secondStatus);
            return;
        }
        second.fusedFirst = first;
        first.state = EmulatedRequest.EXECUTING;
        int status;
        try {
            status = path.executeFused(first, second);
        } catch (RuntimeException | InternalError failure) {
            status = failed(second, failure);
        }
        end(second, status);
    }

    private int prepare(EmulatedRequest request) {
        try {
            int status = path.admit(request);
            return status == Status.SUCCESS ? mapData(request) : status;
        } catch (RuntimeException | InternalError failure) {
            return failed(request, failure);
        }
    }

    private void end(EmulatedRequest request, int status) {
        if (status == NvmRequest.PENDING) {
            pending(request);
        } else {
            answer(request, status);
        }
    }
}
