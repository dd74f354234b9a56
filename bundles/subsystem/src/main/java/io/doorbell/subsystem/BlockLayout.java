package io.doorbell.subsystem;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.doorbell.nvme.ProtectionFormat;
import io.doorbell.nvme.ProtectionInformation;
import io.doorbell.nvme.Status;
import io.doorbell.storage.BlockFormat;
import io.doorbell.storage.HostPieces;
import io.doorbell.storage.NvmRequest;
import java.lang.foreign.MemorySegment;

/**
 * Blocks with metadata, as a host moves them and as a store has them: in a store the metadata of a block is behind its data.
 *
 * <p>A store has protection information inverted. Blocks that were never written, or deallocated, are zeroes there, and so
 * read with all bits of it set, which is what the specification wants of them: such a block is not checked.
 */
final class BlockLayout {
    final BlockFormat format;
    /** Null without protection information. */
    final ProtectionFormat protection;

    private final int dataBytes;
    private final int metadataBytes;
    private final int storedBytes;

    BlockLayout(BlockFormat format) {
        this.format = format;
        protection = format.protectionFormat();
        dataBytes = format.blockBytes();
        metadataBytes = format.metadataBytes();
        storedBytes = format.storedBytes();
    }

    /** Whether a host moves no metadata with a command, since there is only what the controller makes or checks itself. */
    boolean isStripped(int cdw12) {
        return protection != null && protection.isAllMetadata() && (cdw12 & ProtectionInformation.PRACT) != 0;
    }

    /** What a block takes in the data of a command. */
    int dataBytes(int cdw12) {
        return format.extended() && !isStripped(cdw12) ? storedBytes : dataBytes;
    }

    /** What a block takes in the metadata buffer of a command. */
    int separateBytes(int cdw12) {
        return format.extended() || isStripped(cdw12) ? 0 : metadataBytes;
    }

    /** Brings blocks from the host to {@code at}, as a store has them but for the protection information, which is as it came. */
    void fromHost(NvmRequest host, MemorySegment buffer, long at, int blocks) {
        if (dataBytes(host.cdw12) == storedBytes) {
            host.copyFromHost(0, buffer, at, (long) blocks * storedBytes);
            return;
        }
        // All at the end, then each to its place: none goes further back than the next one begins.
        long source = at + (long) blocks * metadataBytes;
        host.copyFromHost(0, buffer, source, (long) blocks * dataBytes);
        var metadata = separateBytes(host.cdw12) == 0 ? null : host.metadata;
        for (int i = 0; i < blocks; i++) {
            long block = at + (long) i * storedBytes;
            MemorySegment.copy(buffer, source + (long) i * dataBytes, buffer, block, dataBytes);
            if (metadata == null) {
                buffer.asSlice(block + dataBytes, metadataBytes).fill((byte) 0);
            } else {
                metadata.copyFromHost((long) i * metadataBytes, buffer, block + dataBytes, metadataBytes);
            }
        }
    }

    /** Takes blocks from {@code at} to the host; what is in the buffer is used up. */
    void toHost(NvmRequest host, MemorySegment buffer, long at, int blocks) {
        if (dataBytes(host.cdw12) == storedBytes) {
            host.copyToHost(0, buffer, at, (long) blocks * storedBytes);
            return;
        }
        HostPieces metadata = separateBytes(host.cdw12) == 0 ? null : host.metadata;
        for (int i = 0; i < blocks; i++) {
            long block = at + (long) i * storedBytes;
            if (metadata != null) {
                metadata.copyToHost((long) i * metadataBytes, buffer, block + dataBytes, metadataBytes);
            }
            MemorySegment.copy(buffer, block, buffer, at + (long) i * dataBytes, dataBytes);
        }
        host.copyToHost(0, buffer, at, (long) blocks * dataBytes);
    }

    /** Makes the protection information of blocks. */
    void protect(MemorySegment buffer, long at, int blocks, int firstReferenceTag, int applicationTag) {
        protection.protect(
                buffer,
                at,
                storedBytes,
                buffer,
                at + dataBytes,
                storedBytes,
                blocks,
                firstReferenceTag,
                applicationTag);
    }

    /** Checks the protection information of blocks as a command with these dwords wants. Returns a status. */
    int check(MemorySegment buffer, long at, int blocks, int cdw12, int firstReferenceTag, int cdw15) {
        if (protection == null) {
            return Status.SUCCESS;
        }
        return protection.check(
                buffer, at, storedBytes, buffer, at + dataBytes, storedBytes, blocks, cdw12, firstReferenceTag, cdw15);
    }

    /** From what a host has to what a store has, and back. */
    void invert(MemorySegment buffer, long at, int blocks) {
        if (protection == null) {
            return;
        }
        long tuple = at + dataBytes + protection.tupleOffset();
        for (int i = 0; i < blocks; i++, tuple += storedBytes) {
            buffer.set(JAVA_LONG_UNALIGNED, tuple, ~buffer.get(JAVA_LONG_UNALIGNED, tuple));
        }
    }

    /** Whether blocks are the same, but for the protection information where {@code stripped}. */
    boolean isEqual(MemorySegment buffer, long one, long other, int blocks, boolean stripped) {
        if (!stripped) {
            long bytes = (long) blocks * storedBytes;
            return MemorySegment.mismatch(buffer, one, one + bytes, buffer, other, other + bytes) < 0;
        }
        // Nothing but protection information is metadata then.
        for (int i = 0; i < blocks; i++) {
            long a = one + (long) i * storedBytes;
            long b = other + (long) i * storedBytes;
            if (MemorySegment.mismatch(buffer, a, a + dataBytes, buffer, b, b + dataBytes) >= 0) {
                return false;
            }
        }
        return true;
    }
}
