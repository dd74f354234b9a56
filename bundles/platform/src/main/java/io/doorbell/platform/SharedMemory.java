package io.doorbell.platform;

import java.lang.foreign.MemorySegment;

/**
 * Memory behind a file descriptor (memfd), which another process can map too: doorbell pages, the memory that vfio-user lets a device reach. Page
 * aligned, 2 MiB aligned from 2 MiB on, full of zeros. The file is sealed: no holder of the descriptor can change its size.
 *
 * <p>Ownership and threads: as {@link NativeMemory}; the descriptor belongs to this object and is closed with it.
 */
public final class SharedMemory implements AutoCloseable {
    /** The longest name that Linux takes, in bytes (memfd_create(2)). */
    public static final int MAX_NAME_BYTES = 249;

    private final Mapping mapping;

    private SharedMemory(Mapping mapping) {
        this.mapping = mapping;
    }

    /**
     * Creates a file of {@code bytes} (rounded up to whole pages) and maps it. The name is seen in /proc only and need not be unique.
     *
     * @throws IllegalArgumentException unless {@code bytes} is from 1 to {@link NativeMemory#MAX_BYTES}, or if the name is too long or has a NUL
     * @throws PlatformException if the machine has not that much memory, or not the huge pages that the options require
     */
    public static SharedMemory create(String name, long bytes, MappingOptions options) {
        return new SharedMemory(Mapping.memfd(name, bytes, options));
    }

    /** The memory, of exactly the bytes asked for. Usable from any thread until {@link #close}. */
    public MemorySegment segment() {
        return mapping.segment();
    }

    /**
     * The file descriptor, for passing on; it stays this object's.
     *
     * @throws IllegalStateException after {@link #close}
     */
    public int fd() {
        return mapping.fd();
    }

    /** What pages it got. */
    public Backing backing() {
        return mapping.backing();
    }

    /** The page size to rely on, in bytes: {@link Machine#HUGE_PAGE_BYTES} only for reserved huge pages. */
    public long pageBytes() {
        return mapping.pageBytes();
    }

    /** The length of the file and of the mapping. */
    public long mappedBytes() {
        return mapping.mappedBytes();
    }

    /**
     * Unmaps the memory and closes the descriptor. Does nothing the second time.
     *
     * @throws IllegalStateException if a {@linkplain MemoryView#within view} of it is open, or a native call holds it for longer than 2 s; nothing
     *     is closed then, and the call may be repeated
     */
    @Override
    public void close() {
        mapping.close();
    }
}
