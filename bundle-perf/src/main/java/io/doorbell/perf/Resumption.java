package io.doorbell.perf;

import io.doorbell.lease.RevocationReason;
import java.util.Locale;

/**
 * A lease was taken back, and another came after {@code seconds}.
 *
 * @param reason null when nobody took it back, but the controller took no commands any more
 */
record Resumption(String queuePair, RevocationReason reason, double seconds) {

    /** For a person. */
    String sentence() {
        return String.format(
                Locale.ROOT,
                "%s: lease taken back (%s), a new one after %.3f s",
                queuePair,
                reason == null ? "the controller took no more commands" : reason,
                seconds);
    }
}
