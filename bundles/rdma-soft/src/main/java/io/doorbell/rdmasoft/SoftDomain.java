package io.doorbell.rdmasoft;

import io.doorbell.verbs.Access;
import io.doorbell.verbs.MemoryRegion;
import io.doorbell.verbs.MemoryWindow;
import io.doorbell.verbs.ProtectionDomain;
import java.lang.foreign.MemorySegment;

/** Memory and queue pairs that may have to do with each other. */
final class SoftDomain implements ProtectionDomain {
    final SoftDevice device;

    // Guarded by this.
    private int users;
    private boolean closed;

    SoftDomain(SoftDevice device) {
        this.device = device;
    }

    synchronized void retain() {
        if (closed) {
            throw new IllegalStateException("this protection domain is closed");
        }
        users++;
    }

    synchronized void release() {
        users--;
    }

    @Override
    public MemoryRegion register(MemorySegment memory, int access) {
        Access.checked(access);
        if (!memory.isNative() || memory.isReadOnly() || memory.byteSize() < 1) {
            throw new IllegalArgumentException("only native memory that can be written is registered");
        }
        if (memory.byteSize() > device.limits().maxRegionBytes()) {
            throw new IllegalArgumentException(
                    memory.byteSize() + " bytes of a region: " + device.limits().maxRegionBytes() + " at most");
        }
        return added(new SoftRegion(this, memory, access));
    }

    @Override
    public MemoryWindow allocateWindow() {
        return added(new SoftWindow(this));
    }

    private <T extends KeyedMemory> T added(T memory) {
        retain();
        try {
            device.keys.add(memory);
            return memory;
        } catch (RuntimeException full) {
            release();
            throw full;
        }
    }

    @Override
    public synchronized void close() {
        if (users > 0) {
            throw new IllegalStateException(
                    users + " regions, windows, queue pairs or receive queues of this protection domain are open");
        }
        closed = true;
    }
}
