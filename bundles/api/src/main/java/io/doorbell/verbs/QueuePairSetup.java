package io.doorbell.verbs;

/**
 * What a queue pair is made of. Both completion queues, and the shared receive queue, have the same owner.
 *
 * @param domain whose memory it reaches
 * @param sendQueue where sends complete
 * @param receiveQueue where receives complete; may be the same
 * @param shared where it receives from, or null for a receive queue of its own
 * @param sendRequests the most that are posted and not completed
 * @param receiveRequests of its own receive queue; 0 with a shared one
 * @param segments pieces of memory of a request, 1 and up
 */
public record QueuePairSetup(
        ProtectionDomain domain,
        CompletionQueue sendQueue,
        CompletionQueue receiveQueue,
        SharedReceiveQueue shared,
        int sendRequests,
        int receiveRequests,
        int segments) {

    public QueuePairSetup {
        if (sendRequests < 1 || segments < 1 || (shared == null ? receiveRequests < 1 : receiveRequests != 0)) {
            throw new IllegalArgumentException(
                    "a queue pair of " + sendRequests + " sends and " + receiveRequests + " receives of " + segments
                            + " segments: at least one of each, and no receives beside shared ones");
        }
        var owner = sendQueue.owner();
        if (receiveQueue.owner() != owner || (shared != null && shared.owner() != owner)) {
            throw new IllegalArgumentException("the queues of a queue pair have different owners");
        }
    }
}
