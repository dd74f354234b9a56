package io.doorbell.platform;

/** Whether memory should come from huge pages. */
public enum HugePages {
    /** Ordinary pages only. */
    NEVER,
    /** Ordinary pages that the kernel is advised to make huge. Reserved ones, which are few, are left to others. */
    ADVISED,
    /** Reserved huge pages if enough are free, else ordinary pages that the kernel is advised to make huge. */
    PREFERRED,
    /** Reserved huge pages or an exception. */
    REQUIRED
}
