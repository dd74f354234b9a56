package io.doorbell.driver;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;

/** A few buffers that the transport reaches, for the data of admin commands. Any thread. */
public final class BounceBuffers {
    public static final int BUFFER_BYTES = 64 * 1024;
    public static final int COUNT = 4;

    /** What the memory for all of them takes. */
    public static final int BYTES = COUNT * BUFFER_BYTES;

    private final BlockingQueue<Buffer> free = new ArrayBlockingQueue<>(COUNT);

    /** @param memory {@link #BYTES} of it; its owner frees it, when the queue that uses these has failed */
    public BounceBuffers(MemorySegment memory) {
        for (int i = 0; i < COUNT; i++) {
            free.add(new Buffer(memory.asSlice((long) i * BUFFER_BYTES, BUFFER_BYTES), i));
        }
    }

    /** One buffer in use by one command. */
    public static final class Buffer {
        private final MemorySegment segment;
        private final int index;
        private int dataBytes;

        private Buffer(MemorySegment segment, int index) {
            this.segment = segment;
            this.index = index;
        }

        /** Which it is, from 0. */
        public int index() {
            return index;
        }

        /** How much of it the command moves. */
        public int dataBytes() {
            return dataBytes;
        }

        /** Takes the data in, or zeroes where it will come out: a controller that writes less than it should leaks nothing. */
        void prepare(MemorySegment data, boolean copy) {
            dataBytes = (int) data.byteSize();
            if (copy) {
                MemorySegment.copy(data, 0, segment, 0, dataBytes);
            } else {
                segment.asSlice(0, dataBytes).fill((byte) 0);
            }
        }

        void copyTo(MemorySegment data) {
            MemorySegment.copy(segment, 0, data, 0, data.byteSize());
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
}
