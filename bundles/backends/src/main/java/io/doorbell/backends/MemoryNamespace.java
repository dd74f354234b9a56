package io.doorbell.backends;

import io.doorbell.platform.HugePages;
import io.doorbell.platform.MappingOptions;
import io.doorbell.platform.NativeMemory;
import io.doorbell.reactor.Reactor;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceShape;
import java.lang.foreign.MemorySegment;
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

    /** Reserved huge pages are left to rings and buffers. */
    private static final MappingOptions RESIDENT = new MappingOptions(HugePages.ADVISED, true);

    private final NamespaceShape shape;
    private final boolean resident;
    private final NativeMemory memory;

    // Guarded by this.
    private final List<MemorySession> sessions = new ArrayList<>();
    private final List<MemorySession> moving = new ArrayList<>();
    private final List<MemorySession> toAsk = new ArrayList<>();
    private MemorySession holder;
    private boolean closed;

    /** @param resident whether all of the memory is there from the start, and stays */
    MemoryNamespace(int blockBytes, long blockCount, boolean resident) {
        this.resident = resident;
        shape = new NamespaceShape(blockBytes, blockCount, UUID.randomUUID(), true, !resident, false, "memory");
        memory = NativeMemory.allocate(shape.byteSize(), resident ? RESIDENT : MappingOptions.SPARSE);
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
