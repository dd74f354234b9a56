package io.doorbell.fabrics.host;

import io.doorbell.driver.DataPointers;
import io.doorbell.host.DmaVector;
import io.doorbell.nvme.SubmissionEntry;

/** Notes where data are; {@link HostLink#seal} tells the target, when it is known which way they go. Owner: that of the link. */
final class HostPointers extends DataPointers {
    private final String name;
    private final HostLink link;

    HostPointers(String name, HostLink link) {
        this.name = name;
        this.link = link;
        psdt = SubmissionEntry.PSDT_SGL;
    }

    private void requireNoMetadata(long metadataBytes) {
        if (metadataBytes > 0) {
            throw new IllegalArgumentException(name + ": metadata in a buffer of its own do not go over "
                    + link.network() + ", only those in the data");
        }
    }

    @Override
    public void none(int slot) {
        mptr = 0;
        link.describe(slot, 0, 0);
    }

    @Override
    public void contiguous(int slot, long iova, long bytes, long metadataIova, long metadataBytes) {
        requireNoMetadata(metadataBytes);
        mptr = 0;
        link.describe(slot, iova, bytes);
    }

    @Override
    protected void gathered(int slot, DmaVector vector, long bytes, long metadataIova, long metadataBytes) {
        requireNoMetadata(metadataBytes);
        mptr = 0;
        link.describePieces(slot, bytes);
        long left = bytes;
        for (int i = piece; left > 0; i++) {
            long skip = i == piece ? pieceOffset : 0;
            long length = Math.min(left, vector.length(i) - skip);
            if (!link.addPiece(slot, vector.iova(i) + skip, (int) length)) {
                throw new IllegalArgumentException(name + ": " + bytes + " bytes in " + vector.count()
                        + " pieces: at most " + HostLink.MAX_PIECES + " for one command");
            }
            left -= length;
        }
    }
}
