package io.doorbell.backends;

import io.doorbell.platform.HugePages;
import io.doorbell.platform.MappingOptions;
import io.doorbell.platform.NativeMemory;
import io.doorbell.platform.PlatformException;
import io.doorbell.reactor.Reactor;
import io.doorbell.storage.BlockFormat;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceShape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.RejectedExecutionException;

/**
 * Blocks in memory. See {@link MemoryBackend}.
 *
 * <p>Sessions read and write without a lock. A fused pair has to keep the others off, and pays for it alone: it takes the
 * gate, asks every other session to stand still, and executes when each has said on its own thread that it does. A
 * session that stands still keeps what it is given until the gate is free. Nobody blocks, so reactors that ask each other
 * at the same time cannot lock each other up.
 */
final class MemoryNamespace implements Namespace {
    /** More sessions than any node has reactors and controllers. */
    private static final int MAX_SESSIONS = 4096;

    /** A namespace can grow to so many bytes, or to so many times what it was made with. Addresses are kept for it, and no memory. */
    private static final long MIN_GROWN_BYTES = 64L << 30;

    private static final long GROWTH = 16;

    /** Erased between two looks at the progress. */
    private static final long ERASE_BYTES = 4L << 20;

    private static final ValueLayout.OfInt PATTERN = ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Reserved huge pages are left to rings and buffers. */
    private static final MappingOptions RESIDENT = new MappingOptions(HugePages.ADVISED, true);

    private volatile NamespaceShape shape;
    private final boolean resident;
    /** Of the data, as it was made or resized. */
    private volatile long dataBytes;

    /** Another one when it is formatted, with no session open. */
    private volatile NativeMemory memory;

    // Guarded by this.
    private final List<MemorySession> sessions = new ArrayList<>();
    private final List<MemorySession> moving = new ArrayList<>();
    private final List<MemorySession> toAsk = new ArrayList<>();
    private MemorySession holder;
    private boolean closed;

    /** @param resident whether all of the memory is there from the start, and stays */
    MemoryNamespace(BlockFormat format, long blockCount, boolean resident) {
        this.resident = resident;
        shape = new NamespaceShape(format, blockCount, UUID.randomUUID(), true, !resident, false, "memory");
        dataBytes = shape.byteSize();
        memory = allocate(shape.storedBytes());
    }

    private NativeMemory allocate(long bytes) {
        long most = Math.min(NativeMemory.MAX_BYTES, Math.max(MIN_GROWN_BYTES, bytes * GROWTH));
        return NativeMemory.allocateGrowing(bytes, most, resident ? RESIDENT : MappingOptions.SPARSE);
    }

    @Override
    public NamespaceShape shape() {
        return shape;
    }

    MemorySegment segment() {
        return memory.segment();
    }

    void zero(long offset, long bytes) {
        if (resident) {
            memory.segment().asSlice(offset, bytes).fill((byte) 0);
        } else {
            memory.discard(offset, bytes);
        }
    }

    @Override
    public synchronized MemorySession open(Reactor reactor) {
        if (closed) {
            throw new IllegalStateException("this memory namespace is closed");
        }
        if (sessions.size() == MAX_SESSIONS) {
            throw new IllegalStateException("a memory namespace has at most " + MAX_SESSIONS + " sessions");
        }
        // A session that comes while a fused pair executes stands still from the start.
        var session = new MemorySession(this, reactor, holder != null);
        sessions.add(session);
        return session;
    }

    /**
     * Takes the gate for a fused pair if it is free, and goes on asking the others. Call it again until it answers true;
     * then execute, and {@link #leave}.
     */
    synchronized boolean enter(MemorySession session) {
        if (holder == null) {
            holder = session;
            for (var other : sessions) {
                if (other != session) {
                    moving.add(other);
                    toAsk.add(other);
                }
            }
        }
        if (holder != session) {
            return false;
        }
        // A session whose thread has ended cannot answer, and does nothing any more.
        toAsk.removeIf(other -> !other.reactor().thread().isAlive());
        moving.removeIf(other -> !other.reactor().thread().isAlive());
        while (!toAsk.isEmpty()) {
            var other = toAsk.getLast();
            try {
                other.reactor().execute(other::standStill);
            } catch (RejectedExecutionException full) {
                break; // Its queue is full now: the next call tries again.
            }
            toAsk.removeLast();
        }
        return moving.isEmpty();
    }

    /** {@code session} executes nothing until {@link #isFree}. */
    synchronized void standsStill(MemorySession session) {
        if (moving.remove(session) && moving.isEmpty() && holder != null) {
            holder.reactor().wake();
        }
    }

    synchronized void leave(MemorySession session) {
        if (holder != session) {
            return;
        }
        holder = null;
        moving.clear();
        toAsk.clear();
        for (var other : sessions) {
            if (other != session) {
                other.reactor().wake();
            }
        }
    }

    synchronized boolean isFree() {
        return holder == null;
    }

    synchronized void closed(MemorySession session) {
        leave(session);
        sessions.remove(session);
        toAsk.remove(session);
        standsStill(session);
    }

    /** Memory has nothing that could be lost later. */
    @Override
    public void flush() {}

    @Override
    public void format(BlockFormat format) {
        if (dataBytes < format.blockBytes()) {
            throw new IllegalArgumentException("not one block of " + format + " in " + dataBytes + " bytes");
        }
        var formatted = shape.formatted(format, dataBytes);
        if (formatted.storedBytes() <= memory.segment().byteSize()) {
            erase(Erasure.DISCARD, (done, of) -> true);
        } else {
            // Metadata that there was no room for.
            NativeMemory larger;
            try {
                larger = allocate(formatted.storedBytes());
            } catch (PlatformException refused) {
                throw new UncheckedIOException(new IOException(refused));
            }
            memory.close();
            memory = larger;
        }
        shape = formatted;
    }

    /** Memory stays where it is: what is new is mapped behind it, what is given up is given back. */
    @Override
    public synchronized void resize(long bytes) {
        var resized = shape.resized(bytes);
        if (resized.storedBytes() > memory.mostBytes()) {
            throw new IllegalArgumentException("size " + bytes + " of a memory namespace that was made with "
                    + dataBytes + ": its memory can grow to " + memory.mostBytes() + " bytes");
        }
        try {
            memory.grow(resized.storedBytes());
        } catch (PlatformException refused) {
            throw new UncheckedIOException(new IOException(refused));
        }
        long before = shape.storedBytes();
        shape = resized;
        dataBytes = bytes;
        if (resized.storedBytes() < before) {
            memory.discard(resized.storedBytes(), before - resized.storedBytes());
        }
    }

    @Override
    public boolean isErasable() {
        return true;
    }

    @Override
    public boolean erase(Erasure erasure, Progress progress) {
        long size = memory.segment().byteSize();
        long total = size * (erasure.passes() + 1);
        long done = 0;
        for (int pass = 0; pass <= erasure.passes(); pass++) {
            for (long at = 0; at < size; at += ERASE_BYTES) {
                long part = Math.min(ERASE_BYTES, size - at);
                if (pass == erasure.passes()) {
                    zero(at, part);
                } else {
                    fill(at, part, erasure.patternOf(pass));
                }
                done += part;
                if (!progress.at(done, total)) {
                    return false;
                }
            }
        }
        return true;
    }

    private void fill(long offset, long bytes, int pattern) {
        for (long at = offset; at < offset + bytes; at += Integer.BYTES) {
            memory.segment().set(PATTERN, at, pattern);
        }
    }

    /** Memory that cannot be read ends the process. */
    @Override
    public boolean scan(Progress progress) {
        return progress.at(1, 1);
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            memory.close();
        }
    }

    @Override
    public String toString() {
        return "memory namespace of " + shape.byteSize() + " bytes";
    }
}
