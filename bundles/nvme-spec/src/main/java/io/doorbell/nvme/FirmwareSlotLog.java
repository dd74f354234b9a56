package io.doorbell.nvme;

import io.doorbell.nvme.Field.Ascii;
import io.doorbell.nvme.Field.U8;

/**
 * Firmware Slot Information log page, 512 bytes. NVMe Base 2.1 §5.1.12.1.4 "Firmware Slot Information (Log Page Identifier
 * 03h)".
 */
public final class FirmwareSlotLog {
    public static final int SIZE_BYTES = 512;
    public static final int MAX_SLOTS = 7;

    public static final U8 AFI = Field.u8(0); // slot of the running firmware 2:0, slot after the next reset 6:4

    private FirmwareSlotLog() {}

    /** Firmware revision in a slot, 1 to 7. */
    public static Ascii frs(int slot) {
        if (slot < 1 || slot > MAX_SLOTS) {
            throw new IllegalArgumentException("firmware slots are 1 to " + MAX_SLOTS + ", not " + slot);
        }
        return Field.ascii(8 * slot, 8);
    }
}
