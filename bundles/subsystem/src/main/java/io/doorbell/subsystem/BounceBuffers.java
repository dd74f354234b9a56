package io.doorbell.subsystem;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * Memory in which a {@link CheckedSession} looks at blocks before a host or a store has them. Kept for reuse, by powers of
 * two. Owner: the session's reactor.
 */
final class BounceBuffers {
    /** In use and kept, of one session; a command that takes more by itself has it alone. */
    static final long MAX_BYTES = 64L << 20;

    private static final int MIN_BYTES = 4096;

    private final List<ArrayDeque<MemorySegment>> kept = new ArrayList<>();

    private long keptBytes;
    private long usedBytes;

    BounceBuffers() {
        for (int order = 0; order < Integer.SIZE; order++) {
            kept.add(new ArrayDeque<>());
        }
    }

    /** At least so much, or null while others have too much. */
    MemorySegment take(int bytes) {
        int order = Integer.SIZE - Integer.numberOfLeadingZeros(Math.max(bytes, MIN_BYTES) - 1);
        var segment = kept.get(order).poll();
        if (segment != null) {
            keptBytes -= segment.byteSize();
        } else {
            long size = 1L << order;
            if (usedBytes != 0 && usedBytes + size > MAX_BYTES) {
                return null;
            }
            if (usedBytes + keptBytes + size > MAX_BYTES) {
                forgetKept();
            }
            segment = Arena.ofAuto().allocate(size, MIN_BYTES);
        }
        usedBytes += segment.byteSize();
        return segment;
    }

    void give(MemorySegment segment) {
        usedBytes -= segment.byteSize();
        keptBytes += segment.byteSize();
        kept.get(Long.numberOfTrailingZeros(segment.byteSize())).push(segment);
    }

    private void forgetKept() {
        kept.forEach(ArrayDeque::clear);
        keptBytes = 0;
    }
}
