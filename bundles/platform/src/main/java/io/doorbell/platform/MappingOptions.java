package io.doorbell.platform;

import java.util.Objects;

/**
 * How memory is to be mapped.
 *
 * @param hugePages whether it should come from huge pages
 * @param prefault whether every page is brought in now, so that no access takes a page fault later
 */
public record MappingOptions(HugePages hugePages, boolean prefault) {
    /** Huge pages if there are any, all of it present: what rings and data buffers want. */
    public static final MappingOptions RESIDENT = new MappingOptions(HugePages.PREFERRED, true);

    /** Ordinary pages, all of it present: for a few pages of doorbells or registers. */
    public static final MappingOptions ORDINARY = new MappingOptions(HugePages.NEVER, true);

    /** Ordinary pages that come when they are touched: for memory of which little may be used. */
    public static final MappingOptions SPARSE = new MappingOptions(HugePages.NEVER, false);

    public MappingOptions {
        Objects.requireNonNull(hugePages, "hugePages");
    }
}
