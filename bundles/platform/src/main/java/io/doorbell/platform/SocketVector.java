package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Parts of one memory that a {@link TcpSocket} receives into or sends from at once: a struct msghdr with its iovecs. Made once and filled again for
 * each call, so that neither allocates.
 *
 * <p>Owner: one thread. The memory cannot be unmapped while this is open.
 */
public final class SocketVector implements AutoCloseable {
    /** The kernel takes no more in a call: UIO_MAXIOV. */
    public static final int MAX_PARTS = 1024;

    /** struct iovec and struct msghdr of Linux on x86-64. */
    private static final long IOVEC_BYTES = 16;

    private static final long MSGHDR_BYTES = 56;
    private static final long MSG_IOV = 16;
    private static final long MSG_IOVLEN = 24;

    /** Null where it is somebody else's to close. */
    private final Arena arena;

    private final MemorySegment iovecs;
    private final MemorySegment message;
    private final Mapping memory;
    private final MemorySegment segment;
    private final long address;
    private final long memoryBytes;
    private final int maxParts;
    private int parts;
    private long bytes;
    private long lastEnd;
    private boolean closed;

    /**
     * @param memory what all parts are of
     * @param maxParts 1 to {@link #MAX_PARTS}
     */
    public SocketVector(NativeMemory memory, int maxParts) {
        requireParts(maxParts);
        var segment = memory.segment();
        this.memory = Mapping.retain(segment.address());
        if (this.memory == null) {
            throw new IllegalStateException("the memory is closed already");
        }
        this.maxParts = maxParts;
        this.segment = segment;
        arena = Arena.ofShared();
        address = segment.address();
        memoryBytes = segment.byteSize();
        iovecs = arena.allocate(IOVEC_BYTES * maxParts, Long.BYTES);
        message = arena.allocate(MSGHDR_BYTES, Long.BYTES);
        message.set(JAVA_LONG, MSG_IOV, iovecs.address());
    }

    /**
     * As above, with the lifetime of {@code lease}: when that is closed no call can be made with this any more, and none is being made.
     * {@link #close} does nothing then.
     */
    public SocketVector(NativeMemory memory, int maxParts, Arena lease) {
        requireParts(maxParts);
        // Keeps the memory mapped until the arena is closed.
        var view = MemoryView.within(memory.segment(), lease);
        this.memory = null;
        this.maxParts = maxParts;
        arena = null;
        segment = view;
        address = view.address();
        memoryBytes = view.byteSize();
        iovecs = lease.allocate(IOVEC_BYTES * maxParts, Long.BYTES);
        message = lease.allocate(MSGHDR_BYTES, Long.BYTES);
        message.set(JAVA_LONG, MSG_IOV, iovecs.address());
    }

    private static void requireParts(int maxParts) {
        if (maxParts < 1 || maxParts > MAX_PARTS) {
            throw new IllegalArgumentException(maxParts + " parts of a vector: 1 to " + MAX_PARTS);
        }
    }

    /** Begins anew. */
    public void clear() {
        parts = 0;
        bytes = 0;
        lastEnd = -1;
    }

    /**
     * Adds a part; one that goes on where the last ended becomes part of it.
     *
     * @return whether there was room
     * @throws IndexOutOfBoundsException for a part that is not in the memory
     */
    public boolean add(long offset, int partBytes) {
        if (partBytes <= 0 || offset < 0 || offset > memoryBytes - partBytes) {
            throw new IndexOutOfBoundsException(
                    partBytes + " bytes at " + offset + " are not in a memory of " + memoryBytes);
        }
        if (offset == lastEnd && parts > 0) {
            long at = IOVEC_BYTES * (parts - 1) + 8;
            iovecs.set(JAVA_LONG, at, iovecs.get(JAVA_LONG, at) + partBytes);
        } else {
            if (parts == maxParts) {
                return false;
            }
            long at = IOVEC_BYTES * parts;
            iovecs.set(JAVA_LONG, at, address + offset);
            iovecs.set(JAVA_LONG, at + 8, partBytes);
            parts++;
        }
        lastEnd = offset + partBytes;
        bytes += partBytes;
        return true;
    }

    /** Puts bytes into the parts, from byte {@code at} of them all on. */
    public void write(long at, byte[] from, int count) {
        copy(at, from, count, true);
    }

    /** Takes the first bytes of the parts. */
    public void read(byte[] into, int count) {
        copy(0, into, count, false);
    }

    private void copy(long at, byte[] array, int count, boolean in) {
        if (count < 0 || at < 0 || count > bytes - at) {
            throw new IndexOutOfBoundsException(count + " bytes at " + at + " of " + bytes);
        }
        long skip = at;
        int done = 0;
        for (int i = 0; done < count; i++) {
            long size = iovecs.get(JAVA_LONG, IOVEC_BYTES * i + 8);
            if (skip >= size) {
                skip -= size;
                continue;
            }
            long offset = iovecs.get(JAVA_LONG, IOVEC_BYTES * i) - address + skip;
            int part = (int) Math.min(size - skip, count - done);
            if (in) {
                MemorySegment.copy(array, done, segment, JAVA_BYTE, offset, part);
            } else {
                MemorySegment.copy(segment, JAVA_BYTE, offset, array, done, part);
            }
            done += part;
            skip = 0;
        }
    }

    /** Bytes of all parts. */
    public long bytes() {
        return bytes;
    }

    /** The msghdr, for as many parts as there are. */
    MemorySegment message() {
        if (closed) {
            throw new IllegalStateException("this vector is closed");
        }
        message.set(JAVA_LONG, MSG_IOVLEN, parts);
        message.set(JAVA_INT, 48, 0);
        return message;
    }

    /** Lets the memory go. Does nothing the second time. */
    @Override
    public void close() {
        if (!closed && arena != null) {
            closed = true;
            arena.close();
            memory.release();
        }
    }
}
