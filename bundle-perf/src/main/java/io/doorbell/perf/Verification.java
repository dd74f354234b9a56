package io.doorbell.perf;

import java.util.List;
import java.util.stream.Stream;

/**
 * What {@code --verify} found.
 *
 * @param unchecked reads of blocks whose content was not known, and written blocks that were not read back in time
 * @param told the first mismatches, in words
 */
record Verification(long checked, long unchecked, long mismatches, List<String> told) {
    /** As many mismatches are told in words; the others are counted. */
    static final int MAX_TOLD = 8;

    static final Verification NONE = new Verification(0, 0, 0, List.of());

    Verification plus(Verification other) {
        return new Verification(
                checked + other.checked,
                unchecked + other.unchecked,
                mismatches + other.mismatches,
                Stream.concat(told.stream(), other.told.stream())
                        .limit(MAX_TOLD)
                        .toList());
    }
}
