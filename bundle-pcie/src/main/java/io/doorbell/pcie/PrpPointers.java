package io.doorbell.pcie;

import io.doorbell.driver.DataPointers;
import io.doorbell.host.DmaVector;
import io.doorbell.nvme.PrpMath;
import io.doorbell.nvme.SglDescriptor;
import io.doorbell.nvme.SubmissionEntry;
import java.lang.foreign.MemorySegment;

/**
 * Describes the data of one command after the other to the device: by PRPs where the pieces allow it, by an SGL where they do not
 * and the controller has them. Each call leaves what goes into the entry in the fields; lists go where the slot's PRP list has
 * its room. NVMe Base 2.1 §4.3 "Data Layout".
 *
 * <p>Owner: the thread that owns the queue pair.
 */
final class PrpPointers extends DataPointers {
    /** Lists of controllers with SGLs have room for so much: 63 pieces, and one for metadata. */
    static final int SGL_BYTES = 1024;

    private static final int DWORD = PrpMath.ALIGNMENT_BYTES - 1;
    private static final int PAGE_BYTES = PrpMath.PAGE_BYTES;
    private static final int DATA_BLOCK =
            SglDescriptor.identifier(SglDescriptor.TYPE_DATA_BLOCK, SglDescriptor.SUBTYPE_ADDRESS);
    private static final int LAST_SEGMENT =
            SglDescriptor.identifier(SglDescriptor.TYPE_LAST_SEGMENT, SglDescriptor.SUBTYPE_ADDRESS);

    private final String name;
    private final MemorySegment lists;
    private final PrpLists prpLists;
    private final SglSupport sgl;

    PrpPointers(String name, PrpLists prpLists, SglSupport sgl) {
        this.name = name;
        this.prpLists = prpLists;
        this.sgl = sgl;
        lists = prpLists.segment();
    }

    /** The second half of an entry's data pointer, when that is the descriptor of one data block. */
    static long block(long bytes) {
        return (long) DATA_BLOCK << 56 | bytes;
    }

    @Override
    public void none(int slot) {
        psdt = SubmissionEntry.PSDT_PRP;
        first = 0;
        second = 0;
        mptr = 0;
    }

    @Override
    public void contiguous(int slot, long iova, long bytes, long metadataIova, long metadataBytes) {
        boolean sglPossible = sglPossible(metadataBytes);
        boolean aligned = (iova & DWORD) == 0;
        mptr = metadataIova;
        first = iova;
        if (sglPossible && bytes >= sgl.fromBytes() || !aligned && sglPossible && sgl.bytes()) {
            second = block(bytes);
            describedBySgl(slot, metadataIova, metadataBytes);
        } else if (aligned) {
            psdt = SubmissionEntry.PSDT_PRP;
            second = prpLists.prp2(slot, iova, bytes);
        } else {
            throw new IllegalArgumentException(name + ": " + bytes + " bytes at iova " + Long.toHexString(iova)
                    + "h: must lie dword aligned for this controller");
        }
    }

    @Override
    protected void gathered(int slot, DmaVector vector, long bytes, long metadataIova, long metadataBytes) {
        mptr = metadataIova;
        if (suitsPrps(vector, bytes)) {
            prps(slot, vector, bytes);
        } else if (sglPossible(metadataBytes)) {
            sgl(slot, vector, bytes, metadataIova, metadataBytes);
        } else {
            throw new IllegalArgumentException(name + ": " + bytes + " bytes in pieces that do not meet on pages of "
                    + PAGE_BYTES + " bytes, and this controller has no SGLs"
                    + (metadataBytes > 0 ? " with metadata in a buffer of its own" : ""));
        }
    }

    private boolean sglPossible(long metadataBytes) {
        return sgl.supported() && (metadataBytes == 0 || sgl.metadata());
    }

    private void describedBySgl(int slot, long metadataIova, long metadataBytes) {
        psdt = SubmissionEntry.PSDT_SGL;
        if (metadataBytes > 0 && !sgl.metadataAddress()) {
            // The last place of the slot's list is kept for it.
            long place = prpLists.slotOffset(slot) + prpLists.slotBytes() - SglDescriptor.SIZE_BYTES;
            SglDescriptor.encode(lists, place, DATA_BLOCK, metadataIova, (int) metadataBytes);
            mptr = prpLists.iova() + place;
            psdt = SubmissionEntry.PSDT_SGL_METADATA_SGL;
        }
    }

    private boolean suitsPrps(DmaVector vector, long bytes) {
        long left = bytes;
        for (int i = piece; left > 0; i++) {
            long skip = i == piece ? pieceOffset : 0;
            long start = vector.iova(i) + skip;
            long length = Math.min(left, vector.length(i) - skip);
            left -= length;
            if ((start & (i == piece ? DWORD : PAGE_BYTES - 1)) != 0
                    || left > 0 && (start + length & PAGE_BYTES - 1) != 0) {
                return false;
            }
        }
        return true;
    }

    private void prps(int slot, DmaVector vector, long bytes) {
        psdt = SubmissionEntry.PSDT_PRP;
        first = vector.iova(piece) + pieceOffset;
        second = 0;
        long left = bytes;
        int pages = 0;
        for (int i = piece; left > 0; i++) {
            long skip = i == piece ? pieceOffset : 0;
            long start = vector.iova(i) + skip;
            long length = Math.min(left, vector.length(i) - skip);
            left -= length;
            for (long page = start & -PAGE_BYTES; page < start + length; page += PAGE_BYTES) {
                if (pages++ > 0) {
                    second = pages == 2 ? page : prpLists.iova() + prpLists.slotOffset(slot);
                    prpLists.entry(slot, pages - 2, page);
                }
            }
        }
    }

    private void sgl(int slot, DmaVector vector, long bytes, long metadataIova, long metadataBytes) {
        long list = prpLists.slotOffset(slot);
        int most = prpLists.slotBytes() / SglDescriptor.SIZE_BYTES - 1;
        long left = bytes;
        int count = 0;
        for (int i = piece; left > 0; i++) {
            long skip = i == piece ? pieceOffset : 0;
            long start = vector.iova(i) + skip;
            long length = Math.min(left, vector.length(i) - skip);
            left -= length;
            if (!sgl.bytes() && ((start | length) & DWORD) != 0 || count == most) {
                throw new IllegalArgumentException(name + ": " + bytes + " bytes in " + vector.count() + " pieces: "
                        + (count == most ? "at most " + most + " that do not meet on pages" : "must be whole dwords")
                        + " for this controller");
            }
            SglDescriptor.encode(
                    lists, list + (long) count * SglDescriptor.SIZE_BYTES, DATA_BLOCK, start, (int) length);
            count++;
        }
        first = prpLists.iova() + list;
        second = (long) LAST_SEGMENT << 56 | (long) count * SglDescriptor.SIZE_BYTES;
        describedBySgl(slot, metadataIova, metadataBytes);
    }
}
