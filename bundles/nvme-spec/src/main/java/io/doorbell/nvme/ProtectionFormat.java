package io.doorbell.nvme;

import java.lang.foreign.MemorySegment;

/**
 * Where a namespace has its protection information, and what of a block the guard is of: the data, and of the metadata
 * what stands before the tuple. NVM Command Set 1.1 §5.3 "End-to-end Data Protection".
 *
 * <p>Blocks of a buffer come in two forms: data and metadata in a buffer each, or each block followed by its metadata
 * (extended). The methods take both: two segments, the place of the first block in each, and how far it is to the next.
 *
 * @param type 1, 2 or 3
 * @param first whether the tuple is the first eight bytes of the metadata, or the last. DPS bit 3
 * @param blockBytes data of a block
 * @param metadataBytes 8 and up
 */
public record ProtectionFormat(int type, boolean first, int blockBytes, int metadataBytes) {
    private static final int DPS_FIRST = 1 << 3;

    public ProtectionFormat {
        if (type < ProtectionInformation.TYPE_1 || type > ProtectionInformation.TYPE_3) {
            throw new IllegalArgumentException("protection information of type " + type + ": 1 to 3");
        }
        if (metadataBytes < ProtectionInformation.SIZE_BYTES) {
            throw new IllegalArgumentException(
                    "protection information takes 8 bytes of metadata, of which there are " + metadataBytes);
        }
    }

    /** What DPS and the format in use say, or null where blocks are not protected (or not in a way known here). */
    public static ProtectionFormat of(int dps, int blockBytes, int metadataBytes) {
        int type = dps & 7;
        boolean known = type >= ProtectionInformation.TYPE_1
                && type <= ProtectionInformation.TYPE_3
                && metadataBytes >= ProtectionInformation.SIZE_BYTES;
        return known ? new ProtectionFormat(type, (dps & DPS_FIRST) != 0, blockBytes, metadataBytes) : null;
    }

    /** DPS of Identify Namespace. */
    public int dps() {
        return type | (first ? DPS_FIRST : 0);
    }

    /** Where in the metadata of a block the tuple is. */
    public int tupleOffset() {
        return first ? 0 : metadataBytes - ProtectionInformation.SIZE_BYTES;
    }

    /** Whether the controller takes the metadata away (reading) or makes all of it (writing) when PRACT is set. */
    public boolean isAllMetadata() {
        return metadataBytes == ProtectionInformation.SIZE_BYTES;
    }

    /** The guard that a block should have. */
    public int guard(MemorySegment data, long dataOffset, MemorySegment metadata, long metadataOffset) {
        int guard = ProtectionInformation.guard(data, dataOffset, blockBytes);
        int before = tupleOffset();
        return before == 0 ? guard : ProtectionInformation.guard(guard, metadata, metadataOffset, before);
    }

    /**
     * Writes the tuples of {@code blocks}; the rest of the metadata stays.
     *
     * @param dataStride from one block's data to the next: {@code blockBytes}, or with the metadata when extended
     * @param metadataStride from one block's metadata to the next: {@code metadataBytes}, or with the data when extended
     * @param firstReferenceTag of the first block
     */
    public void protect(
            MemorySegment data,
            long dataOffset,
            long dataStride,
            MemorySegment metadata,
            long metadataOffset,
            long metadataStride,
            int blocks,
            int firstReferenceTag,
            int applicationTag) {
        for (int i = 0; i < blocks; i++) {
            long metadataAt = metadataOffset + i * metadataStride;
            int guard = guard(data, dataOffset + i * dataStride, metadata, metadataAt);
            ProtectionInformation.encode(
                    metadata,
                    metadataAt + tupleOffset(),
                    guard,
                    applicationTag,
                    ProtectionInformation.referenceTag(type, firstReferenceTag, i));
        }
    }

    /**
     * Checks {@code blocks} as a command with these dwords asks for; strides as in {@link #protect}.
     *
     * @return the status of the first block that is wrong, or success
     */
    public int check(
            MemorySegment data,
            long dataOffset,
            long dataStride,
            MemorySegment metadata,
            long metadataOffset,
            long metadataStride,
            int blocks,
            int cdw12,
            int firstReferenceTag,
            int cdw15) {
        if ((cdw12 & ProtectionInformation.PRCHK) == 0) {
            return Status.SUCCESS;
        }
        boolean guarded = (cdw12 & ProtectionInformation.PRCHK_GUARD) != 0;
        for (int i = 0; i < blocks; i++) {
            long metadataAt = metadataOffset + i * metadataStride;
            int guard = guarded ? guard(data, dataOffset + i * dataStride, metadata, metadataAt) : 0;
            int status = ProtectionInformation.check(
                    metadata,
                    metadataAt + tupleOffset(),
                    type,
                    guard,
                    cdw12,
                    ProtectionInformation.referenceTag(type, firstReferenceTag, i),
                    cdw15);
            if (status != Status.SUCCESS) {
                return status;
            }
        }
        return Status.SUCCESS;
    }
}
