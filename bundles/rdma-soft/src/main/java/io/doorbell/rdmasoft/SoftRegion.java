package io.doorbell.rdmasoft;

import io.doorbell.platform.MemoryView;
import io.doorbell.verbs.MemoryRegion;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;

/** Registered memory. The view that packets are copied by has an arena of its own, whose close is the fence. */
final class SoftRegion extends KeyedMemory implements MemoryRegion {
    private static final Duration CLOSE_BOUND = Duration.ofSeconds(2);

    final MemorySegment memory;
    private final Arena arena = Arena.ofShared();
    private final long address;
    private final long bytes;
    private final int access;

    private boolean closed;

    SoftRegion(SoftDomain domain, MemorySegment segment, int access) {
        super(domain);
        memory = MemoryView.within(segment, arena);
        address = segment.address();
        bytes = segment.byteSize();
        this.access = access;
    }

    @Override
    SoftRegion region() {
        return this;
    }

    @Override
    int access() {
        return access;
    }

    @Override
    boolean isFor(SoftQueuePair pair) {
        return true;
    }

    @Override
    public long address() {
        return address;
    }

    @Override
    public long bytes() {
        return bytes;
    }

    @Override
    public int localKey() {
        return key;
    }

    @Override
    public int remoteKey() {
        return key;
    }

    @Override
    public long handle() {
        return Integer.toUnsignedLong(key);
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        domain.device.keys.remove(this);
        MemoryView.close(arena, CLOSE_BOUND);
        closed = true;
        domain.users.release();
    }

    @Override
    public String toString() {
        return bytes + " bytes at 0x" + Long.toHexString(address);
    }
}
