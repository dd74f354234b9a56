package io.doorbell.target;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** How a host reaches the namespaces of a group by one way. NVMe Base 2.1 §8.1.1 "Asymmetric Namespace Access Reporting". */
public enum AccessState {
    OPTIMIZED(1),
    /** Works, but another way is better. */
    NON_OPTIMIZED(2),
    /** No I/O by this way now; it may come back. */
    INACCESSIBLE(3),
    /** No I/O by this way, and it does not come back. */
    PERSISTENT_LOSS(4),
    /** On its way from one state to another. */
    CHANGE(0xF);

    private final int code;

    AccessState(int code) {
        this.code = code;
    }

    /** As in the ANA log page. */
    public int code() {
        return code;
    }

    /** As configuration spells it: {@code non-optimized}. */
    public String word() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** @throws IllegalArgumentException with the words there are */
    static AccessState of(String word) {
        for (var state : values()) {
            if (state.word().equals(word)) {
                return state;
            }
        }
        throw new IllegalArgumentException("\"" + word + "\": "
                + Arrays.stream(values()).map(AccessState::word).collect(Collectors.joining(", ")));
    }
}
