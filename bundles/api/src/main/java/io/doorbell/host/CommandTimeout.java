package io.doorbell.host;

import java.time.Duration;
import java.util.Objects;

/**
 * What happens to commands of a queue pair that take too long. Whatever it is, the holder is told.
 *
 * @param after how long a command may take; zero for ever. Noticed in steps of a tenth of it, a millisecond to 50
 */
public record CommandTimeout(Duration after, Action action) {

    public enum Action {
        /** The command is aborted; if it has not ended some time later, the controller is reset. */
        ABORT_THEN_RESET,
        /** The controller is reset at once. */
        RESET,
        /** Nothing but that the holder is told, once for each command. */
        TELL
    }

    public CommandTimeout {
        Objects.requireNonNull(action, "action");
        if (after.isNegative() || after.toMillis() > Integer.MAX_VALUE || !after.isZero() && after.toMillis() == 0) {
            throw new IllegalArgumentException("command timeout " + after + ": zero, or 1 ms to 24 days");
        }
    }
}
