package io.doorbell.platform;

/** What pages a mapping got. */
public enum Backing {
    /** Reserved huge pages: each translation covers 2 MiB, and the kernel never moves or splits them. */
    HUGE_PAGES,
    /** Ordinary pages that the kernel was advised to make huge. How many it did is its own affair. */
    ADVISED_PAGES,
    /** Ordinary pages. */
    ORDINARY_PAGES
}
