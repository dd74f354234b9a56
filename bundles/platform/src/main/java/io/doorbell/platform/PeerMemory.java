package io.doorbell.platform;

import java.lang.foreign.MemorySegment;

/**
 * A part of a file that another process gave us as a descriptor, mapped for reading and writing: what the other side of {@link SharedMemory} sees.
 *
 * <p>The file is looked at first: a mapping never reaches beyond its end. Where the kernel allows it (a memfd that was not made without sealing)
 * the file is sealed, so that its owner cannot shorten it later. Where it does not (a file of a hugetlbfs, of an ordinary file system), an owner who
 * shortens it takes the pages away: an access then ends in an {@link InternalError}, which the JVM makes of SIGBUS and may throw a little later
 * than the access. Whoever works on such memory must survive that.
 *
 * <p>Ownership and threads: as {@link NativeMemory}. The descriptor stays its owner's and may be closed at once.
 */
public final class PeerMemory implements AutoCloseable {
    private final Mapping mapping;
    private final MemorySegment segment;

    private PeerMemory(Mapping mapping, MemorySegment segment) {
        this.mapping = mapping;
        this.segment = segment;
    }

    /**
     * Maps {@code bytes} of the file from {@code offset} on, neither of which needs to be a multiple of a page.
     *
     * @throws PlatformException if the file is none that can be mapped, does not reach that far, or was not opened for writing; the message says which
     */
    public static PeerMemory map(Descriptor file, long offset, long bytes) {
        NativeAccess.require();
        // First, so that what is looked at next stays true.
        file.sealAgainstShrinking();
        var state = file.state();
        if (!state.regular()) {
            throw new PlatformException("The descriptor is not one of a file in memory: it cannot be mapped.");
        }
        if (offset < 0 || bytes <= 0 || bytes > NativeMemory.MAX_BYTES || offset > state.bytes() - bytes) {
            throw new PlatformException(
                    "Cannot map " + bytes + " bytes from " + offset + " on of a file of " + state.bytes() + " bytes.");
        }
        // The block size of a hugetlbfs is that of its huge pages, and it maps nothing smaller. Rounding up passes
        // the end of a file by less than a block at most, and the segment does not reach there.
        long pageBytes = state.blockBytes() > Machine.PAGE_BYTES && Long.bitCount(state.blockBytes()) == 1
                ? state.blockBytes()
                : Machine.PAGE_BYTES;
        long start = offset & -pageBytes;
        var mapping = Mapping.file(
                file.fd(),
                start,
                Mapping.roundUp(offset + bytes - start, pageBytes),
                state.blockBytes() == Machine.HUGE_PAGE_BYTES);
        return new PeerMemory(mapping, mapping.segment().asSlice(offset - start, bytes));
    }

    /** The memory, of exactly the bytes asked for. Usable from any thread until {@link #close}. */
    public MemorySegment segment() {
        return segment;
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
