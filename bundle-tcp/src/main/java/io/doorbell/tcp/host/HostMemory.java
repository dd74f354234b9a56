package io.doorbell.tcp.host;

import io.doorbell.host.DmaAllocation;
import io.doorbell.host.DmaMemory;
import io.doorbell.nvme.NvmeException;
import io.doorbell.platform.MappingOptions;
import io.doorbell.platform.MemoryView;
import io.doorbell.platform.NativeMemory;
import java.lang.foreign.Arena;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The memory of one controller: what its connections need, and what holders of queue pairs have for data. One region, so that a place
 * in it is a number, which cannot name anything else: the "iova" of this driver. Pages come when they are touched and go when they are
 * freed. Any thread.
 */
final class HostMemory implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(HostMemory.class);

    private static final int PAGE_BYTES = 4096;

    /** One buffer of Java covers all of it. */
    static final int MOST_MEBIBYTES = 2047;

    private final String name;
    private final NativeMemory memory;

    // Guarded by this.
    private final TreeMap<Long, Long> free = new TreeMap<>();
    private int taken;
    private boolean closing;
    private boolean closed;

    HostMemory(String name, long bytes) {
        this.name = name;
        memory = NativeMemory.allocate(bytes, MappingOptions.SPARSE);
        free.put(0L, bytes);
    }

    /** A part of it, in use until it is closed. */
    final class Part implements AutoCloseable {
        private final long offset;
        private final long bytes;
        private boolean given;

        private Part(long offset, long bytes) {
            this.offset = offset;
            this.bytes = bytes;
        }

        long offset() {
            return offset;
        }

        /** Its pages are zero when they are used again. Idempotent. */
        @Override
        public void close() {
            synchronized (HostMemory.this) {
                if (!given) {
                    given = true;
                    giveBack(this);
                }
            }
        }
    }

    LinkMemory view(Arena arena) {
        return new LinkMemory(memory, arena);
    }

    /** @throws NvmeException when there is not so much in one piece */
    synchronized Part take(long bytes, String what) {
        long rounded = Math.ceilDiv(bytes, PAGE_BYTES) * PAGE_BYTES;
        if (bytes < 1 || closing) {
            throw new IllegalArgumentException(name + ": " + bytes + " bytes of memory for " + what
                    + (closing ? ", and the controller is closed" : ": at least 1 is needed"));
        }
        for (var hole : free.entrySet()) {
            if (hole.getValue() >= rounded) {
                return take(hole, rounded);
            }
        }
        long left = free.values().stream().mapToLong(Long::longValue).sum();
        throw new NvmeException(
                NvmeException.Kind.GIVE_UP,
                name + ", allocating memory for " + what,
                bytes + " bytes asked for; of " + memory.segment().byteSize() + " are " + left
                        + " free (memory.mib), not all in one piece");
    }

    private Part take(Map.Entry<Long, Long> hole, long bytes) {
        long offset = hole.getKey();
        long rest = hole.getValue() - bytes;
        free.remove(offset);
        if (rest > 0) {
            free.put(offset + bytes, rest);
        }
        taken++;
        return new Part(offset, bytes);
    }

    private void giveBack(Part part) {
        memory.discard(part.offset, part.bytes);
        long offset = part.offset;
        long bytes = part.bytes;
        var before = free.floorEntry(offset);
        if (before != null && before.getKey() + before.getValue() == offset) {
            offset = before.getKey();
            bytes += before.getValue();
        }
        var after = free.get(part.offset + part.bytes);
        if (after != null) {
            free.remove(part.offset + part.bytes);
            bytes += after;
        }
        free.put(offset, bytes);
        taken--;
        unmapUnused();
    }

    DmaAllocation allocate(long bytes, Arena arena) {
        var part = take(bytes, "data");
        try {
            var view = MemoryView.within(memory.segment().asSlice(part.offset(), bytes), arena);
            return new Allocation(part, new DmaMemory(view, part.offset()));
        } catch (RuntimeException e) {
            part.close();
            throw e;
        }
    }

    private record Allocation(Part part, DmaMemory memory) implements DmaAllocation {
        @Override
        public void close() {
            if (memory.segment().scope().isAlive()) {
                throw new IllegalStateException("the view of this memory is open");
            }
            part.close();
        }
    }

    /** Bytes that are in use, for tests. */
    synchronized long takenBytes() {
        return memory.segment().byteSize()
                - free.values().stream().mapToLong(Long::longValue).sum();
    }

    /** Unmaps it, now or when its last part is given back. Idempotent. */
    @Override
    public synchronized void close() {
        closing = true;
        unmapUnused();
    }

    private void unmapUnused() {
        if (!closing || taken > 0 || closed) {
            return;
        }
        try {
            memory.close();
            closed = true;
        } catch (IllegalStateException e) {
            // Somebody's view is open; whoever closes a part next comes by here again.
            LOG.warn("{}: its memory is not freed yet: {}", name, e.getMessage());
        }
    }
}
