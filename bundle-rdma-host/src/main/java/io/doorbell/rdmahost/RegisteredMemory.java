package io.doorbell.rdmahost;

import io.doorbell.host.DmaAllocation;
import io.doorbell.host.DmaMemory;
import io.doorbell.nvme.NvmeException;
import io.doorbell.platform.MappingOptions;
import io.doorbell.platform.MemoryView;
import io.doorbell.platform.NativeMemory;
import io.doorbell.verbs.Access;
import io.doorbell.verbs.MemoryRegion;
import io.doorbell.verbs.ProtectionDomain;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The data memory of one controller: blocks, each with a memory region that no peer has a right to. What a command names is opened for the
 * target by a window, for as long as the command is in flight. An "iova" is the number of a block and an offset in it, so it cannot name
 * anything else. Any thread.
 */
final class RegisteredMemory implements AutoCloseable {
    /** Blocks at once. */
    static final int MOST_BLOCKS = 1 << 12;

    private static final int OFFSET_BITS = 40;
    private static final long OFFSET_MASK = (1L << OFFSET_BITS) - 1;
    private static final int PAGE_BYTES = 4096;

    private final String name;
    private final ProtectionDomain domain;
    private final long mostBytes;
    private final Runnable unused;

    /** By number, from 1. Read without a lock by those who have an iova of the block. */
    private final Block[] blocks = new Block[MOST_BLOCKS];

    // Guarded by this.
    private long takenBytes;
    private int next = 1;
    private int users = 1;
    private boolean closing;

    /** @param unused called once, when it is closed and nobody has anything of it any more */
    RegisteredMemory(String name, ProtectionDomain domain, long mostBytes, Runnable unused) {
        this.name = name;
        this.domain = domain;
        this.mostBytes = mostBytes;
        this.unused = unused;
    }

    /** Registered memory, in use until it is closed. */
    final class Block implements DmaAllocation {
        private final int number;
        private final NativeMemory mapping;

        /** With the lifetime of who asked for it. */
        final MemorySegment view;

        final MemoryRegion region;
        final long bytes;
        private boolean closed;

        private Block(int number, long bytes, NativeMemory mapping, MemorySegment view, MemoryRegion region) {
            this.number = number;
            this.bytes = bytes;
            this.mapping = mapping;
            this.view = view;
            this.region = region;
        }

        long iova() {
            return (long) number << OFFSET_BITS;
        }

        @Override
        public DmaMemory memory() {
            return new DmaMemory(view, iova());
        }

        @Override
        public void close() {
            synchronized (RegisteredMemory.this) {
                if (closed) {
                    return;
                }
                if (view.scope().isAlive()) {
                    throw new IllegalStateException("the view of this memory is open");
                }
                region.close();
                mapping.close();
                closed = true;
                blocks[number] = null;
                takenBytes -= rounded(bytes);
            }
            release();
        }
    }

    private static long rounded(long bytes) {
        return Math.ceilDiv(bytes, PAGE_BYTES) * PAGE_BYTES;
    }

    /** Somebody who uses the domain. */
    synchronized void retain() {
        if (closing) {
            throw new NvmeException(NvmeException.Kind.GIVE_UP, name, "the initiator has let go of it");
        }
        users++;
    }

    void release() {
        synchronized (this) {
            users--;
            if (users > 0) {
                return;
            }
        }
        unused.run();
    }

    /**
     * Memory that lives until {@code arena} is closed and the block is.
     *
     * @throws NvmeException when there is not so much left
     */
    synchronized Block allocate(long bytes, Arena arena) {
        if (bytes < 1 || bytes > OFFSET_MASK) {
            throw new IllegalArgumentException(name + ": " + bytes + " bytes of memory, 1 to " + OFFSET_MASK);
        }
        if (rounded(bytes) > mostBytes - takenBytes) {
            throw new NvmeException(
                    NvmeException.Kind.GIVE_UP,
                    name + ", allocating memory",
                    bytes + " bytes asked for; of " + mostBytes + " are " + takenBytes + " in use (memory.mib)");
        }
        retain();
        try {
            int number = freeNumber();
            var mapping = NativeMemory.allocate(bytes, MappingOptions.ORDINARY);
            MemoryRegion region = null;
            try {
                region = domain.register(mapping.segment(), Access.LOCAL_WRITE | Access.WINDOW_BIND);
                var view = MemoryView.within(mapping.segment(), arena);
                var block = new Block(number, bytes, mapping, view, region);
                blocks[number] = block;
                takenBytes += rounded(bytes);
                return block;
            } catch (RuntimeException failed) {
                if (region != null) {
                    region.close();
                }
                mapping.close();
                throw failed;
            }
        } catch (RuntimeException failed) {
            users--;
            throw failed;
        }
    }

    /** Numbers go round, so that one that is given back is not somebody else's at once. */
    private int freeNumber() {
        for (int tries = 1; tries < MOST_BLOCKS; tries++) {
            int number = next;
            next = next + 1 == MOST_BLOCKS ? 1 : next + 1;
            if (blocks[number] == null) {
                return number;
            }
        }
        throw new NvmeException(
                NvmeException.Kind.GIVE_UP,
                name + ", allocating memory",
                "a controller has " + (MOST_BLOCKS - 1) + " pieces of memory at most");
    }

    /**
     * The block of a range.
     *
     * @throws IllegalArgumentException when it does not lie in one
     */
    Block block(long iova, long bytes) {
        long number = iova >>> OFFSET_BITS;
        var block = number < MOST_BLOCKS ? blocks[(int) number] : null;
        if (block == null || offset(iova) > block.bytes - bytes) {
            throw new IllegalArgumentException(
                    bytes + " bytes at " + Long.toHexString(iova) + "h are not memory of this controller");
        }
        return block;
    }

    static long offset(long iova) {
        return iova & OFFSET_MASK;
    }

    /** Bytes that are in use. */
    synchronized long takenBytes() {
        return takenBytes;
    }

    /** Gives nothing any more. Idempotent. */
    @Override
    public void close() {
        synchronized (this) {
            if (closing) {
                return;
            }
            closing = true;
        }
        release();
    }
}
