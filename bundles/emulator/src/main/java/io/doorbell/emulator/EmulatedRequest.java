package io.doorbell.emulator;

import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.storage.HostPieces;
import io.doorbell.storage.NvmRequest;
import java.lang.foreign.MemorySegment;

/** One command that the device has fetched. Belongs to one submission queue for good, and is used again and again. Owner: the device's reactor. */
final class EmulatedRequest extends NvmRequest {
    /** In the queue's free list, or the one that is filled next. */
    static final int FREE = 0;
    /** Somebody has it who calls {@link #complete}. */
    static final int EXECUTING = 1;
    /** Nobody has begun with it: a fault delays it, or it is the first of a pair and waits for the second. */
    static final int HELD = 2;
    /** Ended, but its completion queue is full. */
    static final int ENDED = 3;

    final SubmissionQueue queue;

    /** The data pointer: two PRPs, or one SGL descriptor. */
    long prp1;

    long prp2;

    /** The metadata pointer; see {@link #fetchMetadataPointer}. */
    long mptr;

    int state;

    /** How it ended, while it is {@link #ENDED}. */
    int status;

    /** The Compare of a fused pair, on its Write. */
    EmulatedRequest fusedFirst;

    /** What a fault plan does to it; null for almost everyone. */
    FaultRule fault;

    /** When a fault lets it go on. */
    long dueNanos;

    /** The next one of whatever list it is in; it is never in two. */
    EmulatedRequest link;

    EmulatedRequest(SubmissionQueue queue) {
        this.queue = queue;
    }

    /** Takes a command from a ring. Every field that someone reads, so that the last command never shines through. */
    void fetch(MemorySegment ring, long offset) {
        opc = SubmissionEntry.opc(ring, offset);
        flags = SubmissionEntry.flags(ring, offset);
        cid = SubmissionEntry.cid(ring, offset);
        nsid = SubmissionEntry.nsid(ring, offset);
        prp1 = SubmissionEntry.prp1(ring, offset);
        prp2 = SubmissionEntry.prp2(ring, offset);
        cdw10 = SubmissionEntry.cdw10(ring, offset);
        cdw11 = SubmissionEntry.cdw11(ring, offset);
        cdw12 = SubmissionEntry.cdw12(ring, offset);
        cdw13 = SubmissionEntry.cdw13(ring, offset);
        cdw14 = SubmissionEntry.cdw14(ring, offset);
        cdw15 = SubmissionEntry.cdw15(ring, offset);
        dataBytes = 0;
        pieceCount = 0;
        result = 0;
    }

    /** Apart, since hardly any command has one and every nanosecond of {@link #fetch} is everybody's. */
    void fetchMetadataPointer(MemorySegment ring, long offset) {
        mptr = SubmissionEntry.mptr(ring, offset);
    }

    int fuse() {
        return flags & 3;
    }

    @Override
    public int mapMetadata(int bytes) {
        if (metadata == null) {
            metadata = new HostPieces();
        }
        return queue.mapMetadata(this, bytes);
    }

    @Override
    public void complete(int status) {
        queue.finish(this, status);
    }
}
