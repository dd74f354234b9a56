package io.doorbell.emulator;

import io.doorbell.nvme.PrpMath;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.storage.HostPieces;
import java.lang.foreign.MemorySegment;

/**
 * From the data pointer of a command to pieces of host memory, all of it checked against the {@link Iommu}. One per queue. Owner: the
 * device's reactor.
 */
final class HostData {
    /** PSDT in its place in the flags byte. */
    private static final int PSDT_BITS = 3 << 6;

    private final DmaWindow data;
    private final PrpWalker prps;
    private final SglWalker sgls;
    private final int pageBytes;

    /** @param bitBucket memory that takes what a host does not want to have */
    HostData(Iommu iommu, int pageBytes, boolean sglsSupported, MemorySegment bitBucket) {
        this.pageBytes = pageBytes;
        data = new DmaWindow(iommu);
        var lists = new DmaWindow(iommu);
        prps = new PrpWalker(data, lists, pageBytes);
        sgls = sglsSupported ? new SglWalker(data, lists, bitBucket) : null;
    }

    /** Before each batch: takes up what was mapped and unmapped. */
    void refresh() {
        data.refresh();
        prps.refresh();
    }

    /** Whether a whole range is in one region now; rings and pages of doorbells have to be. */
    MemorySegment range(long iova, long bytes) {
        data.refresh();
        return data.find(iova, bytes) ? data.segment.asSlice(iova - data.start, bytes) : null;
    }

    /** Sets the pieces of a request whose {@code dataBytes} is not 0. Returns a status. */
    int map(EmulatedRequest request) {
        int bytes = request.dataBytes;
        long iova = request.prp1;
        // One page, or less, where the last command's was: most commands of most workloads end here.
        if ((request.flags & PSDT_BITS) == 0
                && ((int) iova & pageBytes - 1) + bytes <= pageBytes
                && (iova & 3) == 0
                && data.hit(iova, bytes)) {
            var segment = data.segment;
            // Compared first, since the store of a reference costs a barrier of the collector.
            if (request.pieces[0] != segment) {
                request.pieces[0] = segment;
            }
            request.pieceOffsets[0] = iova - data.start;
            request.pieceBytes[0] = bytes;
            request.pieceCount = 1;
            return Status.SUCCESS;
        }
        return mapAny(request);
    }

    private int mapAny(EmulatedRequest request) {
        request.clearPieces();
        try {
            return walk(request);
        } catch (IllegalStateException | InternalError listGone) {
            // A list in memory that was closed while it was mapped.
            return Status.DATA_TRANSFER_ERROR;
        }
    }

    private int walk(EmulatedRequest request) {
        return switch (request.flags >> 6 & 3) {
            case SubmissionEntry.PSDT_PRP -> prps.walk(request, request.prp1, request.prp2);
            case SubmissionEntry.PSDT_SGL, SubmissionEntry.PSDT_SGL_METADATA_SGL ->
                sgls == null
                        ? Status.INVALID_FIELD
                        : sgls.walk(request, request.dataBytes, request.dataToHost, request.prp1, request.prp2);
            default -> Status.INVALID_FIELD;
        };
    }

    /**
     * Sets the pieces of a command's metadata: one range of addresses, or one SGL segment. NVMe Base 2.1 §4.1.1 "Metadata
     * Pointer". Returns a status.
     */
    int mapMetadata(EmulatedRequest request, int bytes) {
        var metadata = request.metadata;
        metadata.clearPieces();
        long iova = request.mptr;
        try {
            if ((request.flags >> 6 & 3) == SubmissionEntry.PSDT_SGL_METADATA_SGL) {
                return sgls == null
                        ? Status.INVALID_FIELD
                        : sgls.walkMetadata(metadata, bytes, request.dataToHost, iova);
            }
            if ((iova & PrpMath.ALIGNMENT_BYTES - 1) != 0) {
                return Status.INVALID_FIELD;
            }
            return addRange(metadata, data, iova, bytes) ? Status.SUCCESS : Status.DATA_TRANSFER_ERROR;
        } catch (IllegalStateException | InternalError listGone) {
            return Status.DATA_TRANSFER_ERROR;
        }
    }

    /** Adds a range as pieces: it may go over from one region to the next. Returns false when some of it is not mapped. */
    static boolean addRange(HostPieces pieces, DmaWindow window, long iova, long bytes) {
        long at = iova;
        long left = bytes;
        while (left > 0) {
            if (!window.hit(at, 1) && !window.findRegion(at)) {
                return false;
            }
            long part = Math.min(left, window.available(at));
            pieces.addPiece(window.segment, at - window.start, (int) part);
            at += part;
            left -= part;
        }
        return true;
    }
}
