package io.doorbell.tcp.host;

import io.doorbell.platform.MemoryView;
import io.doorbell.platform.NativeMemory;
import io.doorbell.platform.SocketVector;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The memory of a controller as one lease sees it: until its arena is closed. */
final class LinkMemory {
    private final NativeMemory memory;
    private final Arena arena;
    private final MemorySegment segment;
    private final Digest digest;

    LinkMemory(NativeMemory memory, Arena arena) {
        this.memory = memory;
        this.arena = arena;
        segment = MemoryView.within(memory.segment(), arena);
        digest = new Digest(segment.asByteBuffer());
    }

    MemorySegment segment() {
        return segment;
    }

    Digest digest() {
        return digest;
    }

    SocketVector vector(int maxParts) {
        return new SocketVector(memory, maxParts, arena);
    }
}
