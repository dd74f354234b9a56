package io.doorbell.driver;

import io.doorbell.host.DmaVector;

/**
 * Describes the data of one command after the other to the controller, as the transport does it. Each call leaves what goes into the
 * entry in the fields. NVMe Base 2.1 §4.3 "Data Layout".
 *
 * <p>Owner: the thread that owns the queue pair.
 */
public abstract class DataPointers {
    // What the last call said.
    public int psdt;
    public long first;
    public long second;
    public long mptr;

    // Where the next piece of a vector begins.
    protected int piece;
    protected long pieceOffset;

    /** No data. */
    public abstract void none(int slot);

    /** Data in one piece. Metadata: where it is and how much, 0 for none. */
    public abstract void contiguous(int slot, long iova, long bytes, long metadataIova, long metadataBytes);

    /** The next {@code bytes} of a vector, from {@link #piece} and {@link #pieceOffset} on, which go across pieces. */
    protected abstract void gathered(int slot, DmaVector vector, long bytes, long metadataIova, long metadataBytes);

    /** A vector is begun. */
    final void rewind() {
        piece = 0;
        pieceOffset = 0;
    }

    /**
     * The next {@code bytes} of a vector, which has so many left.
     *
     * @throws IllegalArgumentException when this controller does not take such pieces
     */
    final void next(int slot, DmaVector vector, long bytes, long metadataIova, long metadataBytes) {
        if (vector.length(piece) - pieceOffset >= bytes) {
            contiguous(slot, vector.iova(piece) + pieceOffset, bytes, metadataIova, metadataBytes);
        } else {
            gathered(slot, vector, bytes, metadataIova, metadataBytes);
        }
        advance(vector, bytes);
    }

    private void advance(DmaVector vector, long bytes) {
        long left = bytes;
        while (left > 0) {
            long length = Math.min(left, vector.length(piece) - pieceOffset);
            left -= length;
            pieceOffset += length;
            if (pieceOffset == vector.length(piece)) {
                piece++;
                pieceOffset = 0;
            }
        }
    }
}
