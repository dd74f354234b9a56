package io.doorbell.emulator;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.Doorbell;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.storage.NvmRequest;
import io.doorbell.target.CommandPath;
import java.lang.foreign.MemorySegment;

/** The admin submission queue: what is of queues is done here, everything else by the controller model. Owner: the device's reactor. */
final class AdminQueue extends SubmissionQueue {
    static final int BURST = 8;

    private final QueueSet queues;

    AdminQueue(
            EmulatedController controller,
            int size,
            MemorySegment ring,
            CompletionQueue completions,
            HostData hostData,
            CommandPath path,
            MemorySegment doorbells,
            int dstrd,
            QueueSet queues) {
        super(controller, 0, size, ring, completions, hostData, path, doorbells, dstrd);
        this.queues = queues;
    }

    /** Serves a few commands. Returns how many. */
    int serve(long nowNanos) {
        int tail = Doorbell.load(doorbells, doorbellOffset);
        int served = 0;
        while (tail != head && !dead && served < BURST && fetchable(tail, 1) > 0) {
            hostData.refresh();
            var request = next;
            next = null;
            request.fetch(ring, (long) head * SubmissionEntry.SIZE_BYTES);
            head = head + 1 == size ? 0 : head + 1;
            var faults = controller.faults;
            if (faults == null || !faults.apply(request, nowNanos)) {
                begin(request);
            }
            if (next == null) {
                next = take();
            }
            served++;
        }
        return served;
    }

    @Override
    void begin(EmulatedRequest request) {
        int status;
        try {
            status = execute(request);
        } catch (RuntimeException | InternalError failure) {
            status = failed(request, failure);
        }
        if (status == NvmRequest.PENDING) {
            pending(request);
        } else {
            answer(request, status);
        }
    }

    private int execute(EmulatedRequest request) {
        // Neither fused nor SGLs here. NVMe Base 2.1 §4.1.1 "Data Pointer", PSDT of admin commands over PCIe.
        if (request.flags != 0) {
            return forGood(Status.INVALID_FIELD);
        }
        return switch (request.opc) {
            case AdminOpcode.CREATE_IO_COMPLETION_QUEUE -> forGood(queues.createCompletionQueue(request));
            case AdminOpcode.CREATE_IO_SUBMISSION_QUEUE -> forGood(queues.createSubmissionQueue(request));
            case AdminOpcode.DELETE_IO_COMPLETION_QUEUE -> forGood(queues.deleteCompletionQueue(request));
            case AdminOpcode.DELETE_IO_SUBMISSION_QUEUE -> forGood(queues.deleteSubmissionQueue(request));
            case AdminOpcode.DOORBELL_BUFFER_CONFIG -> forGood(queues.configureDoorbellBuffers(request));
            case AdminOpcode.ABORT -> forGood(abortCommand(request));
            default -> {
                int status = path.admit(request);
                if (status == Status.SUCCESS) {
                    status = mapData(request);
                }
                yield status == Status.SUCCESS ? path.execute(request) : status;
            }
        };
    }

    /** What we refuse once we would refuse again. */
    private static int forGood(int status) {
        return status > Status.SUCCESS ? status | Status.DNR : status;
    }

    /**
     * Ends a command that nobody works on: one that is held back, or an Asynchronous Event Request. It is done when this returns, so
     * the limit of Abort commands under way at one time is never reached. NVMe Base 2.1 §5.1.1 "Abort command".
     */
    private int abortCommand(EmulatedRequest request) {
        int sqid = request.cdw10 & 0xFFFF;
        int cid = request.cdw10 >>> 16;
        var queue = sqid == 0 ? this : queues.submissionQueue(sqid);
        if (queue == null) {
            return Status.INVALID_FIELD;
        }
        var victim = queue.find(cid);
        boolean aborted = victim != null && victim != request && queue.abort(victim);
        // Dword 0 bit 0: the command was not aborted.
        request.result = aborted ? 0 : 1;
        return Status.SUCCESS;
    }
}
