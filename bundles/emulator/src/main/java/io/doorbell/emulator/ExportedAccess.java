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

    /**
     * Whether the driver lets the device reach memory, by the bus master bit of the command register. Where it does not, the device fetches,
     * posts and interrupts nothing; what a namespace has begun with goes on. True at first. When this returns, it is so.
     */
    void busMaster(boolean now);

    /**
     * Holds back the interrupts of a vector, as the driver asks by its MSI-X table; one that was raised meanwhile is told when
     * that ends. Nothing is masked at first.
     */
    void maskInterrupt(int vector, boolean masked);

    /** Whether an interrupt was raised that is held back: the vector's bit in the pending bit array. */
    boolean isInterruptPending(int vector);

    /** Resets the function and keeps the claim: a function-level reset. What was mapped stays mapped; interrupts are routed nowhere. */
    void reset();
}
