package io.doorbell.fabrics;

import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;

/**
 * Two commands as one: the second has to be the very next. Each brings its data in its own time, and when both have them they are executed.
 * NVMe Base 2.1 §3.4.2 "Fused Operation". Owner: the queue.
 */
final class FusedPairs {
    private final FabricQueue queue;

    /** The next command has to be a second. */
    private boolean expected;

    /** The first that waits for it; null when it has failed already. */
    private FabricRequest first;

    FusedPairs(FabricQueue queue) {
        this.queue = queue;
    }

    boolean expected() {
        return expected;
    }

    boolean isFirst(FabricRequest request) {
        return request == first;
    }

    /** For the command behind a first, and for each that says it is fused. */
    int admit(FabricRequest request) {
        int fuse = request.flags & 3;
        boolean wanted = expected;
        var waiting = first;
        expected = false;
        first = null;
        if (wanted && fuse != SubmissionEntry.FUSE_SECOND && waiting != null) {
            waiting.respond(Status.ABORTED_MISSING_FUSED | Status.DNR);
        }
        switch (fuse) {
            case SubmissionEntry.FUSE_NONE -> {
                return queue.admitAlone(request);
            }
            case SubmissionEntry.FUSE_FIRST -> {
                int status = queue.admitAlone(request);
                expected = true;
                request.ready = false;
                first = status == Status.SUCCESS ? request : null;
                return status;
            }
            case SubmissionEntry.FUSE_SECOND -> {
                return admitSecond(request, wanted, waiting);
            }
            default -> {
                return Status.INVALID_FIELD | Status.DNR;
            }
        }
    }

    private int admitSecond(FabricRequest request, boolean wanted, FabricRequest waiting) {
        if (!wanted) {
            return Status.ABORTED_MISSING_FUSED | Status.DNR;
        }
        if (waiting == null) {
            return Status.ABORTED_FAILED_FUSED | Status.DNR;
        }
        int status = queue.admitAlone(request);
        if (status != Status.SUCCESS) {
            waiting.respond(Status.ABORTED_FAILED_FUSED | Status.DNR);
            return status;
        }
        request.ready = false;
        request.partner = waiting;
        waiting.partner = request;
        return Status.SUCCESS;
    }

    /** One of a pair has its data. */
    void execute(FabricRequest request) {
        request.ready = true;
        var partner = request.partner;
        if (partner == null || !partner.ready) {
            return;
        }
        boolean second = (request.flags & 3) == SubmissionEntry.FUSE_SECOND;
        var compare = second ? partner : request;
        var write = second ? request : partner;
        compare.partner = null;
        queue.runFused(compare, write);
    }

    /** Ends both of a pair; {@code status} is that of the first that failed, and a Write fails in ways of its own. */
    void end(FabricRequest compare, FabricRequest write, int status) {
        write.partner = null;
        compare.partner = null;
        boolean writeFailed = switch (Status.code(status)) {
            case Status.WRITE_FAULT,
                    Status.CAPACITY_EXCEEDED,
                    Status.NAMESPACE_IS_WRITE_PROTECTED,
                    Status.WRITE_TO_READ_ONLY_RANGE -> true;
            default -> false;
        };
        boolean compareFailed = status != Status.SUCCESS && !writeFailed;
        compare.respond(compareFailed ? status : Status.SUCCESS);
        write.respond(compareFailed ? Status.ABORTED_FAILED_FUSED : status);
    }

    /** Ends one of a pair whose data did not come, and with it the other. Returns false for a command that is of none. */
    boolean refuse(FabricRequest request, int status) {
        if (request == first) {
            first = null; // The second will be told.
            request.respond(status);
            return true;
        }
        var partner = request.partner;
        if (partner == null) {
            return false;
        }
        request.partner = null;
        partner.partner = null;
        request.respond(status);
        partner.respond(Status.ABORTED_FAILED_FUSED | Status.DNR);
        return true;
    }
}
