package io.doorbell.pci;

import io.doorbell.nvme.Registers;
import io.doorbell.platform.EventFd;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

/**
 * A claimed PCI function. Registers and mappings are control plane and may be used by any thread; doorbells are stored to
 * by the owner of the queue they belong to.
 */
public interface PciAccess extends AutoCloseable {

    /** @throws IllegalArgumentException where no controller has a register of so many bytes */
    static void requireRegister(int offset, int bytes) {
        if (offset < 0 || offset % bytes != 0 || offset + bytes > Registers.DOORBELLS) {
            throw new IllegalArgumentException(String.format("no register of %d bytes at %Xh", bytes, offset));
        }
    }

    /** Reads a 32-bit register of BAR0. All ones is what a removed device answers; this does not throw for it. */
    int readRegister32(int offset);

    /** Reads a 64-bit register of BAR0. */
    long readRegister64(int offset);

    void writeRegister32(int offset, int value);

    void writeRegister64(int offset, long value);

    /**
     * The doorbells: BAR0 from offset 1000h on. The segment lives as long as this access; a queue pair makes views of its
     * own words, with its own lifetime ({@code MemoryView.within}).
     */
    MemorySegment doorbells();

    /**
     * Tells a device that shares its doorbell memory with us, and may be asleep, that a doorbell was stored to. A device
     * behind a real bus sees the store itself, and this does nothing. Called only when the event index asks for it, or
     * after each commit where there are no shadow doorbells. Any thread.
     */
    void doorbellStored();

    /** Whether {@link #doorbellStored()} does anything. Constant for this access. */
    boolean wantsDoorbellSignal();

    /**
     * Lets the device reach memory.
     *
     * @param memory native, page aligned, a whole number of pages; stays mapped until {@link DmaMapping#close()}
     * @throws PciException when it cannot be mapped, with the limit that was hit
     */
    DmaMapping map(MemorySegment memory);

    /**
     * New memory of zeros that the device can reach. Rings and buffers come from here and not from {@link #map}, because only the access knows what
     * memory its device can be given: one in another process needs a file that both can map.
     *
     * @param bytes rounded up to whole pages
     * @throws PciException when it cannot be mapped, with the limit that was hit
     * @throws io.doorbell.platform.PlatformException when the machine has not that much memory
     */
    default DmaBlock allocate(long bytes) {
        return AllocatedBlock.allocate(this, bytes);
    }

    /**
     * Interrupt vectors (MSI-X) the function has and this access can route; 0 for a function that can only be polled. Constant.
     */
    default int interruptVectors() {
        return 0;
    }

    /**
     * Routes a vector: from now on each of its interrupts signals {@code sign}. Several vectors may share a sign, and a sign may be signalled
     * without an interrupt, so whoever wakes looks. The sign stays its owner's; route the vector elsewhere before it is closed.
     *
     * @param vector 0 to {@link #interruptVectors()} - 1; vector 0 is that of the admin completion queue
     * @param sign null to be told no more, which the function begins with
     * @throws PciException when the function, or the machine, cannot do it, with the remedy
     * @throws IndexOutOfBoundsException for a vector that is not there
     */
    default void routeInterrupt(int vector, EventFd sign) {
        throw new IndexOutOfBoundsException("interrupt vector " + vector + ": this function has none");
    }

    /** Called at most once, on any thread, when the function has gone away; called at once if it has already. */
    void onRemoval(Consumer<String> listener);

    boolean removed();

    /** Ends the claim: resets the function, unmaps what is still mapped. Idempotent. */
    @Override
    void close();

    /** Memory that the device can reach at {@code iova()}, until closed. Closing waits until the device cannot any more. */
    interface DmaMapping extends AutoCloseable {
        long iova();

        @Override
        void close();
    }

    /**
     * Memory that was allocated for the device. Page aligned, 2 MiB aligned from 2 MiB on; contiguous to the device. Views of it are made by
     * {@code MemoryView.within}.
     */
    interface DmaBlock extends DmaMapping {
        /** The memory, of whole pages, until closed. */
        MemorySegment segment();

        /**
         * Unmaps from the device, then frees. Idempotent.
         *
         * @throws IllegalStateException while a view is open; the device does not reach the memory any more then, and the call may be
         *     repeated
         */
        @Override
        void close();
    }
}
