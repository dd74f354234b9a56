package io.doorbell.emulator;

import io.doorbell.nvme.SglDescriptor;
import io.doorbell.nvme.Status;
import io.doorbell.storage.HostPieces;
import java.lang.foreign.MemorySegment;

/**
 * Scatter gather lists of a command. NVMe Base 2.1 §4.3.2 "Scatter Gather List (SGL)". Data blocks, segments and bit buckets;
 * keyed and transport data blocks are for fabrics. The lengths have to add up to what the command moves: SGLS does not offer more.
 * Owner: the device's reactor.
 */
final class SglWalker {
    /** The most segments a list may have, and the most descriptors: a list that leads back to itself ends here. */
    static final int MAX_SEGMENTS = 64;

    static final int MAX_DESCRIPTORS = 4096;

    private final DmaWindow data;
    private final DmaWindow lists;
    private final MemorySegment bitBucket;

    // Of the walk under way.
    private HostPieces pieces;
    private boolean toHost;
    private long left;
    private int descriptors;

    SglWalker(DmaWindow data, DmaWindow lists, MemorySegment bitBucket) {
        this.data = data;
        this.lists = lists;
        this.bitBucket = bitBucket;
    }

    /** Adds {@code bytes} of metadata from the one descriptor that stands at {@code iova}. Returns a status. */
    int walkMetadata(HostPieces metadata, int bytes, boolean toHost, long iova) {
        if ((iova & 7) != 0) {
            return Status.INVALID_SGL_SEGMENT_DESCRIPTOR;
        }
        if (!lists.find(iova, SglDescriptor.SIZE_BYTES)) {
            return Status.DATA_TRANSFER_ERROR;
        }
        long offset = iova - lists.start;
        int identifier = SglDescriptor.identifier(lists.segment, offset);
        long high = (long) identifier << 56 | SglDescriptor.length(lists.segment, offset);
        int status = walk(metadata, bytes, toHost, SglDescriptor.address(lists.segment, offset), high);
        return status == Status.DATA_SGL_LENGTH_INVALID ? Status.METADATA_SGL_LENGTH_INVALID : status;
    }

    /** Adds the pieces of {@code bytes} bytes. {@code low} and {@code high} are the first descriptor. Returns a status. */
    int walk(HostPieces pieces, int bytes, boolean toHost, long low, long high) {
        left = bytes;
        descriptors = 0;
        this.pieces = pieces;
        this.toHost = toHost;
        int status = walk(low, high);
        this.pieces = null;
        return status;
    }

    private int walk(long low, long high) {
        int identifier = identifier(high);
        if (!isSegment(identifier)) {
            int status = block(identifier, low, length(high));
            return status == Status.SUCCESS && left != 0 ? Status.DATA_SGL_LENGTH_INVALID : status;
        }
        long address = low;
        long bytes = length(high);
        for (int segments = 0; segments < MAX_SEGMENTS; segments++) {
            if (SglDescriptor.subtype(identifier) != SglDescriptor.SUBTYPE_ADDRESS) {
                return Status.SGL_DESCRIPTOR_TYPE_INVALID;
            }
            boolean last = SglDescriptor.type(identifier) == SglDescriptor.TYPE_LAST_SEGMENT;
            if (bytes == 0 || bytes % SglDescriptor.SIZE_BYTES != 0 || (address & 7) != 0) {
                return Status.INVALID_SGL_SEGMENT_DESCRIPTOR;
            }
            int count = (int) (bytes / SglDescriptor.SIZE_BYTES);
            if (descriptors + (long) count > MAX_DESCRIPTORS) {
                return Status.INVALID_NUMBER_OF_SGL_DESCRIPTORS;
            }
            if (!lists.find(address, bytes)) {
                return Status.DATA_TRANSFER_ERROR;
            }
            var list = lists.segment;
            long offset = address - lists.start;
            int blocks = last ? count : count - 1;
            for (int i = 0; i < count; i++, offset += SglDescriptor.SIZE_BYTES) {
                // Each descriptor is read once: the host can change it while we look.
                address = SglDescriptor.address(list, offset);
                bytes = SglDescriptor.length(list, offset);
                identifier = SglDescriptor.identifier(list, offset);
                if (i == blocks) {
                    break;
                }
                if (isSegment(identifier)) {
                    return last ? Status.INVALID_SGL_SEGMENT_DESCRIPTOR : Status.INVALID_NUMBER_OF_SGL_DESCRIPTORS;
                }
                int status = block(identifier, address, bytes);
                if (status != Status.SUCCESS) {
                    return status;
                }
            }
            descriptors += count;
            if (last) {
                return left == 0 ? Status.SUCCESS : Status.DATA_SGL_LENGTH_INVALID;
            }
            if (!isSegment(identifier)) {
                return Status.INVALID_SGL_SEGMENT_DESCRIPTOR;
            }
        }
        return Status.INVALID_NUMBER_OF_SGL_DESCRIPTORS;
    }

    private int block(int identifier, long address, long bytes) {
        if (SglDescriptor.subtype(identifier) != SglDescriptor.SUBTYPE_ADDRESS) {
            return Status.SGL_DESCRIPTOR_TYPE_INVALID;
        }
        switch (SglDescriptor.type(identifier)) {
            case SglDescriptor.TYPE_DATA_BLOCK -> {
                if (bytes > left) {
                    return Status.DATA_SGL_LENGTH_INVALID;
                }
                left -= bytes;
                return HostData.addRange(pieces, data, address, bytes) ? Status.SUCCESS : Status.DATA_TRANSFER_ERROR;
            }
            case SglDescriptor.TYPE_BIT_BUCKET -> {
                // In the list of a source (a write) it is to be ignored.
                return toHost ? discard(bytes) : Status.SUCCESS;
            }
            default -> {
                return Status.SGL_DESCRIPTOR_TYPE_INVALID;
            }
        }
    }

    private int discard(long bytes) {
        if (bytes > left) {
            return Status.DATA_SGL_LENGTH_INVALID;
        }
        left -= bytes;
        for (long rest = bytes; rest > 0; ) {
            int part = (int) Math.min(rest, bitBucket.byteSize());
            pieces.addPiece(bitBucket, 0, part);
            rest -= part;
        }
        return Status.SUCCESS;
    }

    private static boolean isSegment(int identifier) {
        int type = SglDescriptor.type(identifier);
        return type == SglDescriptor.TYPE_SEGMENT || type == SglDescriptor.TYPE_LAST_SEGMENT;
    }

    private static int identifier(long high) {
        return (int) (high >>> 56);
    }

    private static long length(long high) {
        return high & 0xFFFF_FFFFL;
    }
}
