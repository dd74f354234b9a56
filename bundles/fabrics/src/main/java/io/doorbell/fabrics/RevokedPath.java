package io.doorbell.fabrics;

import io.doorbell.nvme.Status;
import io.doorbell.statistics.LatencySnapshot;
import io.doorbell.storage.NvmRequest;
import io.doorbell.target.CommandPath;

/** The path of a queue whose lease is being taken back: nothing goes in any more, and what is in comes out. */
record RevokedPath(CommandPath path) implements CommandPath {
    @Override
    public int admit(NvmRequest request) {
        return Status.ABORTED_SQ_DELETION;
    }

    /** One that was admitted before, and whose data have come since. */
    @Override
    public int execute(NvmRequest request) {
        return Status.ABORTED_SQ_DELETION;
    }

    @Override
    public int executeFused(NvmRequest compare, NvmRequest write) {
        return Status.ABORTED_SQ_DELETION;
    }

    @Override
    public void ended(NvmRequest request, int status) {
        path.ended(request, status);
    }

    @Override
    public LatencySnapshot latency() {
        return path.latency();
    }

    @Override
    public int poll(long nowNanos) {
        return path.poll(nowNanos);
    }

    @Override
    public long parkLimitNanos(long nowNanos) {
        return path.parkLimitNanos(nowNanos);
    }

    @Override
    public void close() {
        path.close();
    }
}
