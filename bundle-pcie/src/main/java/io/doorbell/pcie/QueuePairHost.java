package io.doorbell.pcie;

/** What a queue pair tells the control plane. Called on the owner's thread; hands over and returns at once. */
interface QueuePairHost {

    /** A command takes too long: it should be aborted. Told once for each, and so for hundreds at a time. */
    void timedOut(PcieQueuePair queuePair, int cid);

    /** A command did not end after an Abort either: the controller should be reset. */
    void stuck(PcieQueuePair queuePair, int cid);

    /** The device broke the rules of this queue pair, which is of no use any more: its queues should be deleted. */
    void failed(PcieQueuePair queuePair, String reason);

    /** A doorbell could not be stored to: the device has left. */
    void unreachable(String reason);
}
