package io.doorbell.resources.lease;

import io.doorbell.lease.LeaseState;
import io.doorbell.lease.RevocationReason;

/** The life of a lease: what may happen to it, and what it is afterwards. Pure; {@link Lease} lives by it. */
final class LeaseLife {
    /** Something happens to a lease. */
    sealed interface Step {}

    /** Its queue pair was made. */
    record Granted() implements Step {}

    /** It will not be granted: the device refused, nobody waits for it any more, or it is not wanted any more. */
    record Withdrawn() implements Step {}

    /** It is to be taken back. */
    record TakenBack(RevocationReason reason) implements Step {}

    /** It has been taken back; {@code undrained} commands were in flight when the grace period ended. */
    record Closed(int undrained) implements Step {}

    private LeaseLife() {}

    static LeaseState next(LeaseState from, Step step) {
        return switch (step) {
            case Granted() when from == LeaseState.REQUESTED -> LeaseState.GRANTED;
            case Withdrawn() when from == LeaseState.REQUESTED -> LeaseState.RELEASED;
            case TakenBack _ when from == LeaseState.GRANTED -> LeaseState.REVOKING;
            case Closed(int undrained)
            when from == LeaseState.REVOKING -> undrained == 0 ? LeaseState.RELEASED : LeaseState.FENCED;
            // The first reason stands; whoever comes later waits for the same end.
            case TakenBack _ when from == LeaseState.REVOKING || from.ended() -> from;
            default -> throw new IllegalStateException(step + " while " + from);
        };
    }
}
