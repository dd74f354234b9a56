package io.doorbell.storage;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * One command on its way through the controller side: from the transport that took it off a queue or a wire, through the
 * subsystem, to the namespace, and back. Transports extend it with what they need to answer, allocate all they can have
 * in flight beforehand, and reuse them.
 *
 * <p>Owner: the reactor the command came in on; every field is touched by its thread only, but for the data pieces, which
 * a namespace may read and fill on a worker thread between {@code submit} and {@link #complete}.
 *
 * <p>Life: the transport sets the command fields and calls {@link io.doorbell.target.CommandPath#admit}, which checks them
 * and says how much data moves which way; the transport brings the data pieces; then
 * {@link io.doorbell.target.CommandPath#execute}, which answers with a status at once, or {@link #PENDING} and calls
 * {@link #complete} later on the same thread.
 */
public abstract class NvmRequest {
    /** Not done yet: {@link #complete} will be called. Every other answer is a status. */
    public static final int PENDING = -1;

    // Set by the transport, as in the submission queue entry.
    public int opc;
    /** FUSE in bits 1:0, PSDT in bits 7:6. */
    public int flags;

    public int cid;
    public int nsid;
    public int cdw10;
    public int cdw11;
    public int cdw12;
    public int cdw13;
    public int cdw14;
    public int cdw15;

    // Set by admit.
    /** Bytes that move between host and controller; 0 where none do. */
    public int dataBytes;
    /** True when the data moves to the host. */
    public boolean dataToHost;

    public long slba;
    public int blockCount;
    /** The session that executes it; the subsystem's to set and to use. */
    public NamespaceSession session;

    /** Dwords 0 and 1 of the completion, set by whoever executes it. */
    public long result;

    // The data, in order. Pieces are views of host memory (or of a transport's buffer) that were checked already.
    public int pieceCount;
    public MemorySegment[] pieces = new MemorySegment[4];
    public long[] pieceOffsets = new long[4];
    public int[] pieceBytes = new int[4];

    /** A backend's or a transport's own link; whoever holds the request owns it. */
    public NvmRequest next;

    /** Forgets the data. */
    public final void clearPieces() {
        pieceCount = 0;
    }

    /** Adds a piece, merged with the one before where it goes on. Grows the tables rarely: they keep their size for reuse. */
    public final void addPiece(MemorySegment segment, long offset, int bytes) {
        int last = pieceCount - 1;
        if (last >= 0 && pieces[last] == segment && pieceOffsets[last] + pieceBytes[last] == offset) {
            pieceBytes[last] += bytes;
            return;
        }
        if (pieceCount == pieces.length) {
            int capacity = pieceCount * 2;
            pieces = Arrays.copyOf(pieces, capacity);
            pieceOffsets = Arrays.copyOf(pieceOffsets, capacity);
            pieceBytes = Arrays.copyOf(pieceBytes, capacity);
        }
        pieces[pieceCount] = segment;
        pieceOffsets[pieceCount] = offset;
        pieceBytes[pieceCount] = bytes;
        pieceCount++;
    }

    /** Copies {@code bytes} from the data, beginning at {@code dataOffset} of it, to {@code target}. */
    public final void copyFromHost(long dataOffset, MemorySegment target, long targetOffset, long bytes) {
        copy(dataOffset, target, targetOffset, bytes, false);
    }

    /** Copies {@code bytes} from {@code source} into the data, beginning at {@code dataOffset} of it. */
    public final void copyToHost(long dataOffset, MemorySegment source, long sourceOffset, long bytes) {
        copy(dataOffset, source, sourceOffset, bytes, true);
    }

    private void copy(long dataOffset, MemorySegment other, long otherOffset, long bytes, boolean toHost) {
        long skip = dataOffset;
        long left = bytes;
        long at = otherOffset;
        for (int i = 0; i < pieceCount && left > 0; i++) {
            long size = pieceBytes[i];
            if (skip >= size) {
                skip -= size;
                continue;
            }
            long part = Math.min(size - skip, left);
            if (toHost) {
                MemorySegment.copy(other, at, pieces[i], pieceOffsets[i] + skip, part);
            } else {
                MemorySegment.copy(pieces[i], pieceOffsets[i] + skip, other, at, part);
            }
            at += part;
            left -= part;
            skip = 0;
        }
        if (left != 0) {
            throw new IndexOutOfBoundsException("data ends " + left + " bytes before offset " + (dataOffset + bytes));
        }
    }

    /** The command has ended after {@link #PENDING}. Called once, on the reactor's thread. */
    public abstract void complete(int status);
}
