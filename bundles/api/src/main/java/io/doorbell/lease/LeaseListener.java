package io.doorbell.lease;

import java.time.Duration;

/** A holder's ear. Called on a control thread of the resource manager; must not block for long. What it throws is logged. */
public interface LeaseListener {
    LeaseListener NONE = new LeaseListener() {};

    /**
     * The lease is being taken back: submissions are refused from now on. Poll what is in flight, then close the lease;
     * after {@code grace} the rest is aborted.
     */
    default void revoking(QueuePairLease lease, RevocationReason reason, Duration grace) {}

    /**
     * Commands have taken longer than the lease's timeout, {@code commands} since this was last said. What is done about
     * them is said by the request's {@link io.doorbell.host.CommandTimeout}; each of them still ends by its handler.
     */
    default void timedOut(QueuePairLease lease, int commands) {}

    /** It has ended: {@link LeaseState#RELEASED} or {@link LeaseState#FENCED}. */
    default void ended(QueuePairLease lease, LeaseState state, RevocationReason reason) {}
}
