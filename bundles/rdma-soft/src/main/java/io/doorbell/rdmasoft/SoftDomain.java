package io.doorbell.rdmasoft;

import io.doorbell.verbs.MemoryRegion;
import io.doorbell.verbs.MemoryWindow;
import io.doorbell.verbs.ProtectionDomain;
import io.doorbell.verbs.provider.Checks;
import io.doorbell.verbs.provider.Users;
import java.lang.foreign.MemorySegment;

/** Memory and queue pairs that may have to do with each other. */
final class SoftDomain implements ProtectionDomain {
    final SoftDevice device;

    final Users users = new Users("protection domain", "regions, windows, queue pairs or receive queues");

    SoftDomain(SoftDevice device) {
        this.device = device;
    }

    @Override
    public MemoryRegion register(MemorySegment memory, int access) {
        Checks.region(memory, access, device.limits());
        return added(new SoftRegion(this, memory, access));
    }

    @Override
    public MemoryWindow allocateWindow() {
        return added(new SoftWindow(this));
    }

    private <T extends KeyedMemory> T added(T memory) {
        users.retain();
        try {
            device.keys.add(memory);
            return memory;
        } catch (RuntimeException full) {
            users.release();
            throw full;
        }
    }

    @Override
    public void close() {
        users.close(() -> {});
    }
}
