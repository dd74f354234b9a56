package io.doorbell.lease;

/** Life of a lease: {@code REQUESTED → GRANTED → REVOKING → RELEASED}, or {@code → FENCED} when the holder did not let go in time. */
public enum LeaseState {
    REQUESTED,
    GRANTED,
    REVOKING,
    RELEASED,
    FENCED;

    public boolean ended() {
        return this == RELEASED || this == FENCED;
    }
}
