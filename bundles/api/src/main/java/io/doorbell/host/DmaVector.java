package io.doorbell.host;

/**
 * Data of one command that lies in several pieces, in order: what readv and writev have. Made once for as many pieces as are
 * needed, and filled anew for each command: nothing is allocated then. Pieces that follow each other for the device become one.
 * Not thread-safe.
 *
 * <p>Which pieces a controller takes: any, where it has SGLs. Else each but the first begins on a page, and each but the last ends
 * on one (4 KiB).
 */
public final class DmaVector {
    private final long[] iovas;
    private final long[] lengths;
    private int count;
    private long byteSize;

    public DmaVector(int mostPieces) {
        iovas = new long[mostPieces];
        lengths = new long[mostPieces];
    }

    public DmaVector clear() {
        count = 0;
        byteSize = 0;
        return this;
    }

    /**
     * Adds a piece at the end.
     *
     * @throws IllegalArgumentException when it does not lie in the memory
     * @throws IllegalStateException when there is no room for one more
     */
    public DmaVector add(DmaMemory memory, long offset, long bytes) {
        if (bytes <= 0 || offset < 0 || memory.byteSize() - offset < bytes) {
            throw new IllegalArgumentException(
                    bytes + " bytes from byte " + offset + " of " + memory.byteSize() + ": must lie inside");
        }
        long iova = memory.iova() + offset;
        if (count > 0 && iovas[count - 1] + lengths[count - 1] == iova) {
            lengths[count - 1] += bytes;
        } else if (count == iovas.length) {
            throw new IllegalStateException("more than " + count + " pieces");
        } else {
            iovas[count] = iova;
            lengths[count] = bytes;
            count++;
        }
        byteSize += bytes;
        return this;
    }

    /** Pieces, contiguous to the device each. */
    public int count() {
        return count;
    }

    public long byteSize() {
        return byteSize;
    }

    public long iova(int piece) {
        return iovas[piece];
    }

    public long length(int piece) {
        return lengths[piece];
    }
}
