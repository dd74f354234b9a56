package io.doorbell.pcie.vfio;

import io.doorbell.nvme.Doorbell;
import io.doorbell.nvme.Registers;
import io.doorbell.pci.PciException;
import io.doorbell.platform.Machine;
import java.util.List;

/**
 * Which part of BAR0 is mapped for doorbells. It has to be memory: a queue pair rings by a store.
 *
 * @param offset in BAR0
 * @param bytes whole pages
 */
record Doorbells(long offset, long bytes) {
    /** As much as we ever look at: doorbells of 16 Ki queue pairs, 64 bytes each. */
    static final long MAX_BYTES = 2L << 20;

    /**
     * The doorbells that can be mapped, as many as there are in one piece.
     *
     * @throws PciException if there are none
     */
    static Doorbells in(String address, RegionInfo bar0) {
        if (bar0.bytes() < Registers.DOORBELLS + Machine.PAGE_BYTES) {
            throw new PciException(String.format(
                    "%s: BAR0 has %Xh bytes; an NVMe controller has at least %Xh. If it reads so after a hot plug, the"
                            + " firmware left no room: echo 1 > /sys/bus/pci/devices/%s/remove; echo 1 > /sys/bus/pci/rescan",
                    address, bar0.bytes(), Registers.DOORBELLS + Machine.PAGE_BYTES, address));
        }
        for (var area : bar0.areas()) {
            long end = area.offset() + area.bytes();
            if (area.offset() <= Registers.DOORBELLS && end >= Registers.DOORBELLS + 2L * Doorbell.SIZE_BYTES) {
                long bytes = Math.min(MAX_BYTES, end - Registers.DOORBELLS) & -Machine.PAGE_BYTES;
                if (bytes > 0) {
                    return new Doorbells(Registers.DOORBELLS, bytes);
                }
            }
        }
        throw new PciException(String.format(
                "%s: the kernel lets no doorbells be mapped (of BAR0, %s from %Xh on are wanted). Kernels before 4.16 keep"
                        + " the page of the interrupt table back, which lies beside the doorbells here: a newer one does it",
                address, describe(bar0.areas()), Registers.DOORBELLS));
    }

    private static String describe(List<RegionInfo.Area> areas) {
        return areas.isEmpty() ? "nothing can be mapped; doorbells" : "only " + areas + " can be mapped; doorbells";
    }
}
