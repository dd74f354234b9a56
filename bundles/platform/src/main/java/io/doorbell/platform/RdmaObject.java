package io.doorbell.platform;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Something that rdma-core made, which is destroyed once. Control path: any thread; what a subclass calls otherwise says so. */
abstract class RdmaObject implements AutoCloseable {
    private final long address;

    // Written under this object's lock; read without it by the owner of a queue.
    private boolean closed;

    RdmaObject(long address) {
        this.address = address;
    }

    /**
     * How rdma-core knows it.
     *
     * @throws IllegalStateException when it is closed
     */
    public final long address() {
        if (closed) {
            throw new IllegalStateException("this " + getClass().getSimpleName() + " is closed");
        }
        return address;
    }

    /** @throws PlatformException when rdma-core refuses, as for what is in use; it is open then */
    @Override
    public final synchronized void close() {
        if (!closed) {
            destroy(address);
            closed = true;
        }
    }

    abstract void destroy(long at);

    static void require(String call, int result) {
        if (result < 0) {
            throw new PlatformException(call, -result, "");
        }
    }

    /** Reads a field of a structure of rdma-core's. */
    static long pointer(long structure, long offset) {
        return at(structure, offset, Long.BYTES).get(ValueLayout.JAVA_LONG, 0);
    }

    static int number(long structure, long offset) {
        return at(structure, offset, Integer.BYTES).get(ValueLayout.JAVA_INT, 0);
    }

    @SuppressWarnings("restricted")
    static MemorySegment at(long structure, long offset, long bytes) {
        // Safety: callers pass a structure that rdma-core made and that is not destroyed, and a part of it.
        return MemorySegment.ofAddress(structure + offset).reinterpret(bytes);
    }
}
