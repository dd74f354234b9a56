package io.doorbell.verbs;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.doorbell.platform.HugePages;
import io.doorbell.platform.MappingOptions;
import io.doorbell.platform.NativeMemory;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/** A list of requests in native memory, in the layout of libibverbs (rdma-core 44, x86-64), each with the same room for segments. */
abstract sealed class WorkRequests implements AutoCloseable permits SendRequests, ReceiveRequests {
    /** struct ibv_sge. */
    static final StructLayout SEGMENT = MemoryLayout.structLayout(
            JAVA_LONG.withName("addr"), JAVA_INT.withName("length"), JAVA_INT.withName("lkey"));

    private static final long SEGMENT_BYTES = SEGMENT.byteSize();

    // What both kinds of request begin with.
    private static final long ID = 0;
    private static final long NEXT = 8;
    private static final long LIST = 16;
    private static final long COUNT = 24;

    private static final VarHandle ADDRESS =
            SEGMENT.varHandle(groupElement("addr")).withInvokeExactBehavior();
    private static final VarHandle LENGTH =
            SEGMENT.varHandle(groupElement("length")).withInvokeExactBehavior();
    private static final VarHandle KEY = SEGMENT.varHandle(groupElement("lkey")).withInvokeExactBehavior();

    final MemorySegment memory;
    int count;

    private final NativeMemory mapping;
    private final int requestBytes;
    private final int maxRequests;
    private final int maxSegments;
    private final long segmentBase;
    private int segments;

    WorkRequests(int requestBytes, int maxRequests, int maxSegments) {
        if (maxRequests < 1 || maxSegments < 1) {
            throw new IllegalArgumentException(maxRequests + " requests of " + maxSegments + " segments: at least one");
        }
        this.requestBytes = requestBytes;
        this.maxRequests = maxRequests;
        this.maxSegments = maxSegments;
        segmentBase = (long) requestBytes * maxRequests;
        mapping = NativeMemory.allocate(
                segmentBase + SEGMENT_BYTES * maxRequests * maxSegments, new MappingOptions(HugePages.NEVER, true));
        memory = mapping.segment();
    }

    /** Begins anew. */
    public final void clear() {
        count = 0;
    }

    /** Requests in the list. */
    public final int count() {
        return count;
    }

    public final boolean isFull() {
        return count == maxRequests;
    }

    /** Begins a request behind the others. Returns where it is. */
    final long begin(long id) {
        if (count == maxRequests) {
            throw new IllegalStateException("a list of " + maxRequests + " requests is full");
        }
        long at = at(count);
        memory.set(JAVA_LONG, at + ID, id);
        memory.set(JAVA_LONG, at + NEXT, 0);
        memory.set(JAVA_LONG, at + LIST, memory.address() + segmentAt(count, 0));
        memory.set(JAVA_INT, at + COUNT, 0);
        if (count > 0) {
            memory.set(JAVA_LONG, at - requestBytes + NEXT, memory.address() + at);
        }
        count++;
        segments = 0;
        return at;
    }

    /**
     * Adds a piece of memory to the last request.
     *
     * @param address virtual, in the region of {@code localKey}
     */
    public final void segment(long address, int bytes, int localKey) {
        if (count == 0 || segments == maxSegments) {
            throw new IllegalStateException(
                    count == 0 ? "a segment of no request" : "a request has " + maxSegments + " segments already");
        }
        long at = segmentAt(count - 1, segments++);
        ADDRESS.set(memory, at, address);
        LENGTH.set(memory, at, bytes);
        KEY.set(memory, at, localKey);
        memory.set(JAVA_INT, at(count - 1) + COUNT, segments);
    }

    // For providers.

    /** The first request, which leads to all others by its {@code next}: for a provider that hands on an address. */
    public final MemorySegment first() {
        if (count == 0) {
            throw new IllegalStateException("there is no request");
        }
        return memory;
    }

    public final long id(int request) {
        return memory.get(JAVA_LONG, at(request) + ID);
    }

    public final int segmentCount(int request) {
        return memory.get(JAVA_INT, at(request) + COUNT);
    }

    public final long segmentAddress(int request, int segment) {
        return (long) ADDRESS.get(memory, segmentAt(request, segment));
    }

    public final int segmentBytes(int request, int segment) {
        return (int) LENGTH.get(memory, segmentAt(request, segment));
    }

    public final int segmentKey(int request, int segment) {
        return (int) KEY.get(memory, segmentAt(request, segment));
    }

    final long at(int request) {
        return (long) request * requestBytes;
    }

    private long segmentAt(int request, int segment) {
        return segmentBase + SEGMENT_BYTES * ((long) request * maxSegments + segment);
    }

    /** Frees the memory. Does nothing the second time. */
    @Override
    public final void close() {
        mapping.close();
    }
}
