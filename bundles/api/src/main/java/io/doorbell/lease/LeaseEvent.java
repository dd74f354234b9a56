package io.doorbell.lease;

/**
 * Something happened to a lease. Times of the steps are 0 where a step was not taken.
 *
 * @param reason why, null for {@link Kind#GRANTED}
 * @param inFlight commands in flight when it happened
 * @param aborted commands that did not drain and were completed as aborted
 * @param drainNanos time the in-flight commands were given to drain
 * @param abortNanos time for the Abort commands
 * @param deleteNanos time for deleting the queues
 * @param closeNanos time for closing the arena: the fence itself
 */
public record LeaseEvent(
        Kind kind,
        long timeMillis,
        LeaseSnapshot lease,
        RevocationReason reason,
        int inFlight,
        int aborted,
        long drainNanos,
        long abortNanos,
        long deleteNanos,
        long closeNanos) {

    /** Topic of Event Admin; the kind in lower case follows. */
    public static final String TOPIC = "io/doorbell/lease/";

    public enum Kind {
        GRANTED,
        REFUSED,
        HANDED_OVER,
        REVOKING,
        RELEASED,
        FENCED,
        /** Commands in flight, and the owner has not polled for a second. */
        NOT_POLLED
    }
}
