package io.doorbell.host;

import io.doorbell.platform.EventFd;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What a holder wants of the path of its commands beyond the usual. Start from {@link #DEFAULTS}.
 *
 * @param interrupt signalled when completions have come, so that the owner may sleep while commands are in flight: mostly the
 *     {@code sign()} of its reactor. Empty to be polled. It stays its owner's, and is open until the queue pair has ended
 * @param timeout what happens to commands that take too long; empty for what the driver does
 * @param injected errors to be made up
 */
public record PathOptions(Optional<EventFd> interrupt, Optional<CommandTimeout> timeout, List<InjectedError> injected) {
    public static final PathOptions DEFAULTS = new PathOptions(Optional.empty(), Optional.empty(), List.of());

    public PathOptions {
        Objects.requireNonNull(interrupt, "interrupt");
        Objects.requireNonNull(timeout, "timeout");
        injected = List.copyOf(injected);
    }

    public PathOptions withInterrupt(EventFd sign) {
        return new PathOptions(Optional.of(sign), timeout, injected);
    }

    public PathOptions withTimeout(CommandTimeout policy) {
        return new PathOptions(interrupt, Optional.of(policy), injected);
    }

    public PathOptions withInjected(InjectedError... errors) {
        return new PathOptions(interrupt, timeout, List.of(errors));
    }
}
