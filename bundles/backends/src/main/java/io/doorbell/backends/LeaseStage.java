package io.doorbell.backends;

import io.doorbell.host.BlockTransfer;
import io.doorbell.host.DmaMemory;
import io.doorbell.host.DmaVector;
import io.doorbell.host.NvmCommand;
import io.doorbell.host.QueuePair;
import io.doorbell.nvme.DatasetManagementRange;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.storage.HostPieces;
import io.doorbell.storage.NvmRequest;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * How requests become commands of one leased queue pair, and how data get from and to its memory. It ends with the lease.
 * Owner: the reactor.
 *
 * <p>A request has its blocks as they are stored, metadata behind data; a device may have metadata in a buffer of its own.
 * Stored protection information is inverted ({@link io.doorbell.storage.NamespaceSession}), that of a device is not. A device may lack commands: then a Read and a look stand for Compare, a Read for Verify, a Write for Write Zeroes.
 */
final class LeaseStage {
    /** No memory is free for it now: as if the queue were full. */
    private static final int NO_ROOM = QueuePair.QUEUE_FULL;

    /** Of what the host says about a command, that which is handed on. */
    private static final int IO_FLAGS = QueuePair.FUA | QueuePair.LIMITED_RETRY;

    /** Deallocate, of Write Zeroes. */
    private static final int DEAC = 1 << 25;

    private static final int ATTRIBUTE_DEALLOCATE = DatasetManagementRange.ATTRIBUTE_DEALLOCATE;

    /** Data of one step, where it is not one command. */
    private static final int MAX_STEP_BYTES = 1 << 20;

    private static final int MAX_BLOCKS = 0x10000;

    /** Protection information with a guard of 16 bits. */
    private static final int PROTECTION_BYTES = 8;

    private static final ValueLayout.OfLong PROTECTION = ValueLayout.JAVA_LONG_UNALIGNED;

    final QueuePair pair;
    final LeaseBuffers buffers;
    private final DeviceNamespace device;
    private final int nsid;
    private final int blockBytes;
    private final int storedBytes;
    /** Of metadata in a buffer of its own. */
    private final int separateBytes;
    /** Of a block in the data of the device. */
    private final int dataBytes;
    /** Where in the metadata of a block protection information is; -1 where there is none. */
    private final int protectionAt;
    /** What is moved at once. */
    private final int stepBlocks;

    private final DmaVector vector;
    private final BlockTransfer transfer = new BlockTransfer();
    private final NvmCommand command = new NvmCommand();
    private final DatasetRanges ranges;

    /** @param blockCount what hosts have been told, which may be less than the device has by now */
    LeaseStage(QueuePair pair, LeaseBuffers buffers, DeviceNamespace device, long blockCount) {
        ranges = new DatasetRanges(blockCount);
        this.pair = pair;
        this.buffers = buffers;
        this.device = device;
        nsid = device.nsid();
        blockBytes = device.format().blockBytes();
        storedBytes = device.format().storedBytes();
        separateBytes = device.separateMetadataBytes();
        dataBytes = storedBytes - separateBytes;
        var format = device.format();
        int last = format.metadataBytes() - PROTECTION_BYTES;
        protectionAt = format.protection() == 0 ? -1 : format.protectionFirst() ? 0 : last;
        int most = Math.min(MAX_STEP_BYTES, buffers.size() / 2 * LeaseBuffers.CHUNK_BYTES) / dataBytes;
        // The metadata of a step are in one chunk.
        stepBlocks = separateBytes == 0 ? most : Math.min(most, LeaseBuffers.CHUNK_BYTES / separateBytes);
        vector = new DmaVector(buffers.size());
    }

    boolean isAlive() {
        return buffers.isAlive();
    }

    /** Stages the command, or its next step. Returns 0 or what {@link QueuePair} answers; nothing was staged then. */
    int stage(LeasedCommand c) {
        if (c.compare != null) {
            return stageFused(c);
        }
        int answer = switch (c.request.opc) {
            case NvmOpcode.READ -> stageTransfer(c, NvmOpcode.READ);
            case NvmOpcode.WRITE -> stageTransfer(c, NvmOpcode.WRITE);
            case NvmOpcode.COMPARE -> stageTransfer(c, device.compares() ? NvmOpcode.COMPARE : NvmOpcode.READ);
            case NvmOpcode.WRITE_ZEROES -> stageZeroes(c);
            case NvmOpcode.VERIFY -> stageVerify(c);
            case NvmOpcode.DATASET_MANAGEMENT -> stageRanges(c);
            default -> submit(c, command.reset(NvmOpcode.FLUSH, nsid), null, 0);
        };
        if (answer >= 0) {
            c.partsInFlight = 1;
        } else {
            buffers.release(c);
        }
        return answer;
    }

    private static long token(LeasedCommand c) {
        return (long) c.index << 1;
    }

    private int submit(LeasedCommand c, NvmCommand entry, DmaMemory data, int bytes) {
        return pair.submit(entry, data, 0, bytes, token(c));
    }

    private int stageZeroes(LeasedCommand c) {
        if (device.writeZeroesBlocks() == 0) {
            return stageTransfer(c, NvmOpcode.WRITE);
        }
        c.count = Math.min(c.request.blockCount - c.done, device.writeZeroesBlocks());
        int flags = IO_FLAGS | (device.deallocates() ? DEAC : 0);
        return submit(c, range(NvmOpcode.WRITE_ZEROES, c, flags), null, 0);
    }

    private int stageVerify(LeasedCommand c) {
        if (device.verifyBlocks() == 0) {
            return stageTransfer(c, NvmOpcode.READ);
        }
        c.count = Math.min(c.request.blockCount - c.done, device.verifyBlocks());
        return submit(c, range(NvmOpcode.VERIFY, c, IO_FLAGS), null, 0);
    }

    private NvmCommand range(int opc, LeasedCommand c, int flags) {
        command.reset(opc, nsid).slba(c.request.slba + c.done);
        command.cdw12 = c.request.cdw12 & flags | c.count - 1;
        return command;
    }

    /** The ranges were good when the request came. */
    private int stageRanges(LeasedCommand c) {
        if (!buffers.take(c, 1)) {
            return NO_ROOM;
        }
        var chunk = buffers.chunk(c.chunks[0]);
        if (ranges.load(c.request) != Status.SUCCESS) {
            throw new IllegalStateException("the host has changed them since");
        }
        int bytes = ranges.copyTo(chunk.segment());
        c.count = 0;
        command.reset(NvmOpcode.DATASET_MANAGEMENT, nsid);
        command.cdw10 = ranges.count() - 1;
        command.cdw11 = ATTRIBUTE_DEALLOCATE;
        return submit(c, command, chunk, bytes);
    }

    private int stageTransfer(LeasedCommand c, int opc) {
        c.count = Math.min(Math.min(c.request.blockCount - c.done, stepBlocks), MAX_BLOCKS);
        int bytes = c.count * dataBytes;
        int dataChunks = (bytes + LeaseBuffers.CHUNK_BYTES - 1) / LeaseBuffers.CHUNK_BYTES;
        if (!buffers.take(c, dataChunks + (separateBytes == 0 ? 0 : 1))) {
            return NO_ROOM;
        }
        prepare(c, opc);
        int flags = c.request.cdw12 & IO_FLAGS;
        long slba = c.request.slba + c.done;
        if (c.chunkCount == 1 && opc != NvmOpcode.COMPARE) {
            var chunk = buffers.chunk(c.chunks[0]);
            return opc == NvmOpcode.READ
                    ? pair.read(nsid, slba, c.count, chunk, 0, flags, token(c))
                    : pair.write(nsid, slba, c.count, chunk, 0, flags, token(c));
        }
        vector.clear();
        for (int i = 0, left = bytes; i < dataChunks; i++, left -= LeaseBuffers.CHUNK_BYTES) {
            vector.add(buffers.chunk(c.chunks[i]), 0, Math.min(left, LeaseBuffers.CHUNK_BYTES));
        }
        transfer.of(nsid, slba, c.count).data(vector).ioFlags(flags);
        if (separateBytes != 0) {
            transfer.metadata(buffers.chunk(c.chunks[dataChunks]), 0);
        }
        return pair.transfer(opc, transfer, token(c));
    }

    private void prepare(LeasedCommand c, int opc) {
        if (c.request.opc == NvmOpcode.WRITE_ZEROES) {
            zero(c);
            invertProtection(c);
        } else if (opc != NvmOpcode.READ) {
            fetch(c);
        } else if (!device.fillsBuffers()) {
            zero(c);
        }
    }

    // Fused pairs: side by side in the queue, which is ours alone.

    private int stageFused(LeasedCommand c) {
        if (buffers.fusedTaken || pair.inFlight() > pair.depth() - 2) {
            return NO_ROOM;
        }
        c.count = c.request.blockCount;
        fetchFused(c.compare, 0, c.count);
        fetchFused(c.request, 1, c.count);
        int answer = submitFused(c, c.compare, NvmOpcode.COMPARE, SubmissionEntry.FUSE_FIRST, 0);
        if (answer < 0) {
            return answer;
        }
        buffers.fusedTaken = true;
        c.partsInFlight = 1;
        try {
            answer = submitFused(c, c.request, NvmOpcode.WRITE, SubmissionEntry.FUSE_SECOND, 1);
        } catch (IllegalStateException fenced) {
            answer = QueuePair.LEASE_REVOKED;
        }
        if (answer >= 0) {
            c.partsInFlight = 2;
        } else {
            // The lease ends between the two: the first will be handed back.
            c.status = Status.ABORTED_SQ_DELETION;
        }
        return answer;
    }

    private int submitFused(LeasedCommand c, NvmRequest half, int opc, int fuse, int which) {
        command.reset(opc, nsid).slba(half.slba);
        command.flags = fuse;
        command.cdw12 = half.cdw12 & IO_FLAGS | c.count - 1;
        boolean compare = which == 0;
        return pair.submit(
                command,
                buffers.fused[which],
                0,
                c.count * dataBytes,
                separateBytes == 0 ? null : buffers.fusedMetadata[which],
                0,
                c.count * separateBytes,
                token(c) | (compare ? 1 : 0));
    }

    private void fetchFused(NvmRequest half, int which, int blocks) {
        var data = buffers.fused[which].segment();
        if (separateBytes == 0) {
            half.copyFromHost(0, data, 0, (long) blocks * storedBytes);
            for (int i = 0; i < blocks && protectionAt >= 0; i++) {
                invert(data, (long) i * storedBytes + blockBytes + protectionAt);
            }
            return;
        }
        var metadata = buffers.fusedMetadata[which].segment();
        for (int i = 0; i < blocks; i++) {
            half.copyFromHost((long) i * storedBytes, data, (long) i * blockBytes, blockBytes);
            half.copyFromHost((long) i * storedBytes + blockBytes, metadata, (long) i * separateBytes, separateBytes);
            if (protectionAt >= 0) {
                invert(metadata, (long) i * separateBytes + protectionAt);
            }
        }
    }

    void fusedEnded() {
        buffers.fusedTaken = false;
    }

    // What the device has done.

    /** The step has succeeded. Returns the status of the whole, or PENDING when there is another step. */
    int finish(LeasedCommand c) {
        if (c.compare != null) {
            return Status.SUCCESS;
        }
        switch (c.request.opc) {
            case NvmOpcode.READ -> deliver(c);
            case NvmOpcode.COMPARE -> {
                if (!device.compares()) {
                    invertProtection(c);
                    if (!isEqual(c)) {
                        return Status.COMPARE_FAILURE | Status.DNR;
                    }
                }
            }
            case NvmOpcode.FLUSH, NvmOpcode.DATASET_MANAGEMENT -> {
                return Status.SUCCESS;
            }
            default -> {}
        }
        c.done += c.count;
        return c.done < c.request.blockCount ? NvmRequest.PENDING : Status.SUCCESS;
    }

    // Data.

    private MemorySegment segment(LeasedCommand c, int chunk) {
        return buffers.chunk(c.chunks[chunk]).segment();
    }

    private void zero(LeasedCommand c) {
        for (int i = 0; i < c.chunkCount; i++) {
            segment(c, i).fill((byte) 0);
        }
    }

    private void fetch(LeasedCommand c) {
        move(c, false);
        invertProtection(c);
    }

    private void deliver(LeasedCommand c) {
        invertProtection(c);
        move(c, true);
    }

    private void invertProtection(LeasedCommand c) {
        if (protectionAt < 0) {
            return;
        }
        for (int i = 0; i < c.count; i++) {
            if (separateBytes != 0) {
                invert(segment(c, c.chunkCount - 1), i * separateBytes + protectionAt);
            } else {
                // Eight bytes never lie in two chunks: all sizes are multiples of eight.
                int at = i * storedBytes + blockBytes + protectionAt;
                invert(segment(c, at / LeaseBuffers.CHUNK_BYTES), at % LeaseBuffers.CHUNK_BYTES);
            }
        }
    }

    private static void invert(MemorySegment segment, long at) {
        segment.set(PROTECTION, at, ~segment.get(PROTECTION, at));
    }

    private void move(LeasedCommand c, boolean toHost) {
        long from = (long) c.done * storedBytes;
        if (separateBytes == 0) {
            int left = c.count * storedBytes;
            for (int i = 0; left > 0; i++) {
                int part = Math.min(left, LeaseBuffers.CHUNK_BYTES);
                copy(c.request, from, segment(c, i), 0, part, toHost);
                from += part;
                left -= part;
            }
            return;
        }
        var metadata = segment(c, c.chunkCount - 1);
        for (int i = 0; i < c.count; i++) {
            int at = i * blockBytes; // A chunk has a whole number of blocks.
            var data = segment(c, at / LeaseBuffers.CHUNK_BYTES);
            copy(c.request, from, data, at % LeaseBuffers.CHUNK_BYTES, blockBytes, toHost);
            copy(c.request, from + blockBytes, metadata, (long) i * separateBytes, separateBytes, toHost);
            from += storedBytes;
        }
    }

    private static void copy(HostPieces host, long from, MemorySegment chunk, long at, int bytes, boolean toHost) {
        if (toHost) {
            host.copyToHost(from, chunk, at, bytes);
        } else {
            host.copyFromHost(from, chunk, at, bytes);
        }
    }

    /** Looks, where the device cannot. */
    private boolean isEqual(LeasedCommand c) {
        var wanted = MemorySegment.ofArray(new byte[storedBytes]);
        var found = MemorySegment.ofArray(new byte[storedBytes]);
        for (int i = 0; i < c.count; i++) {
            c.request.copyFromHost((long) (c.done + i) * storedBytes, wanted, 0, storedBytes);
            stored(c, i, found);
            if (wanted.mismatch(found) >= 0) {
                return false;
            }
        }
        return true;
    }

    /** One block of a step, as it is stored. */
    private void stored(LeasedCommand c, int block, MemorySegment target) {
        int data = separateBytes == 0 ? storedBytes : blockBytes;
        long at = (long) block * data;
        for (int done = 0; done < data; ) {
            int inChunk = (int) ((at + done) % LeaseBuffers.CHUNK_BYTES);
            int part = Math.min(data - done, LeaseBuffers.CHUNK_BYTES - inChunk);
            MemorySegment.copy(segment(c, (int) ((at + done) / LeaseBuffers.CHUNK_BYTES)), inChunk, target, done, part);
            done += part;
        }
        if (separateBytes != 0) {
            MemorySegment.copy(
                    segment(c, c.chunkCount - 1), (long) block * separateBytes, target, blockBytes, separateBytes);
        }
    }
}
