package io.doorbell.resources.lease;

import io.doorbell.lease.RevocationReason;
import java.time.Duration;
import java.util.List;

/**
 * The bounds of a lease's end, and what may be held. Everything that waits in this package waits for one of these, or for a
 * constant beside its use.
 *
 * @param releaseGrace in-flight commands may drain for so long when the holder lets go itself
 * @param stopGrace when the holder's bundle stops, the queue pair failed, or its controller goes
 * @param preemptGrace when another bundle's guaranteed request needs the queue pair
 * @param operatorGrace when an operator takes it back
 * @param abortBound for the Abort commands
 * @param deleteBound for deleting both queues
 * @param closeBound for closing the lease's memory, which is refused while a native call holds a segment; those are short
 * @param waitLimit a request's own bound is cut to this
 * @param memoryLimitBytes data memory of one lease, at most
 * @param connectionsPerHost queue pairs of a listener that one host may have; 0 for as many as there are
 */
public record LeaseOptions(
        Duration releaseGrace,
        Duration stopGrace,
        Duration preemptGrace,
        Duration operatorGrace,
        Duration abortBound,
        Duration deleteBound,
        Duration closeBound,
        Duration waitLimit,
        long memoryLimitBytes,
        int connectionsPerHost,
        Policy policy) {

    private static final Duration LONGEST = Duration.ofDays(1);

    public static final LeaseOptions DEFAULT = new LeaseOptions(
            Duration.ofMillis(1000),
            Duration.ofMillis(200),
            Duration.ofMillis(1000),
            Duration.ofMillis(1000),
            Duration.ofMillis(500),
            Duration.ofMillis(2000),
            Duration.ofMillis(2000),
            Duration.ofSeconds(300),
            1L << 30,
            0,
            Policy.NONE);

    public LeaseOptions {
        for (var bound : List.of(
                releaseGrace, stopGrace, preemptGrace, operatorGrace, abortBound, deleteBound, closeBound, waitLimit)) {
            if (bound.isNegative() || bound.compareTo(LONGEST) > 0) {
                throw new IllegalArgumentException("a bound of " + bound + " for leases: 0 to " + LONGEST);
            }
        }
        if (memoryLimitBytes < 1) {
            throw new IllegalArgumentException(
                    "a memory limit of " + memoryLimitBytes + " bytes for a lease: at least 1");
        }
    }

    Duration grace(RevocationReason reason) {
        return switch (reason) {
            case RELEASED_BY_HOLDER -> releaseGrace;
            case PREEMPTED -> preemptGrace;
            case OPERATOR -> operatorGrace;
            case HOLDER_STOPPED, CONTROLLER_GONE, QUEUE_PAIR_FAILED, RESOURCE_MANAGER_STOPPED -> stopGrace;
            // Nobody is left who could poll.
            case OWNER_THREAD_DEAD -> Duration.ZERO;
        };
    }

    /** In which any taking back has ended, or is reported as stuck: the sum of all its bounds. */
    Duration takeBackBound(RevocationReason reason) {
        return grace(reason).plus(abortBound).plus(deleteBound).plus(closeBound).plus(Revocation.OTHER_STEPS_BOUND);
    }

    public LeaseOptions withConnectionsPerHost(int most) {
        return new LeaseOptions(
                releaseGrace,
                stopGrace,
                preemptGrace,
                operatorGrace,
                abortBound,
                deleteBound,
                closeBound,
                waitLimit,
                memoryLimitBytes,
                most,
                policy);
    }

    public LeaseOptions withPolicy(Policy changed) {
        return new LeaseOptions(
                releaseGrace,
                stopGrace,
                preemptGrace,
                operatorGrace,
                abortBound,
                deleteBound,
                closeBound,
                waitLimit,
                memoryLimitBytes,
                connectionsPerHost,
                changed);
    }
}
