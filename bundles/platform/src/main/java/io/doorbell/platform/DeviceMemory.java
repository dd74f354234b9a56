package io.doorbell.platform;

import java.lang.foreign.MemorySegment;

/**
 * Memory of a device (registers, doorbells), mapped. Accesses go to the device; none is ever merged, split or left out as long as they are made
 * by aligned VarHandles in opaque mode or stronger.
 *
 * <p>A device that leaves may take its pages away. An access ends in SIGBUS then, of which the JVM makes an {@link InternalError}, thrown at the access
 * or a little later on the same thread; the JVM lives. {@link #detach} ends that: from then on the same addresses are ordinary
 * memory of zeros that nobody reads, so that whoever stores a last doorbell late meets no fault, and the kernel's device is let
 * go of although views are open.
 *
 * <p>Ownership and threads: as {@link NativeMemory}.
 */
public final class DeviceMemory implements AutoCloseable {
    private final Mapping mapping;

    DeviceMemory(Mapping mapping) {
        this.mapping = mapping;
    }

    /** The memory, of exactly the bytes asked for. Usable from any thread until {@link #close}. */
    public MemorySegment segment() {
        return mapping.segment();
    }

    /**
     * Puts ordinary memory in the place of the device's, in one step: no access in between fails. Nothing happens the second time, or after
     * {@link #close}.
     *
     * @throws PlatformException if Linux has no memory for it; the device's stays there then
     */
    public void detach() {
        mapping.detach();
    }

    /**
     * Unmaps the memory. Does nothing the second time.
     *
     * @throws IllegalStateException if a {@linkplain MemoryView#within view} of it is open; nothing is closed then, and the call may be repeated
     */
    @Override
    public void close() {
        mapping.close();
    }
}
