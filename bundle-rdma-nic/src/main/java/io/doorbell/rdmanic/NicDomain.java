package io.doorbell.rdmanic;

import io.doorbell.platform.IbvPd;
import io.doorbell.platform.PlatformException;
import io.doorbell.verbs.MemoryRegion;
import io.doorbell.verbs.MemoryWindow;
import io.doorbell.verbs.ProtectionDomain;
import io.doorbell.verbs.provider.Checks;
import io.doorbell.verbs.provider.Users;
import java.lang.foreign.MemorySegment;

/** Memory and queue pairs that may have to do with each other. */
final class NicDomain implements ProtectionDomain {
    final NicDevice device;
    final IbvPd domain;

    final Users users = new Users("protection domain", "regions, windows, queue pairs or receive queues");

    NicDomain(NicDevice device, IbvPd domain) {
        this.device = device;
        this.domain = domain;
    }

    @Override
    public MemoryRegion register(MemorySegment memory, int access) {
        Checks.region(memory, access, device.limits());
        users.retain();
        try {
            return new NicRegion(this, memory, access);
        } catch (RuntimeException failed) {
            users.release();
            throw failed;
        }
    }

    @Override
    public MemoryWindow allocateWindow() {
        if (!device.hasWindows()) {
            throw new IllegalStateException(
                    device + " has no memory windows of type 2B, by which peers reach memory here");
        }
        users.retain();
        try {
            return new NicWindow(this, domain.allocateWindow());
        } catch (PlatformException none) {
            users.release();
            throw new IllegalStateException(none.getMessage(), none);
        }
    }

    @Override
    public void close() {
        users.close(() -> {
            domain.close();
            device.release();
        });
    }
}
