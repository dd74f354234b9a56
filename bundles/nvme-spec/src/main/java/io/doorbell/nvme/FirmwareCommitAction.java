package io.doorbell.nvme;

/** Commit Action of Firmware Commit, dword 10 bits 5:3. NVMe Base 2.1 §5.1.8 "Firmware Commit command". */
public final class FirmwareCommitAction {
    /** The downloaded image replaces the one in the slot, which is not activated. */
    public static final int REPLACE = 0;

    /** The same, and it runs from the next controller level reset on. */
    public static final int REPLACE_AND_ACTIVATE = 1;

    /** What is in the slot runs from the next controller level reset on. */
    public static final int ACTIVATE = 2;

    /** What is in the slot (or, if there is one, the downloaded image) runs at once, without a reset. */
    public static final int ACTIVATE_NOW = 3;

    public static final int REPLACE_BOOT_PARTITION = 6;
    public static final int ACTIVATE_BOOT_PARTITION = 7;

    private FirmwareCommitAction() {}

    /** Dword 10. Slot 0 lets the controller choose. */
    public static int cdw10(int action, int slot, int bootPartition) {
        return slot & 7 | (action & 7) << 3 | (bootPartition & 1) << 31;
    }

    public static int slot(int cdw10) {
        return cdw10 & 7;
    }

    public static int action(int cdw10) {
        return cdw10 >> 3 & 7;
    }

    public static String name(int action) {
        return switch (action) {
            case REPLACE -> "replace";
            case REPLACE_AND_ACTIVATE -> "replace and activate at reset";
            case ACTIVATE -> "activate at reset";
            case ACTIVATE_NOW -> "activate now";
            case REPLACE_BOOT_PARTITION -> "replace boot partition";
            case ACTIVATE_BOOT_PARTITION -> "activate boot partition";
            default -> "commit action " + action;
        };
    }
}
