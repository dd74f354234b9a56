package io.doorbell.verbs;

import java.lang.foreign.MemorySegment;

/** Memory and queue pairs that may have to do with each other. Any thread; control path. */
public interface ProtectionDomain extends AutoCloseable {

    /**
     * Registers memory. It stays mapped until the region is closed.
     *
     * @param memory native memory, at most {@link DeviceLimits#maxRegionBytes}
     * @param access of {@link Access}; reading by this side is always allowed
     */
    MemoryRegion register(MemorySegment memory, int access);

    /** A window that is bound to nothing yet. */
    MemoryWindow allocateWindow();

    /** @throws IllegalStateException while a region, window, queue pair or shared receive queue of it is open */
    @Override
    void close();
}
