package io.doorbell.storage;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Data or metadata of a command as it lies at the host: pieces of memory, in order, each checked already. Grown rarely and reused.
 * Owner: whoever has the command.
 */
public class HostPieces {
    // Views of host memory, or of a transport's buffer.
    public int pieceCount;
    public MemorySegment[] pieces = new MemorySegment[4];
    public long[] pieceOffsets = new long[4];
    public int[] pieceBytes = new int[4];

    public HostPieces() {}

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
}
