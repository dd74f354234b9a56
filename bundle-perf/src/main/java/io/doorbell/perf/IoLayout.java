package io.doorbell.perf;

import io.doorbell.host.BlockTransfer;
import io.doorbell.host.DmaMemory;
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
 * <p>The data comes first; metadata in a buffer of its own follows it.
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
    private final int metadataOffset;

    private final int slotBytes;
    private final int ioFlags;
    private final int applicationTag;
    private final int applicationTagMask;
    private final boolean plain;

    /** Whether the tuples that writes carry are the host's. */
    private final boolean hostProtects;

    /** How it makes and checks them; null where it lets them say that nothing is to be checked. */
    private final ProtectionFormat checked;

    private IoLayout(NvmeNamespace namespace, int ioBytes, BlockProtection protection) {
        blockBytes = namespace.blockBytes();
        ioBlocks = ioBytes / blockBytes;
        metadata = namespace.metadata();
        var isProtected = metadata.isProtected();
        ioFlags = isProtected ? protection.ioFlags() : 0;
        var bare = isProtected && protection.byController() && metadata.vanishesWithAction();
        metadataBytes = bare ? 0 : metadata.bytes();
        blockStride = blockBytes + (bare ? 0 : metadata.inDataBytes());
        var dataBytes = ioBlocks * blockStride;
        separate = metadataBytes > 0 && !metadata.extended();
        metadataStride = separate ? metadataBytes : blockStride;
        metadataOffset = separate ? alignUp(dataBytes) : blockBytes;
        slotBytes = separate ? metadataOffset + ioBlocks * metadataBytes : dataBytes;
        hostProtects = isProtected && !protection.byController();
        checked = hostProtects && protection.checksAnything()
                ? new ProtectionFormat(
                        metadata.protectionType(), metadata.protectionFirst(), blockBytes, metadata.bytes())
                : null;
        // As SPDK's: who reads with the other tool finds the tag it looks for.
        applicationTag = isProtected ? ioBlocks & 0xFFFF : 0;
        applicationTagMask = isProtected ? 0xFFFF : 0;
        plain = ioFlags == 0 && !separate;
    }

    /** Of I/Os of this size on this namespace, which {@link #refusal} has nothing to say about. */
    static IoLayout of(PerfOptions options, NvmeNamespace namespace) {
        return new IoLayout(namespace, options.ioBytes(), options.protection());
    }

    /** Why these options and this namespace do not go together, or null. */
    static String refusal(PerfOptions options, NvmeNamespace namespace) {
        var metadata = namespace.metadata();
        var protection = options.protection();
        var slotBytes = (long) options.ioBytes() / namespace.blockBytes() * (namespace.blockBytes() + metadata.bytes());
        if (slotBytes > MAX_SLOT_BYTES) {
            return "an I/O takes " + slotBytes + " bytes with its metadata: allowed: at most " + MAX_SLOT_BYTES;
        }
        if (!metadata.isProtected()) {
            return null;
        }
        if (protection.checks(QueuePair.CHECK_REFERENCE_TAG) && metadata.protectionType() == 3) {
            return "-e PRCHK=REFTAG: its protection information is of type 3, which has no reference tag to check";
        }
        if (!protection.byController()
                && protection.checksAnything()
                && (metadata.protectionBytes() != MetadataFormat.PROTECTION_BYTES
                        || metadata.referenceTagBits() != MetadataFormat.REFERENCE_TAG_BITS)) {
            return "-e PRACT=0 with PRCHK: its protection information is not the one with a guard of 16 bits and no storage"
                    + " tag, which perf can make; PRACT=1 leaves it to the controller";
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

    /** Memory of an I/O. */
    int slotBytes() {
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

    long blockAt(int block) {
        return (long) block * blockStride;
    }

    /** Bytes of metadata of a block that are not protection information, and travel; the verified run fills them. */
    int freeMetadataBytes() {
        return metadataBytes == 0 ? 0 : metadataBytes - (metadata.isProtected() ? metadata.protectionBytes() : 0);
    }

    long freeMetadataAt(int block) {
        var first = metadata.isProtected() && metadata.protectionFirst() ? metadata.protectionBytes() : 0;
        return metadataAt(block) + first;
    }

    /** Fills what a command needs beyond {@link QueuePair#read}; allocates nothing. */
    BlockTransfer describe(BlockTransfer transfer, int nsid, long slba, DmaMemory memory, long slot) {
        transfer.of(nsid, slba, ioBlocks).data(memory, slot).ioFlags(ioFlags);
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
            checked.protect(
                    memory,
                    slot,
                    blockStride,
                    memory,
                    slot + metadataOffset,
                    metadataStride,
                    ioBlocks,
                    (int) slba,
                    applicationTag);
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
        return checked.check(
                memory,
                slot,
                blockStride,
                memory,
                slot + metadataOffset,
                metadataStride,
                ioBlocks,
                ioFlags,
                (int) slba,
                ProtectionInformation.tagDword(applicationTag, applicationTagMask));
    }

    private long metadataAt(int block) {
        return metadataOffset + (long) block * metadataStride;
    }

    /** Of the first block: its address, as far as there is room for it. */
    private long referenceTag(long slba) {
        return slba & -1L >>> Long.SIZE - Math.max(1, metadata.referenceTagBits());
    }

    private static int alignUp(int bytes) {
        return bytes + METADATA_ALIGNMENT - 1 & -METADATA_ALIGNMENT;
    }
}
