package io.doorbell.emulator;

import io.doorbell.pci.PciAccess;
import io.doorbell.platform.SharedMemory;
import java.lang.foreign.MemorySegment;

/**
 * A claim for a driver in another process: what whoever serves it needs beside what a driver in this one does. Such a driver names memory by
 * addresses of its own, and reaches doorbells through a file.
 */
public interface ExportedAccess extends PciAccess {
    /** BAR0 as a file. Of its memory only what lies from {@code Registers.DOORBELLS} on means anything. It stays the claim's. */
    SharedMemory bar0();

    /**
     * Lets the device reach memory at an address of the driver's choice.
     *
     * @param iova of whole pages, as the memory, and below 2^63 to its end
     * @param memory see {@link #map(MemorySegment)}
     */
    DmaMapping map(long iova, MemorySegment memory);

    /**
     * Whether somebody calls {@link #doorbellStored} for doorbells that the driver stores, as the contract of it says. Where nobody does, because
     * the driver only stores, the device looks again and again, and never sleeps longer than
     * {@code EmulatedController.LONGEST_NAP_NANOS} while it is enabled. When this returns, it is so. True at first.
     */
    void signalled(boolean signalled);

    /** Resets the function and keeps the claim: a function-level reset. What was mapped stays mapped. */
    void reset();
}
