package io.doorbell.driver;

import java.time.Duration;

/** What the control of a queue pair asks of its controller. Control plane: blocks, any thread. */
public interface QueueAdmin {

    /** Aborts one command, best effort; returns when the controller has answered, or after the bound. */
    void abort(int queueId, int cid, Duration bound);

    /**
     * Deletes both queues; resets the controller when it does not answer. Either way the device does not reach the queues'
     * memory any more when this returns.
     *
     * @return whether the controller deleted them itself
     * @throws io.doorbell.nvme.NvmeException of kind {@code RETRY} when neither is done within the bound; the reset goes on
     */
    boolean deleteQueues(TrackedQueuePair queuePair, Duration bound);

    /** The queue pair is fenced and its memory freed: its id may be used again. */
    void release(DriverQueuePairControl control);
}
