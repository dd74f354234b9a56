package io.doorbell.emulator;

import io.doorbell.nvme.CompletionEntry;
import io.doorbell.nvme.ControllerConfiguration;
import io.doorbell.nvme.Doorbell;
import io.doorbell.nvme.PrpMath;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.storage.NvmRequest;
import io.doorbell.target.CommandPath;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The I/O queues between one enable and the next reset, and the admin commands that make and unmake them. NVMe Base 2.1 §5.2.1 to
 * §5.2.5. Owner: the device's reactor.
 */
final class QueueSet {
    private static final int PHYSICALLY_CONTIGUOUS = 1;
    private static final int INTERRUPTS_ENABLED = 2;

    private final EmulatedController controller;
    private final CommandPath path;
    private final MemorySegment doorbells;
    private final int dstrd;
    private final int pageBytes;
    private final CompletionQueue[] completionQueues;
    private final IoQueue[] submissionQueues;
    private final HostData ranges;

    /** The submission queues that are served, in order of their ids. */
    IoQueue[] active = new IoQueue[0];

    /** The completion queues that interrupt. */
    CompletionQueue[] interrupting = new CompletionQueue[0];

    private DoorbellBuffers buffers;

    QueueSet(EmulatedController controller, CommandPath path, MemorySegment doorbells, int pageBytes) {
        this.controller = controller;
        this.path = path;
        this.doorbells = doorbells;
        this.pageBytes = pageBytes;
        dstrd = controller.settings.doorbellStride();
        completionQueues = new CompletionQueue[controller.settings.ioQueuePairs() + 1];
        submissionQueues = new IoQueue[completionQueues.length];
        ranges = controller.hostData(pageBytes);
    }

    IoQueue submissionQueue(int qid) {
        return qid > 0 && qid < submissionQueues.length ? submissionQueues[qid] : null;
    }

    private CompletionQueue completionQueue(int qid) {
        return qid > 0 && qid < completionQueues.length ? completionQueues[qid] : null;
    }

    /** The memory of a ring, all of it mapped in one region, or null. */
    MemorySegment ring(long iova, long bytes) {
        return ranges.range(iova, bytes);
    }

    int createCompletionQueue(EmulatedRequest request) {
        int qid = request.cdw10 & 0xFFFF;
        int entries = (request.cdw10 >>> 16) + 1;
        if (!isInRange(qid) || completionQueues[qid] != null) {
            return Status.INVALID_QUEUE_IDENTIFIER;
        }
        if (!isSize(entries)) {
            return Status.INVALID_QUEUE_SIZE;
        }
        // CAP.CQR: queues are contiguous. And the host has to have said how large an entry is.
        if ((request.cdw11 & PHYSICALLY_CONTIGUOUS) == 0
                || configuration().iocqes() != log2(CompletionEntry.SIZE_BYTES)) {
            return Status.INVALID_FIELD;
        }
        int vector = (request.cdw11 & INTERRUPTS_ENABLED) == 0 ? CompletionQueue.NO_VECTOR : request.cdw11 >>> 16;
        if (vector >= controller.interrupts.count()) {
            return Status.INVALID_INTERRUPT_VECTOR;
        }
        if (!PrpMath.isPageAligned(request.prp1, pageBytes)) {
            return Status.PRP_OFFSET_INVALID;
        }
        var ring = ring(request.prp1, (long) entries * CompletionEntry.SIZE_BYTES);
        if (ring == null) {
            return Status.INVALID_FIELD;
        }
        var queue = new CompletionQueue(controller, qid, entries, vector, ring, doorbells, dstrd);
        if (buffers != null) {
            queue.attach(buffers);
        }
        completionQueues[qid] = queue;
        findInterrupting();
        return Status.SUCCESS;
    }

    int createSubmissionQueue(EmulatedRequest request) {
        int qid = request.cdw10 & 0xFFFF;
        int entries = (request.cdw10 >>> 16) + 1;
        int cqid = request.cdw11 >>> 16;
        if (!isInRange(qid) || submissionQueues[qid] != null || !isInRange(cqid)) {
            return Status.INVALID_QUEUE_IDENTIFIER;
        }
        var completions = completionQueue(cqid);
        if (completions == null) {
            return Status.COMPLETION_QUEUE_INVALID;
        }
        if (!isSize(entries)) {
            return Status.INVALID_QUEUE_SIZE;
        }
        if ((request.cdw11 & PHYSICALLY_CONTIGUOUS) == 0
                || configuration().iosqes() != log2(SubmissionEntry.SIZE_BYTES)) {
            return Status.INVALID_FIELD;
        }
        if (!PrpMath.isPageAligned(request.prp1, pageBytes)) {
            return Status.PRP_OFFSET_INVALID;
        }
        var ring = ring(request.prp1, (long) entries * SubmissionEntry.SIZE_BYTES);
        if (ring == null) {
            return Status.INVALID_FIELD;
        }
        var queue = new IoQueue(
                controller, qid, entries, ring, completions, controller.hostData(pageBytes), path, doorbells, dstrd);
        if (buffers != null) {
            queue.attach(buffers);
        }
        completions.submissionQueues++;
        submissionQueues[qid] = queue;
        activate();
        return Status.SUCCESS;
    }

    int deleteCompletionQueue(EmulatedRequest request) {
        int qid = request.cdw10 & 0xFFFF;
        var queue = completionQueue(qid);
        if (queue == null) {
            return Status.INVALID_QUEUE_IDENTIFIER;
        }
        if (queue.submissionQueues > 0) {
            return Status.INVALID_QUEUE_DELETION;
        }
        completionQueues[qid] = null;
        findInterrupting();
        return Status.SUCCESS;
    }

    /**
     * Ends everything in a queue, then the queue. What was not begun ends as aborted; what a namespace works on ends as it will, and
     * the answer waits for it, since until then host memory is in use.
     */
    int deleteSubmissionQueue(EmulatedRequest request) {
        var queue = submissionQueue(request.cdw10 & 0xFFFF);
        if (queue == null || queue.deletion != null) {
            return Status.INVALID_QUEUE_IDENTIFIER;
        }
        queue.deletion = request;
        activate();
        controller.held.abort(queue);
        var first = queue.fusedFirst;
        if (first != null) {
            queue.fusedFirst = null;
            queue.answer(first, Status.ABORTED_SQ_DELETION);
        }
        queue.abortSubmitted();
        if (queue.executing > 0) {
            return NvmRequest.PENDING;
        }
        deleted(queue);
        return Status.SUCCESS;
    }

    /** Nothing executes in a queue any more. */
    void idle(SubmissionQueue queue) {
        var deletion = queue.deletion;
        if (deletion != null) {
            deleted(queue);
            deletion.complete(Status.SUCCESS);
        }
    }

    private void deleted(SubmissionQueue queue) {
        queue.dead = true;
        queue.deletion = null;
        queue.completions.forget(queue);
        queue.completions.submissionQueues--;
        submissionQueues[queue.qid] = null;
    }

    int configureDoorbellBuffers(EmulatedRequest request) {
        if (!controller.settings.shadowDoorbells()) {
            return Status.INVALID_OPCODE;
        }
        if (!PrpMath.isPageAligned(request.prp1, pageBytes) || !PrpMath.isPageAligned(request.prp2, pageBytes)) {
            return Status.INVALID_FIELD;
        }
        var shadow = ring(request.prp1, pageBytes);
        var eventIndexes = ring(request.prp2, pageBytes);
        if (shadow == null || eventIndexes == null || request.prp1 == request.prp2) {
            return Status.INVALID_FIELD;
        }
        buffers = new DoorbellBuffers(shadow, eventIndexes, dstrd);
        for (var queue : completionQueues) {
            if (queue != null) {
                queue.attach(buffers);
            }
        }
        for (var queue : submissionQueues) {
            if (queue != null) {
                queue.attach(buffers);
            }
        }
        return Status.SUCCESS;
    }

    /** Posts what has waited for room. Returns how many. */
    int flush() {
        int posted = 0;
        for (var queue : completionQueues) {
            if (queue != null && queue.waiting()) {
                posted += queue.flush();
            }
        }
        return posted;
    }

    /** Whether anything waits for a host to make room: it is not said how we would learn of it without shadow doorbells. */
    boolean waitsForRoomUnsignalled() {
        for (var queue : active) {
            if (queue.blocked() && !queue.hasShadow()) {
                return true;
            }
        }
        for (var queue : completionQueues) {
            if (queue != null && queue.waiting() && !queue.hasShadow()) {
                return true;
            }
        }
        return false;
    }

    boolean hasWork() {
        for (var queue : active) {
            if (queue.hasWork()) {
                return true;
            }
        }
        for (var queue : completionQueues) {
            if (queue != null && queue.waiting() && queue.room(1) > 0) {
                return true;
            }
        }
        return false;
    }

    /** Asks for doorbells to be rung: the device would sleep. */
    void arm() {
        for (var queue : active) {
            queue.arm();
        }
        for (var queue : completionQueues) {
            if (queue != null) {
                queue.arm();
            }
        }
    }

    /** Asks for no doorbells: the device looks. */
    void hold() {
        for (var queue : active) {
            queue.hold();
        }
        for (var queue : completionQueues) {
            if (queue != null) {
                queue.hold();
            }
        }
    }

    /** Nothing is fetched or posted any more. Returns how many commands namespaces still work on. */
    int stop() {
        int executing = 0;
        for (var queue : submissionQueues) {
            if (queue != null) {
                queue.dead = true;
                queue.deletion = null;
                queue.fusedFirst = null;
                executing += queue.executing;
            }
        }
        active = new IoQueue[0];
        return executing;
    }

    int executing() {
        int executing = 0;
        for (var queue : submissionQueues) {
            if (queue != null) {
                executing += queue.executing;
            }
        }
        return executing;
    }

    /** Whether commands that are being worked on have data in this region. */
    boolean usesForData(MemorySegment region) {
        for (var queue : submissionQueues) {
            if (queue != null && queue.uses(region)) {
                return true;
            }
        }
        return false;
    }

    /** What of the rings and doorbell pages lies in this region, for a message, or null. */
    String usesForQueues(MemorySegment region) {
        for (var queue : completionQueues) {
            if (queue != null && inside(queue.ring(), region)) {
                return "completion queue " + queue.qid;
            }
        }
        for (var queue : submissionQueues) {
            if (queue != null && !queue.dead && inside(queue.ring, region)) {
                return "submission queue " + queue.qid;
            }
        }
        if (buffers != null && (inside(buffers.shadow(), region) || inside(buffers.eventIndexes(), region))) {
            return "doorbell buffers";
        }
        return null;
    }

    static boolean inside(MemorySegment part, MemorySegment region) {
        return part.address() >= region.address() && part.address() - region.address() < region.byteSize();
    }

    private void activate() {
        active = Arrays.stream(submissionQueues)
                .filter(queue -> queue != null && queue.deletion == null)
                .toArray(IoQueue[]::new);
    }

    private void findInterrupting() {
        interrupting = Arrays.stream(completionQueues)
                .filter(queue -> queue != null && queue.vector != CompletionQueue.NO_VECTOR)
                .toArray(CompletionQueue[]::new);
    }

    /** Interrupts for what was posted since the last time. */
    void raise(InterruptVectors vectors) {
        for (var queue : interrupting) {
            queue.raise(vectors);
        }
    }

    private boolean isInRange(int qid) {
        return qid > 0 && qid < completionQueues.length && qid <= controller.target.grantedIoQueuePairs();
    }

    private boolean isSize(int entries) {
        return entries >= 2 && entries <= controller.settings.maxQueueEntries();
    }

    private ControllerConfiguration configuration() {
        return new ControllerConfiguration(controller.target.configuration());
    }

    private static int log2(int powerOfTwo) {
        return Integer.numberOfTrailingZeros(powerOfTwo);
    }

    static int doorbellBytes(int ioQueuePairs, int dstrd) {
        return 2 * (ioQueuePairs + 1) * Doorbell.strideBytes(dstrd);
    }
}
