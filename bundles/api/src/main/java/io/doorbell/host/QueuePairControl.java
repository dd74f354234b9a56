package io.doorbell.host;

import java.time.Duration;

/**
 * The other end of a {@link QueuePair}: what the resource manager enforces a lease with. A holder never sees it. Control
 * plane: may be called by any thread, one at a time, and none of it needs the owner to do anything but poll.
 *
 * <p>The order of taking back: {@link #stopSubmissions} → the owner polls {@link QueuePair#inFlight} down to zero, or the
 * grace period ends → {@link #abort} → {@link #delete} → the arena is closed → {@link #fenced} → memory is freed.
 *
 * <p>While this goes on the owner may be anywhere in its own calls. Once the arena is closed and {@link #fenced} was not yet
 * called, {@link QueuePair#poll} finds nothing and returns 0: a poller that does not know of the taking back is not to
 * break of it before it was handed what was in flight.
 */
public interface QueuePairControl {

    QueuePair queuePair();

    /** Gives the queue pair to a thread, at rest: nothing in flight unless the previous owner is this thread, or has ended. */
    void own(Thread owner);

    /** From now on staging answers {@link QueuePair#LEASE_REVOKED}; the owner may still poll. */
    void stopSubmissions();

    /** Asks the device to abort what is in flight (Abort, for each, best effort, within the bound). The owner polls the results. */
    void abort(Duration bound);

    /**
     * Deletes both queues on the device: Delete I/O Submission Queue, then Delete I/O Completion Queue. When this returns
     * the device does not reach the rings any more, nor any data of their commands; if it does not answer within the
     * bound, or is gone, the controller is reset, and that is as good. Idempotent. The queue id is not used again before
     * {@link #fenced}: until then a stale holder could still ring its doorbell.
     *
     * @return false when it took a reset, or the controller was gone
     */
    boolean delete(Duration bound);

    /**
     * Told after the lease's arena is closed and the queues are deleted: every staging call throws from now on. What is
     * left in flight is completed, with Command Aborted due to SQ Deletion, by the owner's next {@link QueuePair#poll},
     * or by {@link #completeRest} when there is no owner any more.
     */
    void fenced(String reason);

    /**
     * Completes what is left in flight on the calling thread.
     *
     * @return how many commands were completed
     * @throws IllegalStateException when not {@link #fenced}, or while the owner thread is alive and so may yet poll
     */
    int completeRest();

    /**
     * Whether it went with a reset or with its controller, and so will take no command any more. True before the
     * controller is READY again: that is how a late {@link ControllerListener} tells the queue pairs of before the reset
     * from those made after it. Does not block.
     */
    boolean lost();

    QueuePairCounters counters();

    /** Listener for a queue pair that fails by itself (stale command id, corrupt completion): at most once, any thread. */
    void onFailure(java.util.function.Consumer<String> listener);
}
