package io.doorbell.host;

import io.doorbell.platform.EventFd;
import java.util.Objects;
import java.util.Optional;

/**
 * What a holder wants of the path of its commands beyond the usual. Start from {@link #DEFAULTS}.
 *
 * @param interrupt signalled when completions have come, so that the owner may sleep while commands are in flight: mostly the
 *     {@code sign()} of its reactor. Empty to be polled. It stays its owner's, and is open until the queue pair has ended
 * @param timeout what happens to commands that take too long; empty for what the driver does
 */
public record PathOptions(Optional<EventFd> interrupt, Optional<CommandTimeout> timeout) {
    public static final PathOptions DEFAULTS = new PathOptions(Optional.empty(), Optional.empty());

    public PathOptions {
        Objects.requireNonNull(interrupt, "interrupt");
        Objects.requireNonNull(timeout, "timeout");
    }

    public PathOptions withInterrupt(EventFd sign) {
        return new PathOptions(Optional.of(sign), timeout);
    }

    public PathOptions withTimeout(CommandTimeout policy) {
        return new PathOptions(interrupt, Optional.of(policy));
    }
}
