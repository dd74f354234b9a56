package io.doorbell.rdmanic;

import io.doorbell.platform.IbvMr;
import io.doorbell.platform.MemoryView;
import io.doorbell.platform.PlatformException;
import io.doorbell.verbs.Access;
import io.doorbell.verbs.MemoryRegion;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;

/** Registered memory, which a view keeps mapped while the device may reach it. */
final class NicRegion implements MemoryRegion {
    private static final Duration CLOSE_BOUND = Duration.ofSeconds(2);

    private final NicDomain domain;
    private final Arena arena = Arena.ofShared();
    private final IbvMr region;
    private final long address;
    private final long bytes;
    private boolean closed;

    NicRegion(NicDomain domain, MemorySegment memory, int access) {
        this.domain = domain;
        address = memory.address();
        bytes = memory.byteSize();
        try {
            // A device without windows refuses what asks for them; of no use there anyhow.
            int known = domain.device.hasWindows() ? access : access & ~Access.WINDOW_BIND;
            region = domain.domain.register(MemoryView.within(memory, arena), known);
        } catch (RuntimeException failed) {
            arena.close();
            throw failed instanceof PlatformException refused
                    ? new IllegalStateException(refused.getMessage(), refused)
                    : failed;
        }
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
        return region.localKey();
    }

    @Override
    public int remoteKey() {
        return region.remoteKey();
    }

    @Override
    public long handle() {
        return region.address();
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        try {
            region.close();
        } catch (PlatformException used) {
            throw new IllegalStateException("a window is bound to this region: " + used.getMessage(), used);
        }
        MemoryView.close(arena, CLOSE_BOUND);
        closed = true;
        domain.users.release();
    }

    @Override
    public String toString() {
        return bytes + " bytes at 0x" + Long.toHexString(address);
    }
}
