package io.doorbell.subsystem;

import io.doorbell.nvme.NvmOpcode;
import io.doorbell.storage.NvmRequest;

/**
 * A command, or the first blocks of it, on its way to the blocks of a {@link ZonedNamespace}. Reused. Owner: the session's
 * reactor.
 */
final class ZonePart extends NvmRequest {
    private final ZonedSession session;

    /** Whose part it is; null while it is free. */
    NvmRequest request;

    /** Links: of free ones the first, of those on their way both. {@code next} is the backend's. */
    ZonePart link;

    ZonePart before;

    ZonePart(ZonedSession session) {
        this.session = session;
    }

    /** @param bytes of the command's data, from its beginning on */
    void of(NvmRequest whole, long from, int count, long bytes) {
        request = whole;
        // The blocks know nothing of appending: where it goes has been decided.
        opc = whole.opc == NvmOpcode.ZONE_APPEND ? NvmOpcode.WRITE : whole.opc;
        flags = whole.flags;
        cid = whole.cid;
        nsid = whole.nsid;
        cdw10 = whole.cdw10;
        cdw11 = whole.cdw11;
        cdw12 = whole.cdw12;
        cdw13 = whole.cdw13;
        cdw14 = whole.cdw14;
        cdw15 = whole.cdw15;
        dataBytes = (int) Math.min(whole.dataBytes, bytes);
        dataToHost = whole.dataToHost;
        slba = from;
        blockCount = count;
        result = 0;
        clearPieces();
        long left = dataBytes;
        for (int i = 0; i < whole.pieceCount && left > 0; i++) {
            int part = (int) Math.min(whole.pieceBytes[i], left);
            addPiece(whole.pieces[i], whole.pieceOffsets[i], part);
            left -= part;
        }
    }

    @Override
    public void complete(int status) {
        session.completed(this, status);
    }
}
