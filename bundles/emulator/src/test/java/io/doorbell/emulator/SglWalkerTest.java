package io.doorbell.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.SglDescriptor;
import io.doorbell.nvme.Status;
import io.doorbell.platform.MappingOptions;
import io.doorbell.platform.NativeMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SglWalkerTest {
    private static final int PAGE = 4096;
    private static final int BLOCK = SglDescriptor.identifier(SglDescriptor.TYPE_DATA_BLOCK, 0);
    private static final int BUCKET = SglDescriptor.identifier(SglDescriptor.TYPE_BIT_BUCKET, 0);
    private static final int SEGMENT = SglDescriptor.identifier(SglDescriptor.TYPE_SEGMENT, 0);
    private static final int LAST = SglDescriptor.identifier(SglDescriptor.TYPE_LAST_SEGMENT, 0);

    private final NativeMemory memory = NativeMemory.allocate(64 * PAGE, MappingOptions.ORDINARY);
    private final MemorySegment all = memory.segment();
    private final long base = all.address();
    private final Iommu iommu = new Iommu();
    private final MemorySegment bitBucket = Arena.ofAuto().allocate(1000);

    SglWalkerTest() {
        iommu.map(all);
    }

    @AfterEach
    void free() {
        memory.close();
    }

    private EmulatedRequest request(int bytes, boolean toHost) {
        var request = new EmulatedRequest(null);
        request.flags = 1 << 6;
        request.dataBytes = bytes;
        request.dataToHost = toHost;
        return request;
    }

    private int map(EmulatedRequest request, int identifier, long address, long length) {
        request.prp1 = address;
        request.prp2 = (long) identifier << 56 | length;
        var data = new HostData(iommu, PAGE, true, bitBucket);
        data.refresh();
        return data.map(request);
    }

    private int status(int bytes, int identifier, long address, long length) {
        return map(request(bytes, true), identifier, address, length);
    }

    /** Puts a descriptor at a byte of memory. */
    private void put(long at, int identifier, long address, long length) {
        SglDescriptor.encode(all, at, identifier, address, (int) length);
    }

    @Test
    void takesOneBlockOfTheRightLength() {
        var request = request(8192, true);

        assertThat(map(request, BLOCK, base + 3, 8192)).isEqualTo(Status.SUCCESS);
        assertThat(request.pieceCount).isEqualTo(1);
        assertThat(request.pieceOffsets[0]).isEqualTo(3);
        assertThat(status(8192, BLOCK, base, 8191)).isEqualTo(Status.DATA_SGL_LENGTH_INVALID);
        assertThat(status(8192, BLOCK, base, 8193)).isEqualTo(Status.DATA_SGL_LENGTH_INVALID);
        assertThat(status(8192, BLOCK, base, 0)).isEqualTo(Status.DATA_SGL_LENGTH_INVALID);
        assertThat(status(8192, BLOCK, base + 63 * PAGE, 8192)).isEqualTo(Status.DATA_TRANSFER_ERROR);
        assertThat(status(8192, BLOCK, -8, 8192)).isEqualTo(Status.DATA_TRANSFER_ERROR);
    }

    @Test
    void refusesTypesThatPciDoesNotHave() {
        int keyed = SglDescriptor.identifier(SglDescriptor.TYPE_KEYED_DATA_BLOCK, 0);
        int offset = SglDescriptor.identifier(SglDescriptor.TYPE_DATA_BLOCK, SglDescriptor.SUBTYPE_OFFSET);
        int transport =
                SglDescriptor.identifier(SglDescriptor.TYPE_TRANSPORT_DATA_BLOCK, SglDescriptor.SUBTYPE_TRANSPORT);

        assertThat(status(512, keyed, base, 512)).isEqualTo(Status.SGL_DESCRIPTOR_TYPE_INVALID);
        assertThat(status(512, offset, base, 512)).isEqualTo(Status.SGL_DESCRIPTOR_TYPE_INVALID);
        assertThat(status(512, transport, base, 512)).isEqualTo(Status.SGL_DESCRIPTOR_TYPE_INVALID);
        assertThat(status(512, SEGMENT | 1, base, 16)).isEqualTo(Status.SGL_DESCRIPTOR_TYPE_INVALID);
    }

    @Test
    void followsSegmentsToTheLast() {
        put(0, BLOCK, base + 10 * PAGE, 100);
        put(16, SEGMENT, base + PAGE, 32);
        put(PAGE, BLOCK, base + 20 * PAGE, 300);
        put(PAGE + 16, LAST, base + 2 * PAGE + 8, 16);
        put(2 * PAGE + 8, BLOCK, base + 30 * PAGE, 112);
        var request = request(512, true);

        assertThat(map(request, SEGMENT, base, 32)).isEqualTo(Status.SUCCESS);

        assertThat(request.pieceCount).isEqualTo(3);
        assertThat(request.pieceBytes).startsWith(100, 300, 112);
        assertThat(request.pieceOffsets).startsWith(10 * PAGE, 20 * PAGE, 30 * PAGE);
    }

    @Test
    void refusesSegmentsThatAreNone() {
        put(0, BLOCK, base + 10 * PAGE, 256);
        put(16, BLOCK, base + 11 * PAGE, 256);

        assertThat(status(512, LAST, base, 32)).isEqualTo(Status.SUCCESS);
        assertThat(status(512, LAST, base, 0)).isEqualTo(Status.INVALID_SGL_SEGMENT_DESCRIPTOR);
        assertThat(status(512, LAST, base, 17)).isEqualTo(Status.INVALID_SGL_SEGMENT_DESCRIPTOR);
        assertThat(status(512, LAST, base + 4, 32)).isEqualTo(Status.INVALID_SGL_SEGMENT_DESCRIPTOR);
        assertThat(status(512, LAST, -4096, 32)).isEqualTo(Status.DATA_TRANSFER_ERROR);
        // A segment that is not the last has to lead to another.
        assertThat(status(512, SEGMENT, base, 32)).isEqualTo(Status.INVALID_SGL_SEGMENT_DESCRIPTOR);
        assertThat(status(1024, LAST, base, 32)).isEqualTo(Status.DATA_SGL_LENGTH_INVALID);
        // And the last must not; nor may one lead on from its middle.
        put(16, LAST, base + PAGE, 16);
        assertThat(status(512, LAST, base, 32)).isEqualTo(Status.INVALID_SGL_SEGMENT_DESCRIPTOR);
        put(0, SEGMENT, base + PAGE, 16);
        assertThat(status(512, SEGMENT, base, 32)).isEqualTo(Status.INVALID_NUMBER_OF_SGL_DESCRIPTORS);
    }

    @Test
    void endsInAListThatLeadsBackToItself() {
        put(0, BLOCK, base, 0);
        put(16, SEGMENT, base, 32);

        assertThat(status(512, SEGMENT, base, 32)).isEqualTo(Status.INVALID_NUMBER_OF_SGL_DESCRIPTORS);
        assertThat(status(512, LAST, base, 64 * PAGE)).isEqualTo(Status.INVALID_NUMBER_OF_SGL_DESCRIPTORS);
    }

    @Test
    void throwsAwayWhatGoesIntoABitBucket() {
        put(0, BUCKET, 0, 2500);
        put(16, BLOCK, base + 10 * PAGE, 1596);
        var read = request(4096, true);
        var write = request(1596, false);

        assertThat(map(read, LAST, base, 32)).isEqualTo(Status.SUCCESS);
        assertThat(map(write, LAST, base, 32)).isEqualTo(Status.SUCCESS);

        read.copyToHost(0, Arena.ofAuto().allocate(4096).fill((byte) 9), 0, 4096);
        assertThat(all.get(java.lang.foreign.ValueLayout.JAVA_BYTE, 10 * PAGE)).isEqualTo((byte) 9);
        assertThat(write.pieceCount).isEqualTo(1);
    }

    @Test
    void putsEveryByteWhereARandomListSays() {
        var random = Seed.random("SGLs");
        for (int round = 0; round < 3_000; round++) {
            var parts = new ArrayList<long[]>();
            int bytes = 0;
            for (int i = 1 + random.nextInt(12); i > 0; i--) {
                int part = random.nextInt(5) == 0 ? 0 : 1 + random.nextInt(5000);
                parts.add(new long[] {base + 16 * PAGE + random.nextInt(40 * PAGE), part});
                bytes += part;
            }
            if (bytes == 0) {
                continue;
            }
            var request = request(bytes, random.nextBoolean());

            int status = layOut(random, request, parts);

            assertThat(status).isEqualTo(Status.SUCCESS);
            var expected = new ArrayList<Long>();
            for (var part : parts) {
                for (long i = 0; i < part[1]; i += 499) {
                    expected.add(part[0] + i);
                }
            }
            assertThat(samples(request, parts)).isEqualTo(expected);
        }
    }

    /** Spreads the blocks over segments and walks them. */
    private int layOut(SplittableRandom random, EmulatedRequest request, List<long[]> parts) {
        int segments = 1 + random.nextInt(4);
        long at = 0;
        long firstAddress = base;
        long firstLength = 0;
        int next = 0;
        long pointerAt = -1;
        for (int segment = 0; segment < segments; segment++) {
            boolean last = segment == segments - 1;
            int count = last ? parts.size() - next : random.nextInt(parts.size() - next + 1);
            long length = (count + (last ? 0 : 1)) * 16L;
            if (length == 0) {
                // An empty last segment cannot be said: make it a block of nothing.
                length = 16;
            }
            if (pointerAt < 0) {
                firstLength = length;
                firstAddress = base + at;
            } else {
                put(pointerAt, last ? LAST : SEGMENT, base + at, length);
            }
            for (int i = 0; i < count; i++, next++) {
                put(at, BLOCK, parts.get(next)[0], parts.get(next)[1]);
                at += 16;
            }
            if (last && count == 0) {
                put(at, BLOCK, base, 0);
            }
            pointerAt = at;
            at += 16 + random.nextInt(20) * 8L;
        }
        return map(request, segments == 1 ? LAST : SEGMENT, firstAddress, firstLength);
    }

    /** The address of each 499th byte of each part, as the pieces have it. */
    private static List<Long> samples(EmulatedRequest request, List<long[]> parts) {
        var found = new ArrayList<Long>();
        long offset = 0;
        for (var part : parts) {
            for (long i = 0; i < part[1]; i += 499) {
                found.add(addressOf(request, offset + i));
            }
            offset += part[1];
        }
        return found;
    }

    private static long addressOf(EmulatedRequest request, long offset) {
        long left = offset;
        for (int i = 0; i < request.pieceCount; i++) {
            if (left < request.pieceBytes[i]) {
                return request.pieces[i].address() + request.pieceOffsets[i] + left;
            }
            left -= request.pieceBytes[i];
        }
        return -1;
    }
}
