package io.doorbell.perf;

import io.doorbell.host.BlockTransfer;
import io.doorbell.host.DmaMemory;
import io.doorbell.host.DmaVector;
import io.doorbell.host.MetadataFormat;
import io.doorbell.host.NvmeNamespace;
import io.doorbell.host.QueuePair;
import io.doorbell.nvme.ProtectionFormat;
import io.doorbell.nvme.ProtectionInformation;
import io.doorbell.nvme.Status;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Where the blocks of an I/O and their metadata lie in the memory of its slot, and what the host does about protection
 * information. Immutable: one for a worker. Offsets are from the beginning of the slot.
 *
 * <p>The data comes first; metadata in a buffer of its own follows it. Where the data is to lie in pieces, the last of them is
 * the first in memory: so no two become one.
 */
final class IoLayout {
    /** Of an I/O with its metadata. */
    static final long MAX_SLOT_BYTES = 256 << 20;

    private static final int METADATA_ALIGNMENT = 64;
    private static final byte NO_TAG = (byte) 0xFF;

    private final int blockBytes;
    private final int ioBlocks;
    private final MetadataFormat metadata;

    /** From a block's data to the next one's. */
    private final int blockStride;

    /** Moved with each block; 0 also where the controller makes all of it. */
    private final int metadataBytes;

    private final int metadataStride;

    /** Whether it has a buffer of its own. */
    private final boolean separate;

    /** Of the first block. */
    private final long metadataOffset;

    private final long dataBytes;
    private final int pieceCount;
    private final long pieceBytes;
    private final long pieceStride;

    /** 0 where pieces end inside of blocks. */
    private final int pieceBlocks;

    private final long slotBytes;
    private final int ioFlags;
    private final int applicationTag;
    private final int applicationTagMask;
    private final boolean plain;

    /** Whether the tuples that writes carry are the host's. */
    private final boolean hostProtects;

    /** How it makes and checks them; null where it lets them say that nothing is to be checked. */
    private final ProtectionFormat checked;

    private IoLayout(NvmeNamespace namespace, PerfOptions options) {
        var protection = options.protection();
        blockBytes = namespace.blockBytes();
        ioBlocks = options.ioBytes() / blockBytes;
        metadata = namespace.metadata();
        var isProtected = metadata.isProtected();
        ioFlags = isProtected ? protection.ioFlags() : 0;
        var bare = isProtected && protection.byController() && metadata.vanishesWithAction();
        metadataBytes = bare ? 0 : metadata.bytes();
        blockStride = blockBytes + (bare ? 0 : metadata.inDataBytes());
        dataBytes = (long) ioBlocks * blockStride;
        var unit = options.ioUnitBytes();
        if (unit == 0 || unit >= options.ioBytes()) {
            pieceCount = 1;
            pieceBlocks = ioBlocks;
            pieceBytes = dataBytes;
            pieceStride = dataBytes;
        } else {
            pieceBlocks = unit % blockBytes == 0 ? unit / blockBytes : 0;
            pieceBytes = pieceBlocks == 0 ? unit : (long) pieceBlocks * blockStride;
            pieceCount = (int) Math.ceilDiv(dataBytes, pieceBytes);
            pieceStride = alignUp(pieceBytes, options.alignment());
        }
        var dataArea = pieceCount * pieceStride;
        separate = metadataBytes > 0 && !metadata.extended();
        metadataStride = separate ? metadataBytes : blockStride;
        metadataOffset = separate ? alignUp(dataArea, METADATA_ALIGNMENT) : blockBytes;
        slotBytes = separate ? metadataOffset + (long) ioBlocks * metadataBytes : dataArea;
        hostProtects = isProtected && !protection.byController();
        checked = hostProtects && protection.checksAnything()
                ? new ProtectionFormat(
                        metadata.protectionType(), metadata.protectionFirst(), blockBytes, metadata.bytes())
                : null;
        // As SPDK's: who reads with the other tool finds the tag it looks for.
        applicationTag = isProtected ? ioBlocks & 0xFFFF : 0;
        applicationTagMask = isProtected ? 0xFFFF : 0;
        plain = ioFlags == 0 && !separate && pieceCount == 1;
    }

    /** Of I/Os of this size on this namespace, which {@link #refusal} has nothing to say about. */
    static IoLayout of(PerfOptions options, NvmeNamespace namespace) {
        return new IoLayout(namespace, options);
    }

    /** Why these options and this namespace do not go together, or null. */
    static String refusal(PerfOptions options, NvmeNamespace namespace) {
        var metadata = namespace.metadata();
        var protection = options.protection();
        var checked = metadata.isProtected() && protection.checksAnything();
        if (checked && protection.checks(QueuePair.CHECK_REFERENCE_TAG) && metadata.protectionType() == 3) {
            return "-e PRCHK=REFTAG: its protection information is of type 3, which has no reference tag to check";
        }
        if (checked
                && !protection.byController()
                && (metadata.protectionBytes() != MetadataFormat.PROTECTION_BYTES
                        || metadata.referenceTagBits() != MetadataFormat.REFERENCE_TAG_BITS)) {
            return "-e PRACT=0 with PRCHK: its protection information is not the one with a guard of 16 bits and no storage"
                    + " tag, which perf can make; PRACT=1 leaves it to the controller";
        }
        var layout = of(options, namespace);
        if (layout.slotBytes > MAX_SLOT_BYTES) {
            return "an I/O takes " + layout.slotBytes + " bytes of memory: allowed: at most " + MAX_SLOT_BYTES;
        }
        if (layout.pieceBlocks == 0 && (options.verify() || layout.checked != null || layout.inDataBytes() > 0)) {
            return "-O " + options.ioUnitBytes() + ": with --verify, -e PRACT=0 or metadata in the data allowed: a"
                    + " multiple of the block size, " + layout.blockBytes;
        }
        return null;
    }

    int blockBytes() {
        return blockBytes;
    }

    int ioBlocks() {
        return ioBlocks;
    }

    /** Bytes of a block in the data of a command. */
    int transferBlockBytes() {
        return blockStride;
    }

    private int inDataBytes() {
        return blockStride - blockBytes;
    }

    /** Memory of an I/O. */
    long slotBytes() {
        return slotBytes;
    }

    /** Whether read and write will do: neither flags nor metadata in a buffer of its own. */
    boolean plain() {
        return plain;
    }

    /** Whether what was read is to be given to {@link #check}. */
    boolean checksReads() {
        return checked != null;
    }

    /** Whether what is to be written is to be given to {@link #protect}. */
    boolean hostProtects() {
        return hostProtects;
    }

    /** Pieces of the data; 1 mostly. */
    int pieceCount() {
        return pieceCount;
    }

    long blockAt(int block) {
        if (pieceCount == 1) {
            return (long) block * blockStride;
        }
        return pieceAt(block / pieceBlocks) + (long) (block % pieceBlocks) * blockStride;
    }

    private long pieceAt(int piece) {
        return (pieceCount - 1 - piece) * pieceStride;
    }

    /** Bytes of metadata of a block that are not protection information, and travel; the verified run fills them. */
    int freeMetadataBytes() {
        return metadataBytes == 0 ? 0 : metadataBytes - (metadata.isProtected() ? metadata.protectionBytes() : 0);
    }

    long freeMetadataAt(int block) {
        var first = metadata.isProtected() && metadata.protectionFirst() ? metadata.protectionBytes() : 0;
        return metadataAt(block) + first;
    }

    /**
     * Fills what a command needs beyond {@link QueuePair#read}; allocates nothing.
     *
     * @param vector with room for {@link #pieceCount}; not looked at where that is 1
     */
    BlockTransfer describe(BlockTransfer transfer, DmaVector vector, int nsid, long slba, DmaMemory memory, long slot) {
        transfer.of(nsid, slba, ioBlocks).ioFlags(ioFlags);
        if (pieceCount == 1) {
            transfer.data(memory, slot);
        } else {
            vector.clear();
            var left = dataBytes;
            for (var piece = 0; piece < pieceCount; piece++) {
                vector.add(memory, slot + pieceAt(piece), Math.min(left, pieceBytes));
                left -= pieceBytes;
            }
            transfer.data(vector);
        }
        if (ioFlags != 0) {
            transfer.referenceTag(referenceTag(slba)).applicationTag(applicationTag, applicationTagMask);
        }
        if (separate) {
            transfer.metadata(memory, slot + metadataOffset);
        }
        return transfer;
    }

    /** Makes the tuples of what is to be written; where nothing is checked, those that tell everyone not to check. */
    void protect(MemorySegment memory, long slot, long slba) {
        if (checked != null) {
            for (var block = 0; block < ioBlocks; block += pieceBlocks) {
                checked.protect(
                        memory,
                        slot + blockAt(block),
                        blockStride,
                        memory,
                        slot + metadataAt(block),
                        metadataStride,
                        Math.min(pieceBlocks, ioBlocks - block),
                        hostReferenceTag(slba, block),
                        applicationTag);
            }
            return;
        }
        var from = metadata.protectionFirst() ? 0 : metadata.bytes() - metadata.protectionBytes();
        for (var block = 0; block < ioBlocks; block++) {
            var at = slot + metadataAt(block) + from;
            for (var i = 0; i < metadata.protectionBytes(); i++) {
                memory.set(ValueLayout.JAVA_BYTE, at + i, NO_TAG);
            }
        }
    }

    /** The status of the first block that was read and is not as its tuple says, or {@link Status#SUCCESS}. */
    int check(MemorySegment memory, long slot, long slba) {
        for (var block = 0; block < ioBlocks; block += pieceBlocks) {
            var status = checked.check(
                    memory,
                    slot + blockAt(block),
                    blockStride,
                    memory,
                    slot + metadataAt(block),
                    metadataStride,
                    Math.min(pieceBlocks, ioBlocks - block),
                    ioFlags,
                    hostReferenceTag(slba, block),
                    ProtectionInformation.tagDword(applicationTag, applicationTagMask));
            if (status != Status.SUCCESS) {
                return status;
            }
        }
        return Status.SUCCESS;
    }

    private long metadataAt(int block) {
        return separate ? metadataOffset + (long) block * metadataStride : blockAt(block) + blockBytes;
    }

    private int hostReferenceTag(long slba, int block) {
        return ProtectionInformation.referenceTag(metadata.protectionType(), (int) slba, block);
    }

    /** Of the first block: its address, as far as there is room for it. */
    private long referenceTag(long slba) {
        return slba & -1L >>> Long.SIZE - Math.max(1, metadata.referenceTagBits());
    }

    private static long alignUp(long bytes, int alignment) {
        return bytes + alignment - 1 & -alignment;
    }
}
