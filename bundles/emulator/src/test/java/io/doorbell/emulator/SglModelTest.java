package io.doorbell.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.SglDescriptor;
import io.doorbell.nvme.Status;
import io.doorbell.platform.MappingOptions;
import io.doorbell.platform.NativeMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Lists of every kind, right and wrong, against a reader that has them as objects and knows nothing of memory. */
class SglModelTest {
    private static final int PAGE = 4096;
    private static final int LISTS = 16 * PAGE;
    private static final int DATA = 48 * PAGE;
    private static final int ROUNDS = 4_000;
    private static final long DISCARDED = -1;

    private final NativeMemory memory = NativeMemory.allocate(LISTS + DATA, MappingOptions.ORDINARY);
    private final MemorySegment all = memory.segment();
    private final long base = all.address();
    private final Iommu iommu = new Iommu();
    private final MemorySegment bitBucket = Arena.ofAuto().allocate(1000);
    private SplittableRandom random;

    // Of the round under way.
    private long freeListBytes;
    private final long[] addresses = new long[1 << 17];
    private int count;
    private int left;
    private boolean toHost;

    /** @param list what a segment leads to, or null */
    private record Descriptor(int type, int subtype, long address, long length, List<Descriptor> list) {
        boolean isSegment() {
            return type == SglDescriptor.TYPE_SEGMENT || type == SglDescriptor.TYPE_LAST_SEGMENT;
        }
    }

    SglModelTest() {
        iommu.map(all);
    }

    @AfterEach
    void free() {
        memory.close();
    }

    @Test
    void agreesWithTheModel() {
        random = Seed.random("SGL model");
        var seen = new int[0x20];
        for (int round = 0; round < ROUNDS; round++) {
            freeListBytes = 0;
            var first = random.nextInt(4) == 0 ? block() : segment(random.nextInt(4));
            toHost = random.nextBoolean();
            int bytes = wanted(first);

            var request = new EmulatedRequest(null);
            request.flags = 1 << 6;
            request.dataBytes = bytes;
            request.dataToHost = toHost;
            request.prp1 = first.address;
            request.prp2 = (long) identifier(first) << 56 | first.length;
            var data = new HostData(iommu, PAGE, true, bitBucket);
            data.refresh();
            int status = data.map(request);

            count = 0;
            left = bytes;
            int expected = read(first);
            assertThat(status).as("round %d: %s", round, first).isEqualTo(expected);
            seen[status]++;
            if (expected == Status.SUCCESS) {
                assertThat(flattened(request)).as("round %d", round).isEqualTo(Arrays.copyOf(addresses, count));
            }
        }
        // All of them happen, or the rounds say little.
        for (int status : new int[] {
            Status.SUCCESS,
            Status.DATA_TRANSFER_ERROR,
            Status.INVALID_SGL_SEGMENT_DESCRIPTOR,
            Status.INVALID_NUMBER_OF_SGL_DESCRIPTORS,
            Status.DATA_SGL_LENGTH_INVALID,
            Status.SGL_DESCRIPTOR_TYPE_INVALID
        }) {
            assertThat(seen[status]).as(Status.name(status)).isGreaterThan(10);
        }
    }

    private static int identifier(Descriptor descriptor) {
        return SglDescriptor.identifier(descriptor.type, descriptor.subtype);
    }

    private Descriptor block() {
        int kind = random.nextInt(60);
        int type = kind == 0
                ? 3 + random.nextInt(13)
                : kind < 8 ? SglDescriptor.TYPE_BIT_BUCKET : SglDescriptor.TYPE_DATA_BLOCK;
        if (type == SglDescriptor.TYPE_LAST_SEGMENT) {
            type = SglDescriptor.TYPE_KEYED_DATA_BLOCK;
        }
        int subtype = random.nextInt(80) == 0 ? 1 + random.nextInt(15) : 0;
        long length = random.nextInt(6) == 0 ? 0 : 1 + random.nextInt(3000);
        long address = base + LISTS + random.nextInt(DATA - 3000);
        if (random.nextInt(80) == 0) {
            address = random.nextBoolean() ? base + LISTS + DATA - length / 2 : random.nextLong();
            length = Math.max(length, 2);
        }
        return new Descriptor(type, subtype, address, length, null);
    }

    /** A segment with all that it leads to, written to memory. */
    private Descriptor segment(int more) {
        boolean last = more == 0;
        var list = new ArrayList<Descriptor>();
        for (int i = random.nextInt(6); i > 0; i--) {
            list.add(random.nextInt(80) == 0 ? segment(0) : block());
        }
        boolean leadsOn = last ? random.nextInt(40) == 0 : random.nextInt(40) != 0;
        if (leadsOn) {
            list.add(segment(last ? 0 : more - 1));
        } else if (list.isEmpty()) {
            list.add(block());
        }
        freeListBytes += random.nextInt(8) * 8L;
        long at = freeListBytes;
        freeListBytes += list.size() * 16L;
        for (int i = 0; i < list.size(); i++) {
            var descriptor = list.get(i);
            SglDescriptor.encode(
                    all, at + i * 16L, identifier(descriptor), descriptor.address, (int) descriptor.length);
        }
        int wrong = random.nextInt(60);
        long address = wrong == 0 ? base + at + 4 : wrong == 1 ? base + LISTS + DATA : base + at;
        long length = wrong == 2 ? 0 : wrong == 3 ? list.size() * 16L - 1 : list.size() * 16L;
        int subtype = wrong == 4 ? 1 : 0;
        int type = last ? SglDescriptor.TYPE_LAST_SEGMENT : SglDescriptor.TYPE_SEGMENT;
        return new Descriptor(type, subtype, address, length, list);
    }

    /** Mostly what the list has, so that it is read to its end. */
    private int wanted(Descriptor first) {
        long bytes = bytes(first);
        int off = random.nextInt(10) == 0 ? random.nextInt(200) - 100 : 0;
        return (int) Math.max(1, bytes + off);
    }

    private long bytes(Descriptor descriptor) {
        if (descriptor.isSegment()) {
            return descriptor.list.stream().mapToLong(this::bytes).sum();
        }
        boolean counts = descriptor.type == SglDescriptor.TYPE_DATA_BLOCK
                || descriptor.type == SglDescriptor.TYPE_BIT_BUCKET && toHost;
        return counts ? descriptor.length : 0;
    }

    // The model.

    private int read(Descriptor first) {
        int status = first.isSegment() ? readSegment(first) : readBlock(first);
        return status == Status.SUCCESS && left != 0 ? Status.DATA_SGL_LENGTH_INVALID : status;
    }

    private int readSegment(Descriptor segment) {
        if (segment.subtype != 0) {
            return Status.SGL_DESCRIPTOR_TYPE_INVALID;
        }
        if (segment.length == 0 || segment.length % 16 != 0 || segment.address % 8 != 0) {
            return Status.INVALID_SGL_SEGMENT_DESCRIPTOR;
        }
        if (!isMapped(segment.address, segment.length)) {
            return Status.DATA_TRANSFER_ERROR;
        }
        boolean last = segment.type == SglDescriptor.TYPE_LAST_SEGMENT;
        for (var each : segment.list) {
            boolean end = each == segment.list.getLast();
            if (last ? each.isSegment() : end && !each.isSegment()) {
                return Status.INVALID_SGL_SEGMENT_DESCRIPTOR;
            }
            if (each.isSegment()) {
                return end ? readSegment(each) : Status.INVALID_NUMBER_OF_SGL_DESCRIPTORS;
            }
            int status = readBlock(each);
            if (status != Status.SUCCESS) {
                return status;
            }
        }
        return Status.SUCCESS;
    }

    private boolean isMapped(long address, long length) {
        return address >= base && address - base <= LISTS + DATA - length;
    }

    private int readBlock(Descriptor block) {
        boolean bucket = block.type == SglDescriptor.TYPE_BIT_BUCKET;
        if (block.subtype != 0 || block.type != SglDescriptor.TYPE_DATA_BLOCK && !bucket) {
            return Status.SGL_DESCRIPTOR_TYPE_INVALID;
        }
        if (bucket && !toHost) {
            return Status.SUCCESS;
        }
        if (block.length > left) {
            return Status.DATA_SGL_LENGTH_INVALID;
        }
        if (!bucket && block.length > 0 && !isMapped(block.address, block.length)) {
            return Status.DATA_TRANSFER_ERROR;
        }
        for (int i = 0; i < block.length; i++) {
            addresses[count++] = bucket ? DISCARDED : block.address + i;
        }
        left -= (int) block.length;
        return Status.SUCCESS;
    }

    private long[] flattened(EmulatedRequest request) {
        var found = new long[1 << 17];
        int at = 0;
        for (int piece = 0; piece < request.pieceCount; piece++) {
            boolean bucket = request.pieces[piece] == bitBucket;
            long start = request.pieces[piece].address() + request.pieceOffsets[piece];
            for (int i = 0; i < request.pieceBytes[piece]; i++) {
                found[at++] = bucket ? DISCARDED : start + i;
            }
        }
        return Arrays.copyOf(found, at);
    }
}
