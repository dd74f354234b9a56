package io.doorbell.driver;

import io.doorbell.host.BlockTransfer;
import io.doorbell.host.DmaMemory;
import io.doorbell.host.MetadataFormat;
import io.doorbell.host.NvmCommand;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.PrpMath;
import io.doorbell.nvme.SubmissionEntry;

/**
 * The half of a queue pair that writes commands: checks them, splits them, puts them where the transport takes them from.
 *
 * <p>Owner: the thread given by {@link DriverQueuePairControl#own}; but for {@link #formats} all state is its own.
 *
 * <p>Why the submission queue cannot overflow without a look at SQHD: a controller fetches in order, and ends only
 * what it has fetched. Entries it has not fetched are therefore commands in flight, and of those there is one less than
 * the queue has entries, so the tail never reaches the controller's head. SQHD may lag behind (it is from when the
 * completion was made), so it could only make us wait for what has long happened: it is not looked at.
 */
public abstract class StagingQueuePair extends TrackedQueuePair {
    public static final int ENTRY_SHIFT = Integer.numberOfTrailingZeros(SubmissionEntry.SIZE_BYTES);

    private final int maxTransferBytes;

    /** Replaced by the control plane when namespaces change. */
    private BlockFormats formats;

    protected long submitted;

    /** Entries written beyond one for each that was submitted. */
    protected long moreEntries;

    /** For reads and writes that turn out not to be plain. */
    private final BlockTransfer unusual = new BlockTransfer();

    private final DataPointers pointers;

    protected StagingQueuePair(QueuePairParts parts, DataPointers pointers) {
        super(parts);
        formats = parts.formats();
        maxTransferBytes = parts.maxTransferBytes();
        this.pointers = pointers;
    }

    /**
     * Writes the entry of a read, write or compare with its data in one piece and all else zero. What {@link DataPointers#contiguous}
     * and {@link #written} do for the others is done here too.
     *
     * @param fuse one of {@code SubmissionEntry.FUSE_}…
     */
    protected abstract void encode(
            long entry,
            int opc,
            int fuse,
            int cid,
            int nsid,
            long slba,
            int blockCount,
            int ioFlags,
            long iova,
            long bytes);

    @Override
    public final int maxTransferBytes() {
        return maxTransferBytes;
    }

    /** The control plane: any thread. */
    public final void formats(BlockFormats now) {
        formats = now;
    }

    @Override
    public final int read(
            int nsid, long slba, int blockCount, DmaMemory data, long dataOffset, int ioFlags, long token) {
        return plain(NvmOpcode.READ, nsid, slba, blockCount, data, dataOffset, ioFlags, token);
    }

    @Override
    public final int write(
            int nsid, long slba, int blockCount, DmaMemory data, long dataOffset, int ioFlags, long token) {
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
        // The entry first, and our own notes when nothing can throw any more: a command whose stores met a closed arena
        // was not accepted.
        encode(entry(0, cid), opc, SubmissionEntry.FUSE_NONE, cid, nsid, slba, blockCount, ioFlags, iova, bytes);
        begin(cid, token);
        return 0;
    }

    @Override
    public final int transfer(int opc, BlockTransfer transfer, long token) {
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
            long entry = entry(i, cid);
            encodePart(entry, opc, cid, transfer, metadata, done, count);
            written(entry, cid);
            done += count;
        }
        if (parts == 1) {
            begin(trackers.nextId(0), token);
        } else {
            beginParts(token, parts);
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
            long entry, int opc, int cid, BlockTransfer transfer, MetadataFormat metadata, int done, int count) {
        long slba = transfer.slba + done;
        long tag = transfer.referenceTag;
        if (done != 0 && metadata.countsBlocks()) {
            // It wraps in its own bits; the storage tag above it is the same for all blocks.
            long mask = -1L >>> Long.SIZE - Math.max(1, metadata.referenceTagBits());
            tag = tag & ~mask | tag + done & mask;
        }
        SubmissionEntry.encode(
                submission,
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
        SubmissionEntry.cdw3(submission, entry, (int) (tag >>> 32));
    }

    /** The command whose entry is written is in flight from here on. Nothing here throws. */
    private void begin(int cid, long token) {
        if (injection != null) {
            beginInjected(cid, token);
            return;
        }
        trackers.begin(cid, token, clock.millis);
        staged(cid);
        submitted++;
    }

    private void beginInjected(int cid, long token) {
        int mark = stagedMark();
        var error = injection.take(this, cid);
        trackers.begin(cid, token, clock.millis);
        staged(cid);
        submitted++;
        if (error != null) {
            injection.apply(this, error, mark, trackers.slot(cid));
        }
    }

    /** The same for the next so many, which are one command. */
    private void beginParts(long token, int parts) {
        int mark = stagedMark();
        var error = injection == null ? null : injection.take(this, trackers.nextId(0));
        var slots = error == null ? null : new int[parts];
        int parent = trackers.beginParent(token, parts);
        for (int i = 0; i < parts; i++) {
            int cid = trackers.nextId(0);
            trackers.beginPart(cid, parent, clock.millis);
            staged(cid);
            if (slots != null) {
                slots[i] = trackers.slot(cid);
            }
        }
        submitted++;
        moreEntries += parts - 1;
        if (error != null) {
            injection.apply(this, error, mark, slots);
        }
    }

    @Override
    public final int submit(NvmCommand command, DmaMemory data, long dataOffset, int dataBytes, long token) {
        return submit(command, data, dataOffset, dataBytes, null, 0, 0, token);
    }

    @Override
    public final int submit(
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
        int slot = trackers.slot(cid);
        boolean separate = metadata != null && metadataBytes != 0;
        long metadataIova = separate ? iova(metadata, metadataOffset, metadataBytes) : 0;
        if (data != null && dataBytes > 0) {
            long iova = within(data, dataOffset, dataBytes);
            pointers.contiguous(slot, iova, dataBytes, metadataIova, separate ? metadataBytes : 0);
        } else {
            pointers.none(slot);
            pointers.mptr = metadataIova;
        }
        long entry = entry(0, cid);
        SubmissionEntry.encode(
                submission,
                entry,
                command.opc,
                SubmissionEntry.flags(command.flags, pointers.psdt),
                cid,
                command.nsid,
                pointers.mptr,
                pointers.first,
                pointers.second,
                command.cdw10,
                command.cdw11,
                command.cdw12,
                command.cdw13,
                command.cdw14,
                command.cdw15);
        SubmissionEntry.cdw2(submission, entry, command.cdw2);
        SubmissionEntry.cdw3(submission, entry, command.cdw3);
        written(entry, cid);
        begin(cid, token);
        return 0;
    }

    @Override
    public final int compareAndWrite(
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
        // Side by side in the queue, and told to the controller together: no commit comes between, we are its thread.
        int first = trackers.nextId(0);
        int second = trackers.nextId(1);
        int one = SubmissionEntry.FUSE_FIRST;
        int two = SubmissionEntry.FUSE_SECOND;
        encode(entry(0, first), NvmOpcode.COMPARE, one, first, nsid, slba, blockCount, 0, compareIova, bytes);
        encode(entry(1, second), NvmOpcode.WRITE, two, second, nsid, slba, blockCount, 0, writeIova, bytes);
        beginParts(token, 2);
        return 0;
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
