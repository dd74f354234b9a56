package io.doorbell.perf;

import io.doorbell.lease.RevocationReason;
import java.util.Locale;

/** A lease was taken back, and another came after {@code seconds}. */
record Resumption(String queuePair, RevocationReason reason, double seconds) {

    /** For a person. */
    String sentence() {
        return String.format(
                Locale.ROOT, "%s: lease taken back (%s), a new one after %.3f s", queuePair, reason, seconds);
    }
}
