package io.doorbell.rdmanic;

import io.doorbell.platform.IbvPd;
import io.doorbell.platform.PlatformException;
import io.doorbell.verbs.Access;
import io.doorbell.verbs.MemoryRegion;
import io.doorbell.verbs.MemoryWindow;
import io.doorbell.verbs.ProtectionDomain;
import java.lang.foreign.MemorySegment;

/** Memory and queue pairs that may have to do with each other. */
final class NicDomain implements ProtectionDomain {
    final NicDevice device;
    final IbvPd domain;

    // Guarded by this.
    private int users;
    private boolean closed;

    NicDomain(NicDevice device, IbvPd domain) {
        this.device = device;
        this.domain = domain;
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
        retain();
        try {
            return new NicRegion(this, memory, access);
        } catch (RuntimeException failed) {
            release();
            throw failed;
        }
    }

    @Override
    public MemoryWindow allocateWindow() {
        if (!device.hasWindows()) {
            throw new IllegalStateException(
                    device + " has no memory windows of type 2B, by which peers reach memory here");
        }
        retain();
        try {
            return new NicWindow(this, domain.allocateWindow());
        } catch (PlatformException none) {
            release();
            throw new IllegalStateException(none.getMessage(), none);
        }
    }

    @Override
    public synchronized void close() {
        if (users > 0) {
            throw new IllegalStateException(
                    users + " regions, windows, queue pairs or receive queues of this protection domain are open");
        }
        if (!closed) {
            domain.close();
            closed = true;
            device.release();
        }
    }
}
