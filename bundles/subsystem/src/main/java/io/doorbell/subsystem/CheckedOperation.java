package io.doorbell.subsystem;

import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.ProtectionInformation;
import io.doorbell.nvme.Status;
import io.doorbell.storage.NvmRequest;
import java.lang.foreign.MemorySegment;

/**
 * One command of a {@link CheckedSession} on its way: it is the request that the store gets, one after another. Owner: the
 * session's reactor.
 */
final class CheckedOperation extends NvmRequest {
    /** The next request to the store is set out. */
    private static final int NEXT = -2;

    /** There is no buffer now. */
    private static final int NO_BUFFER = -3;

    /** What goes through a buffer step by step does so in pieces of about so many bytes. */
    static final int CHUNK_BYTES = 256 << 10;

    /** What a command may do in one cycle when the store never makes it wait. */
    static final int SLICE_BYTES = 4 << 20;

    private static final int FUA = 1 << 30;
    private static final int DEAC = 1 << 25;
    private static final int UNRECOVERED = Status.UNRECOVERED_READ_ERROR | Status.DNR;

    /** The next in the free list. */
    CheckedOperation link;

    /** The Compare of a fused pair, on its Write. */
    CheckedOperation fused;

    private final CheckedSession session;
    private final BlockLayout layout;
    private NvmRequest outer;
    private MemorySegment buffer = MemorySegment.NULL;
    private boolean begun;
    private int done;
    private int sliceBytes;
    private CopyProgress copy;

    /** Our own tables of pieces, while those of the command are lent. */
    private MemorySegment[] ownPieces;

    private long[] ownOffsets;
    private int[] ownBytes;

    CheckedOperation(CheckedSession session) {
        this.session = session;
        layout = session.layout;
        ownPieces = pieces;
        ownOffsets = pieceOffsets;
        ownBytes = pieceBytes;
    }

    NvmRequest outer() {
        return outer;
    }

    void reset(NvmRequest request) {
        outer = request;
        begun = false;
        done = 0;
        sliceBytes = 0;
        copy = null;
        fused = null;
        nsid = request.nsid;
        flags = 0;
        cdw12 = request.cdw12 & FUA;
        clearPieces();
    }

    void letGo() {
        outer = null;
        fused = null;
        copy = null;
        pieces = ownPieces;
        pieceOffsets = ownOffsets;
        pieceBytes = ownBytes;
        clearPieces();
        if (buffer.byteSize() != 0) {
            session.buffers.give(buffer);
            buffer = MemorySegment.NULL;
        }
    }

    /** Begins. Returns a status, or PENDING and the session is told of the end. */
    int begin() {
        return drive(Status.SUCCESS);
    }

    /** Goes on after it had to wait. */
    void resume() {
        finish(drive(Status.SUCCESS));
    }

    /** From the store. */
    @Override
    public void complete(int status) {
        session.inStore--;
        session.returned++;
        finish(drive(status));
    }

    private void finish(int status) {
        if (status != PENDING) {
            session.end(this, status);
        }
    }

    private int drive(int lastStatus) {
        int status = lastStatus;
        while (true) {
            try {
                status = step(status);
            } catch (IllegalStateException | InternalError gone) {
                // The host's memory was taken away while we were at it.
                return Status.DATA_TRANSFER_ERROR;
            }
            if (status == NO_BUFFER) {
                session.starve(this);
                return PENDING;
            }
            if (status != NEXT) {
                return status;
            }
            if (sliceBytes >= SLICE_BYTES) {
                sliceBytes = 0;
                resumeAtStep = true;
                session.postpone(this);
                return PENDING;
            }
            status = submit();
            if (status == PENDING) {
                return PENDING;
            }
        }
    }

    /** The request is set out already, and has yet to be submitted. */
    private boolean resumeAtStep;

    private int submit() {
        session.inStore++;
        int status = fused == null ? session.store.submit(this) : session.store.submitFused(fused, this);
        if (status != PENDING) {
            session.inStore--;
        }
        return status;
    }

    /** What to do when the last request has ended so. Returns a status, NEXT or NO_BUFFER. */
    private int step(int status) {
        if (resumeAtStep) {
            resumeAtStep = false;
            return NEXT;
        }
        if (fused != null) {
            return fusedPair(status);
        }
        return switch (outer.opc) {
            case NvmOpcode.READ -> read(status);
            case NvmOpcode.WRITE -> write(status);
            case NvmOpcode.COMPARE -> compare(status);
            case NvmOpcode.VERIFY -> verify(status);
            case NvmOpcode.WRITE_ZEROES -> writeZeroes(status);
            case NvmOpcode.WRITE_UNCORRECTABLE -> session.marks.mark(outer.slba, outer.blockCount);
            case NvmOpcode.COPY -> copy(status);
            default -> Status.INVALID_OPCODE | Status.DNR;
        };
    }

    private boolean isMarked() {
        return session.marks.meets(outer.slba, outer.blockCount);
    }

    /** A request about so many blocks from {@code first} on, without data. */
    private int next(int opcode, long first, int blocks) {
        begun = true;
        opc = opcode;
        slba = first;
        blockCount = blocks;
        dataToHost = opcode == NvmOpcode.READ;
        return NEXT;
    }

    /** The same data as the command's: there is no metadata. */
    private int lend(int opcode) {
        pieces = outer.pieces;
        pieceOffsets = outer.pieceOffsets;
        pieceBytes = outer.pieceBytes;
        pieceCount = outer.pieceCount;
        return next(opcode, outer.slba, outer.blockCount);
    }

    /** Data in the buffer. */
    private int buffered(int opcode, long first, int blocks) {
        int bytes = blocks * layout.format.storedBytes();
        if (opcode == NvmOpcode.READ && !session.storeKeepsData) {
            // What another command left there is not what this one reads.
            buffer.asSlice(0, bytes).fill((byte) 0);
        }
        clearPieces();
        addPiece(buffer, 0, bytes);
        sliceBytes += bytes;
        return next(opcode, first, blocks);
    }

    private boolean hasBuffer(int bytes) {
        if (buffer.byteSize() >= bytes) {
            return true;
        }
        var taken = session.buffers.take(bytes);
        if (taken == null) {
            return false;
        }
        buffer = taken;
        return true;
    }

    private int bytes() {
        return outer.blockCount * layout.format.storedBytes();
    }

    private int read(int status) {
        if (begun) {
            return status == Status.SUCCESS && session.hasMetadata() ? deliver() : status;
        }
        if (isMarked()) {
            return UNRECOVERED;
        }
        if (!session.hasMetadata()) {
            return lend(NvmOpcode.READ);
        }
        return hasBuffer(bytes()) ? buffered(NvmOpcode.READ, outer.slba, outer.blockCount) : NO_BUFFER;
    }

    private int deliver() {
        layout.invert(buffer, 0, outer.blockCount);
        int status = layout.check(buffer, 0, outer.blockCount, outer.cdw12, outer.cdw14, outer.cdw15);
        if (status == Status.SUCCESS) {
            layout.toHost(outer, buffer, 0, outer.blockCount);
        }
        return status;
    }

    private int write(int status) {
        if (begun) {
            return written(status);
        }
        if (!session.hasMetadata()) {
            return lend(NvmOpcode.WRITE);
        }
        if (!hasBuffer(bytes())) {
            return NO_BUFFER;
        }
        int collected = collect(0);
        return collected == Status.SUCCESS ? buffered(NvmOpcode.WRITE, outer.slba, outer.blockCount) : collected;
    }

    private int written(int status) {
        if (status == Status.SUCCESS) {
            session.marks.clear(outer.slba, outer.blockCount);
        }
        return status;
    }

    /** Brings the command's blocks to the buffer as they are stored: with protection information made, or checked. */
    private int collect(long at) {
        int blocks = outer.blockCount;
        layout.fromHost(outer, buffer, at, blocks);
        int status = protect(at, blocks, outer.cdw14);
        layout.invert(buffer, at, blocks);
        return status;
    }

    private int protect(long at, int blocks, int referenceTag) {
        if (layout.protection != null && (outer.cdw12 & ProtectionInformation.PRACT) != 0) {
            layout.protect(buffer, at, blocks, referenceTag, ProtectionInformation.applicationTag(outer.cdw15));
            return Status.SUCCESS;
        }
        return layout.check(buffer, at, blocks, outer.cdw12, referenceTag, outer.cdw15);
    }

    private int compare(int status) {
        int bytes = bytes();
        if (!begun) {
            if (isMarked()) {
                return UNRECOVERED;
            }
            if (!session.hasMetadata()) {
                return lend(NvmOpcode.COMPARE);
            }
            return hasBuffer(2 * bytes) ? buffered(NvmOpcode.READ, outer.slba, outer.blockCount) : NO_BUFFER;
        }
        if (status != Status.SUCCESS || !session.hasMetadata()) {
            return status;
        }
        int blocks = outer.blockCount;
        layout.invert(buffer, 0, blocks);
        int checked = layout.check(buffer, 0, blocks, outer.cdw12, outer.cdw14, outer.cdw15);
        if (checked != Status.SUCCESS) {
            return checked;
        }
        layout.fromHost(outer, buffer, bytes, blocks);
        return layout.isEqual(buffer, 0, bytes, blocks, layout.isStripped(outer.cdw12))
                ? Status.SUCCESS
                : Status.COMPARE_FAILURE | Status.DNR;
    }

    /** On the Write; the Compare has a buffer of its own. */
    private int fusedPair(int status) {
        if (begun) {
            return written(status);
        }
        if (fused.isMarked()) {
            return UNRECOVERED;
        }
        if (!session.hasMetadata()) {
            fused.lend(NvmOpcode.COMPARE);
            return lend(NvmOpcode.WRITE);
        }
        // Both or none, or two pairs could wait for each other.
        if (!hasBuffer(2 * bytes())) {
            return NO_BUFFER;
        }
        int bytes = bytes();
        fused.buffer = buffer.asSlice(bytes, bytes);
        int checked;
        try {
            checked = fused.collect(0);
            if (checked == Status.SUCCESS) {
                checked = collect(0);
            }
            if (checked == Status.SUCCESS) {
                fused.buffered(NvmOpcode.COMPARE, outer.slba, outer.blockCount);
            }
        } finally {
            fused.buffer = MemorySegment.NULL; // A part of ours, to be given back with it.
        }
        return checked == Status.SUCCESS ? buffered(NvmOpcode.WRITE, outer.slba, outer.blockCount) : checked;
    }

    private int chunkBlocks(int left) {
        return Math.min(left, CHUNK_BYTES / layout.format.storedBytes());
    }

    private int verify(int status) {
        boolean checks = layout.protection != null && (outer.cdw12 & ProtectionInformation.PRCHK) != 0;
        if (!begun) {
            if (isMarked()) {
                return UNRECOVERED;
            }
            if (!checks) {
                return next(NvmOpcode.VERIFY, outer.slba, outer.blockCount);
            }
            if (!hasBuffer(Math.min(bytes(), CHUNK_BYTES))) {
                return NO_BUFFER;
            }
        } else {
            if (status != Status.SUCCESS || !checks) {
                return status;
            }
            layout.invert(buffer, 0, blockCount);
            int checked =
                    layout.check(buffer, 0, blockCount, outer.cdw12, referenceTag(outer.cdw14, done), outer.cdw15);
            done += blockCount;
            if (checked != Status.SUCCESS || done == outer.blockCount) {
                return checked;
            }
        }
        return buffered(NvmOpcode.READ, outer.slba + done, chunkBlocks(outer.blockCount - done));
    }

    private int referenceTag(int first, int index) {
        return ProtectionInformation.referenceTag(layout.protection.type(), first, index);
    }

    private int writeZeroes(int status) {
        // Deallocated blocks are zeroes, and their protection information says that they are not to be checked.
        boolean protects = layout.protection != null
                && (outer.cdw12 & (ProtectionInformation.PRACT | DEAC)) == ProtectionInformation.PRACT;
        if (!begun) {
            if (!protects) {
                return next(NvmOpcode.WRITE_ZEROES, outer.slba, outer.blockCount);
            }
            if (!hasBuffer(Math.min(bytes(), CHUNK_BYTES))) {
                return NO_BUFFER;
            }
        } else {
            if (status != Status.SUCCESS || !protects) {
                return written(status);
            }
            done += blockCount;
            if (done == outer.blockCount) {
                return written(status);
            }
        }
        int blocks = chunkBlocks(outer.blockCount - done);
        buffer.asSlice(0, (long) blocks * layout.format.storedBytes()).fill((byte) 0);
        layout.protect(
                buffer, 0, blocks, referenceTag(outer.cdw14, done), ProtectionInformation.applicationTag(outer.cdw15));
        layout.invert(buffer, 0, blocks);
        return buffered(NvmOpcode.WRITE, outer.slba + done, blocks);
    }

    private int copy(int status) {
        if (copy == null) {
            copy = new CopyProgress(outer);
            int checked = copy.check(session);
            if (checked != Status.SUCCESS) {
                return checked;
            }
        }
        if (!begun) {
            if (!hasBuffer(CHUNK_BYTES)) {
                return NO_BUFFER;
            }
        } else if (status != Status.SUCCESS) {
            outer.result = copy.range();
            return status;
        } else if (opc == NvmOpcode.READ) {
            int checked = copyRead();
            outer.result = checked == Status.SUCCESS ? 0 : copy.range();
            return checked == Status.SUCCESS
                    ? buffered(NvmOpcode.WRITE, outer.slba + copy.done(), blockCount)
                    : checked;
        } else {
            session.marks.clear(slba, blockCount);
            copy.advance(blockCount);
        }
        if (copy.isDone()) {
            return Status.SUCCESS;
        }
        int blocks = chunkBlocks(copy.leftInRange());
        if (session.marks.meets(copy.source(), blocks)) {
            outer.result = copy.range();
            return UNRECOVERED;
        }
        return buffered(NvmOpcode.READ, copy.source(), blocks);
    }

    /** What was read is checked as the source wants it, and made what the destination wants. */
    private int copyRead() {
        if (layout.protection == null) {
            return Status.SUCCESS;
        }
        layout.invert(buffer, 0, blockCount);
        int status = layout.check(
                buffer,
                0,
                blockCount,
                copy.protectionOfSources(),
                referenceTag(copy.referenceTag(), copy.doneInRange()),
                copy.applicationTags());
        if (status == Status.SUCCESS) {
            status = protect(0, blockCount, referenceTag(outer.cdw14, copy.done()));
        }
        layout.invert(buffer, 0, blockCount);
        return status;
    }
}
