package io.doorbell.host;

/**
 * A read, write or compare of blocks with all there may be to it: data, metadata in a buffer of its own, tags of the
 * protection information. Filled by {@link #of}, the rest being none, and what else is needed; handed to {@link
 * QueuePair#transfer}, which copies what it needs. Reused by its owner for many commands; not thread-safe.
 *
 * <p>The data has {@link NvmeNamespace#transferBlockBytes} for each block; with {@link QueuePair#PROTECTION_ACTION} and {@link
 * MetadataFormat#vanishesWithAction} just the block, and no metadata.
 */
public final class BlockTransfer {
    public int nsid;
    public long slba;
    public int blockCount;

    /** Bits of cdw12 above the block count: {@link QueuePair#FUA}, {@link QueuePair#CHECK_GUARD} and so on. */
    public int ioFlags;

    /** Dataset management hints, directives. */
    public int cdw13;

    /**
     * The reference tag of the first block, written or expected, with the storage tag above it where the format has one:
     * cdw14, and above that cdw3. The parts of a split transfer get it counted up where {@link MetadataFormat#countsBlocks}.
     */
    public long referenceTag;

    /** Written or expected, 16 bits. */
    public int applicationTag;

    /** Which bits of the application tag are checked. */
    public int applicationTagMask;

    private DmaMemory data;
    private long dataOffset;
    private DmaVector pieces;
    private DmaMemory metadata;
    private long metadataOffset;

    /** Everything zero but these. */
    public BlockTransfer of(int namespace, long firstBlock, int blocks) {
        nsid = namespace;
        slba = firstBlock;
        blockCount = blocks;
        ioFlags = 0;
        cdw13 = 0;
        referenceTag = 0;
        applicationTag = 0;
        applicationTagMask = 0;
        data = null;
        dataOffset = 0;
        pieces = null;
        metadata = null;
        metadataOffset = 0;
        return this;
    }

    /** Where to or from, dword aligned; anywhere with a controller whose SGLs allow that. */
    public BlockTransfer data(DmaMemory memory, long offset) {
        data = memory;
        dataOffset = offset;
        pieces = null;
        return this;
    }

    /** Where to or from, in pieces: from its beginning, and it may be longer than needed. */
    public BlockTransfer data(DmaVector vector) {
        pieces = vector;
        data = null;
        return this;
    }

    /** Metadata of a namespace that has it in a buffer of its own, dword aligned. */
    public BlockTransfer metadata(DmaMemory memory, long offset) {
        metadata = memory;
        metadataOffset = offset;
        return this;
    }

    public BlockTransfer ioFlags(int flags) {
        ioFlags = flags;
        return this;
    }

    public BlockTransfer referenceTag(long tag) {
        referenceTag = tag;
        return this;
    }

    public BlockTransfer applicationTag(int tag, int mask) {
        applicationTag = tag;
        applicationTagMask = mask;
        return this;
    }

    /** Null where the data is in {@link #pieces}. */
    public DmaMemory data() {
        return data;
    }

    /** Null where the data is in one piece. */
    public DmaVector pieces() {
        return pieces;
    }

    public long dataOffset() {
        return dataOffset;
    }

    public DmaMemory metadata() {
        return metadata;
    }

    public long metadataOffset() {
        return metadataOffset;
    }
}
