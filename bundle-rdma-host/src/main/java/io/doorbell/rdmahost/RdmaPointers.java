package io.doorbell.rdmahost;

import io.doorbell.driver.DataPointers;
import io.doorbell.host.DmaVector;
import io.doorbell.nvme.SubmissionEntry;

/** Notes where data are; {@link RdmaLink#seal} tells the target, when it is known which way they go. Owner: that of the link. */
final class RdmaPointers extends DataPointers {
    private final String name;
    private final RdmaLink link;

    RdmaPointers(String name, RdmaLink link) {
        this.name = name;
        this.link = link;
    }

    private void point() {
        psdt = SubmissionEntry.PSDT_SGL;
        first = 0;
        second = 0;
        mptr = 0;
    }

    private void requireNoMetadata(long metadataBytes) {
        if (metadataBytes > 0) {
            throw new IllegalArgumentException(
                    name + ": metadata in a buffer of its own do not go over RDMA, only those in the data");
        }
    }

    @Override
    public void none(int slot) {
        link.describe(slot, 0, 0);
        point();
    }

    @Override
    public void contiguous(int slot, long iova, long bytes, long metadataIova, long metadataBytes) {
        requireNoMetadata(metadataBytes);
        link.describe(slot, iova, bytes);
        point();
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
                        + " pieces: at most " + RdmaLink.MAX_PIECES + " for one command");
            }
            left -= length;
        }
        point();
    }
}
