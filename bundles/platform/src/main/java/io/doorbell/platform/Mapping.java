package io.doorbell.platform;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * One mapping of ours, from mmap to munmap, and the file behind it if it has one. It counts the views that {@link MemoryView} made of it and is
 * not unmapped while one is open: a stale holder that polls through a view meets an exception, never an unmapped page.
 */
final class Mapping {
    static final int NO_FD = -1;

    /** How long a close waits for a native call that still works on the memory. */
    static final Duration CLOSE_BOUND = Duration.ofSeconds(2);

    // Every mapping by its address. Static, because it mirrors what there is once per process: the address space.
    private static final ConcurrentSkipListMap<Long, Mapping> LIVE = new ConcurrentSkipListMap<>();

    private final long address;
    /** Of addresses that are ours; those behind the mapped ones cannot be accessed. */
    private final long reservedBytes;

    private final Backing backing;
    private final int fd;
    private final Arena arena = Arena.ofShared();
    private final MappingOptions options;

    // Larger ones when it grows, under this.
    private volatile long mappedBytes;
    private volatile MemorySegment segment;

    // Guarded by this.
    private int openViews;
    private boolean closing;

    private Mapping(long address, long bytes, long mappedBytes, Backing backing, int fd) {
        this(address, bytes, mappedBytes, mappedBytes, backing, fd, MappingOptions.ORDINARY);
    }

    private Mapping(
            long address,
            long bytes,
            long mappedBytes,
            long reservedBytes,
            Backing backing,
            int fd,
            MappingOptions options) {
        this.address = address;
        this.mappedBytes = mappedBytes;
        this.reservedBytes = reservedBytes;
        this.backing = backing;
        this.fd = fd;
        this.options = options;
        this.segment = bounded(bytes);
        LIVE.put(address, this);
    }

    /** Private memory, of zeros. */
    static Mapping anonymous(long bytes, MappingOptions options) {
        return create(null, bytes, options);
    }

    /** Private memory, of zeros, with addresses behind it to grow into; with none where there are none. */
    static Mapping growing(long bytes, long mostBytes, MappingOptions options) {
        if (options.hugePages() == HugePages.REQUIRED || options.hugePages() == HugePages.PREFERRED) {
            throw new IllegalArgumentException("memory of reserved huge pages does not grow");
        }
        if (bytes <= 0 || mostBytes < bytes || mostBytes > NativeMemory.MAX_BYTES) {
            throw new IllegalArgumentException(
                    "cannot map " + bytes + " bytes that grow to " + mostBytes + ": up to " + NativeMemory.MAX_BYTES);
        }
        NativeAccess.require();
        long reservedBytes = roundUp(mostBytes, Machine.HUGE_PAGE_BYTES);
        try (var scratch = Arena.ofConfined()) {
            var errno = scratch.allocate(Libc.ERRNO_STATE);
            long reserved = reserve(errno, reservedBytes + Machine.HUGE_PAGE_BYTES);
            if (reserved < 0) {
                return anonymous(bytes, options);
            }
            long address = roundUp(reserved, Machine.HUGE_PAGE_BYTES);
            if (address > reserved) {
                Libc.munmap(errno, reserved, address - reserved);
            }
            Libc.munmap(errno, address + reservedBytes, reserved + Machine.HUGE_PAGE_BYTES - address);
            var backing = options.hugePages() != HugePages.NEVER && Machine.advisesHugePages()
                    ? Backing.ADVISED_PAGES
                    : Backing.ORDINARY_PAGES;
            // From here the arena owns the addresses.
            var mapping = new Mapping(address, 0, 0, reservedBytes, backing, NO_FD, options);
            try {
                mapping.grow(bytes);
            } catch (PlatformException refused) {
                mapping.close();
                throw refused;
            }
            return mapping;
        }
    }

    /** Maps more of the addresses that were kept for it. */
    synchronized void grow(long bytes) {
        if (bytes > reservedBytes) {
            throw new IllegalArgumentException(
                    "this memory was made to grow to " + reservedBytes + " bytes, and not to " + bytes);
        }
        if (closing || bytes <= segment.byteSize()) {
            return;
        }
        long pagesBytes = roundUp(bytes, Machine.PAGE_BYTES);
        long more = pagesBytes - mappedBytes;
        if (more > 0) {
            if (options.prefault()) {
                refuseMoreThanAvailable(more);
            }
            try (var scratch = Arena.ofConfined()) {
                var errno = scratch.allocate(Libc.ERRNO_STATE);
                long from = address + mappedBytes;
                // Not a mapping over it: one that Linux refuses may leave a hole, for anybody's next mapping.
                int result = Libc.mprotect(errno, from, more, Libc.PROT_READ_WRITE);
                if (result < 0) {
                    throw new PlatformException("mprotect", -result, "Asked for " + more + " bytes.");
                }
                if (backing == Backing.ADVISED_PAGES) {
                    Libc.madvise(errno, from, more, Libc.MADV_HUGEPAGE);
                }
                mappedBytes = pagesBytes;
                if (options.prefault()) {
                    bringIn(errno, from, more);
                }
            }
        }
        segment = part(bytes);
    }

    /** Brings pages in that are mapped already. */
    private static void bringIn(MemorySegment errno, long address, long bytes) {
        int result = Libc.madvise(errno, address, bytes, Libc.MADV_POPULATE_WRITE);
        // Linux before 5.14 does not know the advice: the pages come when they are touched.
        if (result < 0 && result != -Errno.EINVAL) {
            throw new PlatformException("madvise(MADV_POPULATE_WRITE)", -result, "Asked for " + bytes + " bytes.");
        }
    }

    long reservedBytes() {
        return reservedBytes;
    }

    private static long reserve(MemorySegment errno, long bytes) {
        int flags = Libc.MAP_PRIVATE | Libc.MAP_ANONYMOUS | Libc.MAP_NORESERVE;
        return Libc.mmap(errno, 0, bytes, Libc.PROT_NONE, flags, NO_FD);
    }

    /** Memory behind a new file that lives in memory, of zeros. */
    static Mapping memfd(String name, long bytes, MappingOptions options) {
        if (name.indexOf('\0') >= 0 || name.getBytes(StandardCharsets.UTF_8).length > SharedMemory.MAX_NAME_BYTES) {
            throw new IllegalArgumentException(
                    "a memfd name has at most " + SharedMemory.MAX_NAME_BYTES + " bytes and no NUL");
        }
        return create(name, bytes, options);
    }

    /** A part of a file of someone else, whose descriptor stays theirs. The caller has looked at the file: offset and length are whole pages of it. */
    static Mapping file(int fd, long offset, long bytes, boolean huge) {
        try (var scratch = Arena.ofConfined()) {
            var errno = scratch.allocate(Libc.ERRNO_STATE);
            long address = mapped(Libc.mmap(errno, 0, bytes, Libc.PROT_READ_WRITE, Libc.MAP_SHARED, fd, offset), bytes);
            return new Mapping(address, bytes, bytes, huge ? Backing.HUGE_PAGES : Backing.ORDINARY_PAGES, NO_FD);
        }
    }

    /** A part of a device, whose descriptor stays its owner's. */
    static Mapping device(int fd, long offset, long bytes) {
        try (var scratch = Arena.ofConfined()) {
            var errno = scratch.allocate(Libc.ERRNO_STATE);
            long address = mapped(Libc.mmap(errno, 0, bytes, Libc.PROT_READ_WRITE, Libc.MAP_SHARED, fd, offset), bytes);
            return new Mapping(address, bytes, bytes, Backing.ORDINARY_PAGES, NO_FD);
        }
    }

    /** Puts memory of zeros in the place of a device's. */
    synchronized void detach() {
        if (closing) {
            return;
        }
        try (var scratch = Arena.ofConfined()) {
            // Safe beside accesses of other threads: Linux replaces the pages in one step, and segments of the old ones
            // are valid for
            // the new.
            int flags = Libc.MAP_PRIVATE | Libc.MAP_ANONYMOUS | Libc.MAP_FIXED;
            long result = Libc.mmap(
                    scratch.allocate(Libc.ERRNO_STATE), address, mappedBytes, Libc.PROT_READ_WRITE, flags, NO_FD);
            mapped(result, mappedBytes);
        }
    }

    MemorySegment segment() {
        return segment;
    }

    long mappedBytes() {
        return mappedBytes;
    }

    Backing backing() {
        return backing;
    }

    long pageBytes() {
        return backing == Backing.HUGE_PAGES ? Machine.HUGE_PAGE_BYTES : Machine.PAGE_BYTES;
    }

    /** The file behind this mapping. */
    int fd() {
        if (!arena.scope().isAlive()) {
            throw new IllegalStateException("this memory is closed, and its file with it");
        }
        return fd;
    }

    /**
     * Unmaps, and closes the file. Does nothing the second time.
     *
     * @throws IllegalStateException if a view is open, or a native call holds the memory for longer than {@link #CLOSE_BOUND}; nothing is closed
     *     then, and the call may be repeated
     */
    void close() {
        synchronized (this) {
            if (closing) {
                return;
            }
            if (openViews > 0) {
                throw new IllegalStateException(openViews + " view(s) of this memory of " + segment.byteSize()
                        + " bytes are open; close their arenas first");
            }
            closing = true;
        }
        try {
            MemoryView.close(arena, CLOSE_BOUND);
        } catch (RuntimeException failed) {
            synchronized (this) {
                closing = !arena.scope().isAlive();
            }
            throw failed;
        }
    }

    /** Finds the mapping of ours in which {@code address} lies and counts a view of it; {@code null} if it lies in none. */
    static Mapping retain(long address) {
        var entry = LIVE.floorEntry(address);
        if (entry == null || address - entry.getKey() >= entry.getValue().mappedBytes) {
            return null;
        }
        var mapping = entry.getValue();
        synchronized (mapping) {
            if (mapping.closing) {
                throw new IllegalStateException("this memory is being closed");
            }
            mapping.openViews++;
        }
        return mapping;
    }

    /** Makes a range zero and gives its whole pages back. Private memory of ordinary pages only. */
    void discard(long offset, long bytes) {
        if (fd != NO_FD || backing == Backing.HUGE_PAGES) {
            throw new IllegalStateException("only private memory of ordinary pages can be given back by the page");
        }
        var range = segment.asSlice(offset, bytes);
        long first = roundUp(offset, Machine.PAGE_BYTES);
        long end = (offset + bytes) & -Machine.PAGE_BYTES;
        if (first >= end) {
            range.fill((byte) 0);
            return;
        }
        range.asSlice(0, first - offset).fill((byte) 0);
        range.asSlice(end - offset).fill((byte) 0);
        try (var scratch = Arena.ofConfined()) {
            var pages = segment.asSlice(first, end - first);
            int result = Libc.dontNeed(scratch.allocate(Libc.ERRNO_STATE), pages);
            if (result < 0) {
                // Locked memory, for one, is not given back; it is zero all the same.
                pages.fill((byte) 0);
            }
        }
    }

    /** Undoes one {@link #retain}. */
    synchronized void release() {
        openViews--;
    }

    private static Mapping create(String fileName, long bytes, MappingOptions options) {
        if (bytes <= 0 || bytes > NativeMemory.MAX_BYTES) {
            throw new IllegalArgumentException(
                    "cannot map " + bytes + " bytes: from 1 to " + NativeMemory.MAX_BYTES + " are possible");
        }
        NativeAccess.require();
        boolean required = options.hugePages() == HugePages.REQUIRED;
        // Less than a huge page takes a whole one only if the caller insists: they are few.
        if (required || (options.hugePages() == HugePages.PREFERRED && bytes >= Machine.HUGE_PAGE_BYTES)) {
            try {
                return create(fileName, bytes, true, options);
            } catch (PlatformException refused) {
                if (required) {
                    throw refused;
                }
                // Not enough huge pages are free: ordinary pages do, and backing() tells.
            }
        }
        return create(fileName, bytes, false, options);
    }

    private static Mapping create(String fileName, long bytes, boolean huge, MappingOptions options) {
        long mappedBytes = roundUp(bytes, huge ? Machine.HUGE_PAGE_BYTES : Machine.PAGE_BYTES);
        if (options.prefault() && !huge) {
            refuseMoreThanAvailable(mappedBytes);
        }
        try (var scratch = Arena.ofConfined()) {
            var errno = scratch.allocate(Libc.ERRNO_STATE);
            int fd = fileName == null ? NO_FD : file(errno, scratch.allocateFrom(fileName), mappedBytes, huge);
            long address;
            try {
                address = huge ? mapHuge(errno, mappedBytes, fd) : mapOrdinary(errno, mappedBytes, fd, options);
            } catch (PlatformException refused) {
                if (fd != NO_FD) {
                    Libc.close(errno, fd);
                }
                throw refused;
            }
            var backing = huge ? Backing.HUGE_PAGES : advise(errno, address, mappedBytes, fd, options);
            // From here the arena owns both mapping and file.
            var mapping = new Mapping(address, bytes, mappedBytes, backing, fd);
            if (options.prefault()) {
                mapping.populate(errno);
            }
            return mapping;
        }
    }

    private static int file(MemorySegment errno, MemorySegment name, long bytes, boolean huge) {
        int flags = Libc.MFD_CLOEXEC | Libc.MFD_ALLOW_SEALING;
        int fd = Libc.memfdCreate(errno, name, huge ? flags | Libc.MFD_HUGETLB | Libc.MFD_HUGE_2MB : flags);
        if (fd < 0) {
            throw new PlatformException("memfd_create", -fd, "");
        }
        int sized = Libc.ftruncate(errno, fd, bytes);
        // Sealed, because a peer that got the descriptor could otherwise truncate the file and have us die of SIGBUS on
        // our next access.
        int failed =
                sized < 0 ? sized : Libc.addSeals(errno, fd, Libc.F_SEAL_SHRINK | Libc.F_SEAL_GROW | Libc.F_SEAL_SEAL);
        if (failed < 0) {
            Libc.close(errno, fd);
            throw new PlatformException(
                    sized < 0 ? "ftruncate of a memfd" : "fcntl(F_ADD_SEALS)",
                    -failed,
                    "Asked for " + bytes + " bytes.");
        }
        return fd;
    }

    private static long mapHuge(MemorySegment errno, long bytes, int fd) {
        int flags = fd == NO_FD
                ? Libc.MAP_PRIVATE | Libc.MAP_ANONYMOUS | Libc.MAP_HUGETLB | Libc.MAP_HUGE_2MB
                : Libc.MAP_SHARED;
        long address = Libc.mmap(errno, 0, bytes, Libc.PROT_READ_WRITE, flags, fd);
        if (address < 0) {
            throw new PlatformException("mmap of huge pages", (int) -address, hugePageRemedy(bytes));
        }
        return address;
    }

    private static long mapOrdinary(MemorySegment errno, long bytes, int fd, MappingOptions options) {
        int flags = fd == NO_FD ? Libc.MAP_PRIVATE | Libc.MAP_ANONYMOUS : Libc.MAP_SHARED;
        if (!options.prefault()) {
            // Little of it may ever be used, so Linux must not refuse it for what all of it would take.
            flags |= Libc.MAP_NORESERVE;
        }
        if (bytes < Machine.HUGE_PAGE_BYTES) {
            return mapped(Libc.mmap(errno, 0, bytes, Libc.PROT_READ_WRITE, flags, fd), bytes);
        }
        // mmap aligns to 4 KiB. For the 2 MiB of a huge page: reserve more addresses, map over the aligned part, give
        // the edges back.
        long reservedBytes = bytes + Machine.HUGE_PAGE_BYTES;
        long reserved = mapped(reserve(errno, reservedBytes), reservedBytes);
        long address = roundUp(reserved, Machine.HUGE_PAGE_BYTES);
        long result = Libc.mmap(errno, address, bytes, Libc.PROT_READ_WRITE, flags | Libc.MAP_FIXED, fd);
        if (result < 0) {
            Libc.munmap(errno, reserved, reservedBytes);
            return mapped(result, bytes);
        }
        if (address > reserved) {
            Libc.munmap(errno, reserved, address - reserved);
        }
        Libc.munmap(errno, address + bytes, reserved + reservedBytes - (address + bytes));
        return address;
    }

    private static long mapped(long address, long bytes) {
        if (address < 0) {
            throw new PlatformException("mmap", (int) -address, "Asked for " + bytes + " bytes.");
        }
        return address;
    }

    private static Backing advise(MemorySegment errno, long address, long bytes, int fd, MappingOptions options) {
        if (options.hugePages() == HugePages.NEVER || bytes < Machine.HUGE_PAGE_BYTES) {
            return Backing.ORDINARY_PAGES;
        }
        boolean heeded = fd == NO_FD ? Machine.advisesHugePages() : Machine.advisesSharedHugePages();
        return heeded && Libc.madvise(errno, address, bytes, Libc.MADV_HUGEPAGE) == 0
                ? Backing.ADVISED_PAGES
                : Backing.ORDINARY_PAGES;
    }

    /** Brings every page in. After the advice, so that the pages come in as huge ones. */
    private void populate(MemorySegment errno) {
        int result = Libc.madvise(errno, address, mappedBytes, Libc.MADV_POPULATE_WRITE);
        if (result == -Errno.EINVAL) {
            segment.fill((byte) 0); // Linux before 5.14 does not know the advice.
        } else if (result < 0) {
            close();
            throw new PlatformException(
                    "madvise(MADV_POPULATE_WRITE)",
                    -result,
                    backing == Backing.HUGE_PAGES
                            ? hugePageRemedy(mappedBytes)
                            : "Asked for " + mappedBytes + " bytes.");
        }
    }

    private static void refuseMoreThanAvailable(long bytes) {
        long availableBytes = Machine.availableMemoryBytes();
        // Linux would promise it and then kill a process, likely this one, while the pages come in.
        if (availableBytes != Machine.UNKNOWN && bytes > availableBytes) {
            throw new PlatformException(
                    "mmap",
                    Errno.ENOMEM,
                    "Asked for " + bytes + " bytes; " + availableBytes + " are available on this machine.");
        }
    }

    private static String hugePageRemedy(long bytes) {
        long pages = bytes / Machine.HUGE_PAGE_BYTES;
        return "Asked for " + pages + " huge pages of 2 MiB; " + Machine.freeHugePages() + " of "
                + Machine.totalHugePages()
                + " are free. Reserve more as root: echo N > /proc/sys/vm/nr_hugepages";
    }

    @SuppressWarnings("restricted")
    private MemorySegment bounded(long bytes) {
        // Safety: bytes from address on are mapped; only this object unmaps them, and only as the clean-up of this very
        // arena.
        return MemorySegment.ofAddress(address).reinterpret(bytes, arena, ignored -> unmap());
    }

    @SuppressWarnings("restricted")
    private MemorySegment part(long bytes) {
        // Safety: as above, and the clean-up is the arena's already.
        return MemorySegment.ofAddress(address).reinterpret(bytes, arena, null);
    }

    private void unmap() {
        // First the entry, then the range: another thread may be given the same address as soon as it is free.
        LIVE.remove(address, this);
        try (var scratch = Arena.ofConfined()) {
            var errno = scratch.allocate(Libc.ERRNO_STATE);
            int result = Libc.munmap(errno, address, reservedBytes);
            if (fd != NO_FD) {
                Libc.close(errno, fd);
            }
            if (result < 0) {
                throw new PlatformException("munmap", -result, "");
            }
        }
    }

    static long roundUp(long value, long powerOfTwo) {
        return (value + powerOfTwo - 1) & -powerOfTwo;
    }
}
