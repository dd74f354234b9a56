package io.doorbell.platform;

import java.lang.foreign.MemorySegment;

/**
 * Private memory of this process outside the Java heap: rings, PRP lists, data buffers. Page aligned, 2 MiB aligned from 2 MiB on, full of zeros.
 *
 * <p>Ownership: whoever allocates closes. After {@link #close} every access through {@link #segment} throws {@link IllegalStateException}. Any
 * thread may call any method; what is in the memory is for its users to agree on.
 */
public final class NativeMemory implements AutoCloseable {
    /** The most bytes of one region. Asking for more is taken for an error in arithmetic. */
    public static final long MAX_BYTES = 1L << 40;

    private final Mapping mapping;

    private NativeMemory(Mapping mapping) {
        this.mapping = mapping;
    }

    /** Allocates with {@link MappingOptions#RESIDENT}. */
    public static NativeMemory allocate(long bytes) {
        return allocate(bytes, MappingOptions.RESIDENT);
    }

    /**
     * Allocates {@code bytes} of zeros. Control path: bringing all pages in takes tens of milliseconds per GiB at best.
     *
     * @throws IllegalArgumentException unless {@code bytes} is from 1 to {@link #MAX_BYTES}
     * @throws PlatformException if the machine has not that much memory, or not the huge pages that the options require
     */
    public static NativeMemory allocate(long bytes, MappingOptions options) {
        return new NativeMemory(Mapping.anonymous(bytes, options));
    }

    /**
     * As {@link #allocate(long, MappingOptions)}, with addresses behind it kept free, so that it can {@link #grow} where it is. Without reserved
     * huge pages.
     *
     * @param mostBytes what it is to be able to grow to. Where there are no addresses for that, it can only not grow
     */
    public static NativeMemory allocateGrowing(long bytes, long mostBytes, MappingOptions options) {
        return new NativeMemory(Mapping.growing(bytes, mostBytes, options));
    }

    /**
     * Grows to {@code bytes}; what is new reads zero, and {@link #segment} has it. Segments of before stay valid, with the bytes they have.
     * Nothing to do when it has as many.
     *
     * @throws IllegalArgumentException when it was not made to have so many
     * @throws PlatformException if the machine has not that much memory
     */
    public void grow(long bytes) {
        mapping.grow(bytes);
    }

    /** The most that {@link #grow} can make of it. */
    public long mostBytes() {
        return mapping.reservedBytes();
    }

    /** The memory, of the bytes asked for. Usable from any thread until {@link #close}. */
    public MemorySegment segment() {
        return mapping.segment();
    }

    /**
     * Makes {@code bytes} from {@code offset} on zero, and gives the pages that lie wholly in them back to the machine.
     *
     * @throws IllegalStateException for memory of reserved huge pages, and when closed
     * @throws IndexOutOfBoundsException for a range outside
     */
    public void discard(long offset, long bytes) {
        mapping.discard(offset, bytes);
    }

    /** What pages it got. */
    public Backing backing() {
        return mapping.backing();
    }

    /** The page size to rely on, in bytes: {@link Machine#HUGE_PAGE_BYTES} only for reserved huge pages. */
    public long pageBytes() {
        return mapping.pageBytes();
    }

    /** What the machine spent on it: the bytes asked for, rounded up to whole pages. */
    public long mappedBytes() {
        return mapping.mappedBytes();
    }

    /**
     * Unmaps the memory. Does nothing the second time.
     *
     * @throws IllegalStateException if a {@linkplain MemoryView#within view} of it is open, or a native call holds it for longer than 2 s; nothing
     *     is closed then, and the call may be repeated
     */
    @Override
    public void close() {
        mapping.close();
    }
}
