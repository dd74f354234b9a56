package io.doorbell.driver;

/** What a queue pair tells the control plane. Called on the owner's thread; hands over and returns at once. */
public interface QueuePairHost {

    /** A command takes too long: it should be aborted. Told once for each, and so for hundreds at a time. */
    void timedOut(TrackedQueuePair queuePair, int cid);

    /** A command did not end after an Abort either: the controller should be reset. */
    void stuck(TrackedQueuePair queuePair, int cid);

    /** The device broke the rules of this queue pair, which is of no use any more: its queues should be deleted. */
    void failed(TrackedQueuePair queuePair, String reason);

    /** A doorbell could not be stored to: the device has left. */
    void unreachable(String reason);
}
