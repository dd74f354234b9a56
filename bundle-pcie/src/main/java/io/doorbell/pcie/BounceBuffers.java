package io.doorbell.pcie;

import io.doorbell.pci.PciAccess;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;

/** A few buffers that the device reaches, for the data of admin commands. Any thread. */
final class BounceBuffers implements AutoCloseable {
    static final int BUFFER_BYTES = 64 * 1024;
    static final int COUNT = 4;

    private final DmaRegion region;
    private final DmaRegion listRegion;
    private final BlockingQueue<Buffer> free = new ArrayBlockingQueue<>(COUNT);

    BounceBuffers(PciAccess access) {
        region = DmaRegion.allocate(access, (long) COUNT * BUFFER_BYTES);
        try {
            listRegion = DmaRegion.allocate(access, PrpLists.bytes(COUNT, BUFFER_BYTES));
        } catch (RuntimeException refused) {
            region.close();
            throw refused;
        }
        var lists = new PrpLists(listRegion.segment(), listRegion.iova(), BUFFER_BYTES);
        for (int i = 0; i < COUNT; i++) {
            long start = (long) i * BUFFER_BYTES;
            free.add(new Buffer(region.segment().asSlice(start, BUFFER_BYTES), region.iova() + start, lists, i));
        }
    }

    /** One buffer in use by one command. */
    static final class Buffer {
        private final MemorySegment segment;
        private final long iova;
        private final PrpLists lists;
        private final int slot;
        private long prp2;

        private Buffer(MemorySegment segment, long iova, PrpLists lists, int slot) {
            this.segment = segment;
            this.iova = iova;
            this.lists = lists;
            this.slot = slot;
        }

        /** Takes the data in, or zeroes where it will come out: a device that writes less than it should leaks nothing. */
        void prepare(MemorySegment data, boolean copy) {
            if (copy) {
                MemorySegment.copy(data, 0, segment, 0, data.byteSize());
            } else {
                segment.asSlice(0, data.byteSize()).fill((byte) 0);
            }
            prp2 = data.byteSize() == 0 ? 0 : lists.prp2(slot, iova, data.byteSize());
        }

        void copyTo(MemorySegment data) {
            MemorySegment.copy(segment, 0, data, 0, data.byteSize());
        }

        long prp1() {
            return iova;
        }

        long prp2() {
            return prp2;
        }
    }

    /** Null when none becomes free in time. */
    Buffer take(long nanos) throws InterruptedException {
        return free.poll(nanos, TimeUnit.NANOSECONDS);
    }

    /** Null is ignored. */
    void giveBack(Buffer buffer) {
        if (buffer != null) {
            free.add(buffer);
        }
    }

    @Override
    public void close() {
        listRegion.close();
        region.close();
    }
}
