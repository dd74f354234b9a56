package io.doorbell.lease;

import io.doorbell.host.DmaMemory;
import io.doorbell.host.NvmeController;
import io.doorbell.host.QueuePair;

/**
 * A queue pair on loan. The holder keeps the lease, its owner thread uses {@link #queuePair()}. Methods here are control
 * plane and may be called by any thread.
 */
public interface QueuePairLease extends AutoCloseable {

    /** Unique in this node's life. */
    long id();

    /** Grows with each grant of the same queue pair (controller and queue id), never repeats in this node's life. */
    long epoch();

    LeaseState state();

    NvmeController controller();

    /** Use it on the owner thread only. After the end of the lease every use throws {@link IllegalStateException}. */
    QueuePair queuePair();

    /**
     * Memory for data which the controller can reach, zeroed; freed with the lease, and not before the device let go.
     *
     * @throws LeaseException when the lease ended, or the bound on memory per lease is passed
     */
    DmaMemory allocate(long bytes);

    /**
     * Makes another thread the owner. Called by the present owner, at rest: then it cannot be in the middle of a
     * submission. When it has ended, by anyone.
     *
     * @throws IllegalStateException when the present owner lives, and is not the caller or has commands in flight
     * @throws LeaseException when the lease has ended
     */
    void handOver(Thread newOwner);

    /**
     * Lets go: no more submissions, what is in flight drains within the grace period (someone has to poll it; call this
     * from the owner thread at rest, or from another thread while the owner polls), then the queue pair is deleted.
     * Returns when the lease has ended. Idempotent.
     */
    @Override
    void close();
}
