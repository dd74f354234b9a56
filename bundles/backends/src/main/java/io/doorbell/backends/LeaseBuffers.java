package io.doorbell.backends;

import io.doorbell.host.DmaMemory;
import io.doorbell.lease.QueuePairLease;

/**
 * Memory of one lease in which the device finds and leaves data, in chunks; it ends with the lease. Owner: the reactor.
 */
final class LeaseBuffers {
    /** Whole pages, so that a list of chunks can be described by PRPs. */
    static final int CHUNK_BYTES = 16 << 10;

    /** Metadata of the blocks of a fused pair: at most 64 bytes for each 512. */
    private static final int FUSED_METADATA_BYTES = DeviceNamespace.FUSED_BYTES / 512 * 64;

    private final DmaMemory[] chunks;
    private final int[] free;
    private int count;
    private final DmaMemory memory;

    // One fused pair at a time: what it compares and what it writes, in one piece each.
    final DmaMemory[] fused = new DmaMemory[2];
    final DmaMemory[] fusedMetadata = new DmaMemory[2];
    boolean fusedTaken;

    LeaseBuffers(QueuePairLease lease, int bytes) {
        int number = bytes / CHUNK_BYTES;
        long fusedAt = (long) number * CHUNK_BYTES;
        long metadataAt = fusedAt + 2L * DeviceNamespace.FUSED_BYTES;
        memory = lease.allocate(metadataAt + 2L * FUSED_METADATA_BYTES);
        chunks = new DmaMemory[number];
        free = new int[number];
        for (int i = 0; i < number; i++) {
            chunks[i] = slice((long) i * CHUNK_BYTES, CHUNK_BYTES);
            free[i] = number - 1 - i;
        }
        count = number;
        for (int i = 0; i < 2; i++) {
            fused[i] = slice(fusedAt + (long) i * DeviceNamespace.FUSED_BYTES, DeviceNamespace.FUSED_BYTES);
            fusedMetadata[i] = slice(metadataAt + (long) i * FUSED_METADATA_BYTES, FUSED_METADATA_BYTES);
        }
    }

    private DmaMemory slice(long offset, long bytes) {
        return new DmaMemory(memory.segment().asSlice(offset, bytes), memory.iova() + offset);
    }

    /** Whether the lease has not been fenced. */
    boolean isAlive() {
        return memory.segment().scope().isAlive();
    }

    DmaMemory chunk(int index) {
        return chunks[index];
    }

    int size() {
        return chunks.length;
    }

    /** Gives a command so many chunks, or none and false. */
    boolean take(LeasedCommand command, int number) {
        if (number > count) {
            return false;
        }
        command.room(number);
        for (int i = 0; i < number; i++) {
            command.chunks[i] = free[--count];
        }
        command.chunkCount = number;
        return true;
    }

    void release(LeasedCommand command) {
        for (int i = 0; i < command.chunkCount; i++) {
            free[count++] = command.chunks[i];
        }
        command.chunkCount = 0;
    }
}
