package io.doorbell.pcie;

import io.doorbell.host.BlockTransfer;
import io.doorbell.host.DmaMemory;
import io.doorbell.host.MetadataFormat;
import io.doorbell.host.NvmCommand;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.PrpMath;
import io.doorbell.nvme.SubmissionEntry;
import java.lang.foreign.MemorySegment;

/**
 * The half of a queue pair that writes commands: checks them, splits them, puts them into the ring.
 *
 * <p>Owner: the thread given by {@link PcieQueuePairControl#own}; but for {@link #formats} all state is its own.
 *
 * <p>Why the submission ring cannot overflow without a look at SQHD: a controller fetches in order, and ends only
 * what it has fetched. Entries it has not fetched are therefore commands in flight, and of those there is one less than
 * the ring has entries, so the tail never reaches the controller's head. SQHD may lag behind (it is from when the
 * completion was made), so it could only make us wait for what has long happened: it is not looked at.
 */
abstract class StagingQueuePair extends OwnedQueuePair {
    static final int ENTRY_SHIFT = Integer.numberOfTrailingZeros(SubmissionEntry.SIZE_BYTES);

    final MemorySegment submissionRing;
    final Trackers trackers;
    final CoarseClock clock;
    final int entries;
    private final PrpLists prpLists;
    private final int maxTransferBytes;

    /** Data so long or longer is described by an SGL. */
    private final int sglFromBytes;

    /** Replaced by the control plane when namespaces change. */
    private BlockFormats formats;

    int tail;
    long submitted;

    /** Entries written to the ring beyond one for each that was submitted. */
    long moreEntries;

    /** For reads and writes that turn out not to be plain. */
    private final BlockTransfer unusual = new BlockTransfer();

    private final DataPointers pointers;

    StagingQueuePair(PcieQueuePair.Parts parts) {
        super(parts.name(), parts.interrupt());
        entries = parts.entries();
        submissionRing = parts.submissionRing();
        trackers = new Trackers(entries - 1);
        prpLists = parts.prpLists();
        formats = parts.formats();
        maxTransferBytes = parts.maxTransferBytes();
        clock = parts.clock();
        sglFromBytes = parts.sgl().fromBytes();
        pointers = new DataPointers(name, prpLists, parts.sgl());
    }

    @Override
    public int depth() {
        return trackers.depth();
    }

    @Override
    public int maxTransferBytes() {
        return maxTransferBytes;
    }

    /** The control plane: any thread. */
    final void formats(BlockFormats now) {
        formats = now;
    }

    @Override
    public int read(int nsid, long slba, int blockCount, DmaMemory data, long dataOffset, int ioFlags, long token) {
        return plain(NvmOpcode.READ, nsid, slba, blockCount, data, dataOffset, ioFlags, token);
    }

    @Override
    public int write(int nsid, long slba, int blockCount, DmaMemory data, long dataOffset, int ioFlags, long token) {
        return plain(NvmOpcode.WRITE, nsid, slba, blockCount, data, dataOffset, ioFlags, token);
    }

    /** One command, without metadata; what is not so goes the longer way. */
    private int plain(
            int opc, int nsid, long slba, int blockCount, DmaMemory data, long dataOffset, int ioFlags, long token) {
        if (submitter != Thread.currentThread()) {
            return refused();
        }
        var format = formats.of(nsid);
        if (format == null || blockCount <= 0) {
            throw noSuchBlocks(nsid, blockCount);
        }
        if (blockCount > format.plainBlocks()
                || format.boundaryBlocks() != 0 && blockCount > format.blocksToBoundary(slba)) {
            return transfer(
                    opc,
                    unusual.of(nsid, slba, blockCount).data(data, dataOffset).ioFlags(ioFlags),
                    token);
        }
        long bytes = (long) blockCount * format.blockBytes();
        long iova = data.iova() + dataOffset;
        if ((dataOffset | data.byteSize() - dataOffset - bytes) < 0 || (iova & PrpMath.ALIGNMENT_BYTES - 1) != 0) {
            return transfer(
                    opc,
                    unusual.of(nsid, slba, blockCount).data(data, dataOffset).ioFlags(ioFlags),
                    token);
        }
        if (trackers.freeCount == 0) {
            return QUEUE_FULL;
        }
        int cid = trackers.nextId(0);
        // The ring first, and our own notes when nothing can throw any more: a command whose stores met a closed arena
        // was not accepted.
        encode(tail, opc, 0, cid, nsid, slba, blockCount, ioFlags, iova, bytes);
        begin(cid, token);
        return 0;
    }

    @Override
    public int transfer(int opc, BlockTransfer transfer, long token) {
        if (submitter != Thread.currentThread()) {
            return refused();
        }
        int blockCount = transfer.blockCount;
        var format = formats.of(transfer.nsid);
        if (format == null || blockCount <= 0) {
            throw noSuchBlocks(transfer.nsid, blockCount);
        }
        var metadata = format.metadata();
        boolean bare = (transfer.ioFlags & PROTECTION_ACTION) != 0 && metadata.vanishesWithAction();
        int blockBytes = format.blockBytes() - (bare ? metadata.inDataBytes() : 0);
        int metadataBytes = bare ? 0 : metadata.separateBytes();
        var pieces = transfer.pieces();
        long bytes = (long) blockCount * blockBytes;
        long iova = pieces == null ? within(transfer.data(), transfer.dataOffset(), bytes) : 0;
        if (pieces != null && pieces.byteSize() < bytes) {
            throw new IllegalArgumentException(
                    name + ": " + bytes + " bytes, the pieces have " + pieces.byteSize() + " together");
        }
        long metadataIova = metadataBytes == 0 ? 0 : metadataIova(transfer, (long) blockCount * metadataBytes);

        int parts = parts(opc, format, transfer.slba, blockCount);
        if (parts > trackers.freeCount) {
            return QUEUE_FULL;
        }
        int next = tail;
        int done = 0;
        pointers.rewind();
        for (int i = 0; i < parts; i++) {
            int count = format.part(transfer.slba + done, blockCount - done);
            long partBytes = (long) count * blockBytes;
            long mptr = metadataIova + (long) done * metadataBytes;
            int cid = trackers.nextId(i);
            int slot = trackers.slot(cid);
            if (pieces == null) {
                pointers.contiguous(
                        slot, iova + (long) done * blockBytes, partBytes, mptr, (long) count * metadataBytes);
            } else {
                pointers.next(slot, pieces, partBytes, mptr, (long) count * metadataBytes);
            }
            encodePart(next, opc, cid, transfer, metadata, done, count);
            next = next(next);
            done += count;
        }
        if (parts == 1) {
            begin(trackers.nextId(0), token);
        } else {
            beginParts(token, parts, next);
        }
        return 0;
    }

    /** How many commands it takes; at least 1. */
    private int parts(int opc, BlockFormats.Format format, long slba, int blockCount) {
        if (format.mostBlocks() == 0) {
            throw new IllegalArgumentException(name + ": a block of namespace " + format.nsid() + " has "
                    + format.blockBytes() + " bytes, the device takes " + maxTransferBytes + " at once");
        }
        int parts = 0;
        for (int done = 0; done < blockCount && parts <= trackers.depth(); parts++) {
            done += format.part(slba + done, blockCount - done);
        }
        if (parts > trackers.depth()) {
            throw new IllegalArgumentException(name + ": " + blockCount + " blocks of namespace " + format.nsid()
                    + " take more commands than the " + trackers.depth() + " that may be in flight");
        }
        if (parts > 1 && opc != NvmOpcode.READ && opc != NvmOpcode.WRITE && opc != NvmOpcode.COMPARE) {
            throw new IllegalArgumentException(name + ": " + blockCount + " blocks take " + parts + " commands, and "
                    + NvmOpcode.name(opc) + " cannot be split");
        }
        return parts;
    }

    /** The blocks from {@code done} on, {@code count} of them, with the tags that are theirs. */
    private void encodePart(
            int entryIndex, int opc, int cid, BlockTransfer transfer, MetadataFormat metadata, int done, int count) {
        long entry = (long) entryIndex << ENTRY_SHIFT;
        long slba = transfer.slba + done;
        long tag = transfer.referenceTag;
        if (done != 0 && metadata.countsBlocks()) {
            // It wraps in its own bits; the storage tag above it is the same for all blocks.
            long mask = -1L >>> Long.SIZE - Math.max(1, metadata.referenceTagBits());
            tag = tag & ~mask | tag + done & mask;
        }
        SubmissionEntry.encode(
                submissionRing,
                entry,
                opc,
                SubmissionEntry.flags(SubmissionEntry.FUSE_NONE, pointers.psdt),
                cid,
                transfer.nsid,
                pointers.mptr,
                pointers.first,
                pointers.second,
                (int) slba,
                (int) (slba >>> 32),
                transfer.ioFlags & 0xFFFF_0000 | count - 1,
                transfer.cdw13,
                (int) tag,
                transfer.applicationTag & 0xFFFF | transfer.applicationTagMask << 16);
        SubmissionEntry.cdw3(submissionRing, entry, (int) (tag >>> 32));
    }

    /** The command in the entry at the tail is in flight from here on. Nothing here throws. */
    void begin(int cid, long token) {
        trackers.begin(cid, token, clock.millis);
        tail = next(tail);
        submitted++;
    }

    /** The same for those between the tail and {@code newTail}, which are one command. */
    void beginParts(long token, int parts, int newTail) {
        int parent = trackers.beginParent(token, parts);
        for (int i = 0; i < parts; i++) {
            trackers.beginPart(trackers.nextId(0), parent, clock.millis);
        }
        tail = newTail;
        submitted++;
        moreEntries += parts - 1;
    }

    @Override
    public int submit(NvmCommand command, DmaMemory data, long dataOffset, int dataBytes, long token) {
        return submit(command, data, dataOffset, dataBytes, null, 0, 0, token);
    }

    @Override
    public int submit(
            NvmCommand command,
            DmaMemory data,
            long dataOffset,
            int dataBytes,
            DmaMemory metadata,
            long metadataOffset,
            int metadataBytes,
            long token) {
        if (submitter != Thread.currentThread()) {
            return refused();
        }
        if (dataBytes < 0 || dataBytes > maxTransferBytes) {
            throw new IllegalArgumentException(
                    name + ": " + dataBytes + " bytes of data, the device takes 0 to " + maxTransferBytes);
        }
        if (trackers.freeCount == 0) {
            return QUEUE_FULL;
        }
        int cid = trackers.nextId(0);
        long iova = 0;
        long second = 0;
        int psdt = SubmissionEntry.PSDT_PRP;
        long mptr = metadata == null || metadataBytes == 0 ? 0 : iova(metadata, metadataOffset, metadataBytes);
        if (data != null && dataBytes > 0) {
            iova = within(data, dataOffset, dataBytes);
            pointers.contiguous(trackers.slot(cid), iova, dataBytes, mptr, mptr == 0 ? 0 : metadataBytes);
            second = pointers.second;
            psdt = pointers.psdt;
            mptr = pointers.mptr;
        }
        long entry = (long) tail << ENTRY_SHIFT;
        SubmissionEntry.encode(
                submissionRing,
                entry,
                command.opc,
                SubmissionEntry.flags(command.flags, psdt),
                cid,
                command.nsid,
                mptr,
                iova,
                second,
                command.cdw10,
                command.cdw11,
                command.cdw12,
                command.cdw13,
                command.cdw14,
                command.cdw15);
        SubmissionEntry.cdw2(submissionRing, entry, command.cdw2);
        SubmissionEntry.cdw3(submissionRing, entry, command.cdw3);
        begin(cid, token);
        return 0;
    }

    @Override
    public int compareAndWrite(
            int nsid,
            long slba,
            int blockCount,
            DmaMemory compare,
            long compareOffset,
            DmaMemory write,
            long writeOffset,
            long token) {
        if (submitter != Thread.currentThread()) {
            return refused();
        }
        var format = formats.of(nsid);
        if (format == null || blockCount <= 0) {
            throw noSuchBlocks(nsid, blockCount);
        }
        long bytes = (long) blockCount * format.blockBytes();
        if (blockCount > format.mostBlocks() || format.metadata().separateBytes() != 0) {
            throw new IllegalArgumentException(name + ": compare and write of " + bytes
                    + " bytes cannot be split, the device takes " + maxTransferBytes
                    + ", and has no metadata in a buffer of its own");
        }
        long compareIova = iova(compare, compareOffset, bytes);
        long writeIova = iova(write, writeOffset, bytes);
        if (trackers.depth() < 2) {
            throw new IllegalStateException(name + ": compare and write are two commands, but the depth is 1");
        }
        if (trackers.freeCount < 2) {
            return QUEUE_FULL;
        }
        // Side by side in the ring, and told to the device together: no commit comes between, we are its thread.
        int second = next(tail);
        int first = SubmissionEntry.FUSE_FIRST;
        encode(tail, NvmOpcode.COMPARE, first, trackers.nextId(0), nsid, slba, blockCount, 0, compareIova, bytes);
        int last = SubmissionEntry.FUSE_SECOND;
        encode(second, NvmOpcode.WRITE, last, trackers.nextId(1), nsid, slba, blockCount, 0, writeIova, bytes);
        beginParts(token, 2, next(second));
        return 0;
    }

    private void encode(
            int entryIndex,
            int opc,
            int fuse,
            int cid,
            int nsid,
            long slba,
            int blockCount,
            int ioFlags,
            long iova,
            long bytes) {
        long entry = (long) entryIndex << ENTRY_SHIFT;
        boolean sgl = bytes >= sglFromBytes;
        long second = sgl ? DataPointers.block(bytes) : prpLists.prp2(trackers.slot(cid), iova, bytes);
        int cdw12 = ioFlags & 0xFFFF_0000 | blockCount - 1;
        SubmissionEntry.encodeReadWrite(submissionRing, entry, opc, cid, nsid, slba, cdw12, iova, second);
        if (sgl || fuse != SubmissionEntry.FUSE_NONE) {
            int psdt = sgl ? SubmissionEntry.PSDT_SGL : SubmissionEntry.PSDT_PRP;
            SubmissionEntry.flags(submissionRing, entry, SubmissionEntry.flags(fuse, psdt));
        }
    }

    final int next(int entryIndex) {
        int next = entryIndex + 1;
        return next == entries ? 0 : next;
    }

    private long iova(DmaMemory data, long dataOffset, long bytes) {
        long iova = within(data, dataOffset, bytes);
        if ((iova & PrpMath.ALIGNMENT_BYTES - 1) != 0) {
            throw outside(data, dataOffset, bytes);
        }
        return iova;
    }

    private long within(DmaMemory data, long dataOffset, long bytes) {
        if ((dataOffset | data.byteSize() - dataOffset - bytes) < 0) {
            throw outside(data, dataOffset, bytes);
        }
        return data.iova() + dataOffset;
    }

    private IllegalArgumentException outside(DmaMemory data, long dataOffset, long bytes) {
        return new IllegalArgumentException(
                name + ": " + bytes + " bytes from byte " + dataOffset + " of " + data.byteSize() + " bytes at iova "
                        + Long.toHexString(data.iova()) + "h: must lie inside, dword aligned");
    }

    private long metadataIova(BlockTransfer transfer, long bytes) {
        if (transfer.metadata() == null) {
            throw new IllegalArgumentException(name + ": namespace " + Integer.toUnsignedString(transfer.nsid)
                    + " has metadata in a buffer of its own, of which " + bytes + " bytes are needed");
        }
        return iova(transfer.metadata(), transfer.metadataOffset(), bytes);
    }

    private IllegalArgumentException noSuchBlocks(int nsid, int blockCount) {
        return new IllegalArgumentException(
                formats.of(nsid) == null
                        ? name + ": there is no namespace " + Integer.toUnsignedString(nsid)
                        : name + ": " + blockCount + " blocks, at least 1 is needed");
    }
}
