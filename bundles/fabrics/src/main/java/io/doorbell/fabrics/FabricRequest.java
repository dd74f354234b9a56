package io.doorbell.fabrics;

import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.storage.NvmRequest;
import java.lang.foreign.MemorySegment;

/** A command that came in a capsule. A transport extends it and uses it again and again. Owner: the connection's reactor. */
public abstract class FabricRequest extends NvmRequest {
    private final FabricQueue queue;

    /** The other one of a fused pair, from the second on. */
    FabricRequest partner;

    /** Of a fused pair: its data are there. */
    boolean ready;

    protected FabricRequest(FabricQueue queue) {
        this.queue = queue;
    }

    /** Takes a command out of a capsule; it has no data yet. {@code at} is aligned to 8 bytes. */
    protected final void begin(MemorySegment memory, long at) {
        opc = SubmissionEntry.opc(memory, at);
        flags = SubmissionEntry.flags(memory, at);
        cid = SubmissionEntry.cid(memory, at);
        nsid = SubmissionEntry.nsid(memory, at);
        cdw10 = SubmissionEntry.cdw10(memory, at);
        cdw11 = SubmissionEntry.cdw11(memory, at);
        cdw12 = SubmissionEntry.cdw12(memory, at);
        cdw13 = SubmissionEntry.cdw13(memory, at);
        cdw14 = SubmissionEntry.cdw14(memory, at);
        cdw15 = SubmissionEntry.cdw15(memory, at);
        fill = FILLS_SOME;
        dataBytes = 0;
        pieceCount = 0;
        result = 0;
    }

    /** The command has ended: send {@code status}, {@link #cid} and {@link #result}. */
    protected abstract void answer(int status);

    final void respond(int status) {
        if (status != Status.SUCCESS) {
            queue.countFailed();
        }
        answer(status);
    }

    @Override
    public final void complete(int status) {
        queue.completed(this, status);
    }
}
