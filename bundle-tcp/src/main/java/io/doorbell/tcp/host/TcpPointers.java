package io.doorbell.tcp.host;

import io.doorbell.driver.DataPointers;
import io.doorbell.host.DmaVector;
import io.doorbell.nvme.SubmissionEntry;

/**
 * Describes data to a controller over TCP: how long they are; where they are is only for us to know. NVMe over TCP Transport 1.1 §3.5.1
 * "Command Capsules", SGL descriptors.
 *
 * <p>Owner: that of the link.
 */
final class TcpPointers extends DataPointers {
    private static final long TRANSPORT = (long) TcpLink.TRANSPORT_SGL << 56;

    private final String name;
    private final TcpLink link;

    TcpPointers(String name, TcpLink link) {
        this.name = name;
        this.link = link;
    }

    /** The second half of the data pointer, for data that are no part of the capsule. */
    static long transport(long bytes) {
        return TRANSPORT | bytes;
    }

    private void point(long bytes) {
        psdt = SubmissionEntry.PSDT_SGL;
        first = 0;
        second = transport(bytes);
        mptr = 0;
    }

    private void requireNoMetadata(long metadataBytes) {
        if (metadataBytes > 0) {
            throw new IllegalArgumentException(
                    name + ": metadata in a buffer of its own do not go over TCP, only those in the data");
        }
    }

    @Override
    public void none(int slot) {
        link.describe(slot, 0, 0);
        point(0);
    }

    @Override
    public void contiguous(int slot, long iova, long bytes, long metadataIova, long metadataBytes) {
        requireNoMetadata(metadataBytes);
        link.describe(slot, iova, bytes);
        point(bytes);
    }

    @Override
    protected void gathered(int slot, DmaVector vector, long bytes, long metadataIova, long metadataBytes) {
        requireNoMetadata(metadataBytes);
        link.describePieces(slot, bytes);
        long left = bytes;
        for (int i = piece; left > 0; i++) {
            long skip = i == piece ? pieceOffset : 0;
            long length = Math.min(left, vector.length(i) - skip);
            if (!link.addPiece(slot, vector.iova(i) + skip, (int) length)) {
                throw new IllegalArgumentException(name + ": " + bytes + " bytes in " + vector.count()
                        + " pieces: at most " + TcpLink.MAX_PIECES + " for one command");
            }
            left -= length;
        }
        point(bytes);
    }
}
