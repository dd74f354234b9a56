package io.doorbell.lease;

/**
 * A lease as seen from outside.
 *
 * @param controller transport id of the controller; of the listener, where it is of a connection
 * @param holder symbolic name and version of the bundle
 * @param host qualified name of the host, where it is of a connection; else empty
 * @param ownerThread name of the thread that owns the queue pair
 * @param grantedAtMillis wall clock of the grant
 * @param ageNanos time since the grant
 * @param lastPollNanos time since the owner was last seen to have polled; the sampling interval is its precision
 * @param completed commands ended
 * @param failed of these, those that failed
 */
public record LeaseSnapshot(
        long id,
        String controller,
        int queueId,
        String holder,
        long holderBundleId,
        String label,
        String host,
        String ownerThread,
        long epoch,
        int depth,
        int inFlight,
        LeaseState state,
        long grantedAtMillis,
        long ageNanos,
        long lastPollNanos,
        long submitted,
        long completed,
        long failed) {}
