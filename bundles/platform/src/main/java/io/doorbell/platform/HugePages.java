package io.doorbell.platform;

/** Whether memory should come from reserved huge pages. */
public enum HugePages {
    /** Ordinary pages only. */
    NEVER,
    /** Reserved huge pages if enough are free, else ordinary pages that the kernel is advised to make huge. */
    PREFERRED,
    /** Reserved huge pages or an exception. */
    REQUIRED
}
