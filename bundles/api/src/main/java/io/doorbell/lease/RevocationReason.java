package io.doorbell.lease;

/** Why a lease ended or is ending. */
public enum RevocationReason {
    RELEASED_BY_HOLDER,
    HOLDER_STOPPED,
    OWNER_THREAD_DEAD,
    CONTROLLER_GONE,
    QUEUE_PAIR_FAILED,
    PREEMPTED,
    OPERATOR,
    RESOURCE_MANAGER_STOPPED
}
