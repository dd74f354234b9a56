package io.doorbell.host;

import io.doorbell.statistics.LatencySnapshot;
import java.time.Duration;

/**
 * The other end of a {@link QueuePair}: what the resource manager enforces a lease with. A holder never sees it. Control
 * plane: may be called by any thread, one at a time, and none of it needs the owner to do anything but poll.
 *
 * <p>The order of taking back: {@link #stopSubmissions} → the owner polls {@link QueuePair#inFlight} down to zero, or the
 * grace period ends → {@link #abort} → {@link #delete} returns → the arena is closed → {@link #fenced} → memory is freed.
 *
 * <p>While this goes on the owner may be anywhere in its own calls. The close of the arena is what it meets: from then on
 * {@link QueuePair#poll} hands it what was in flight, with Command Aborted due to SQ Deletion, and throws {@link
 * IllegalStateException} when nothing is left, whether {@link #fenced} was called yet or not. So a poller that does not know of
 * the taking back does not break of it before it was handed everything. Where {@link #delete} throws, the arena may be closed
 * all the same, against a holder that goes on; {@code poll} then hands out nothing and returns 0 until {@code delete} has
 * returned, because the device may still move the data of what is in flight.
 */
public interface QueuePairControl {

    /** @throws UnsupportedOperationException for the queue pair of a connection, which is not used from here */
    QueuePair queuePair();

    /** As {@link QueuePair#queueId}. */
    default int queueId() {
        return queuePair().queueId();
    }

    /** As {@link QueuePair#depth}. */
    default int depth() {
        return queuePair().depth();
    }

    /** As {@link QueuePair#inFlight}. */
    default int inFlight() {
        return queuePair().inFlight();
    }

    /** Gives the queue pair to a thread, at rest: nothing in flight unless the previous owner is this thread, or has ended. */
    void own(Thread owner);

    /** From now on staging answers {@link QueuePair#LEASE_REVOKED}; the owner may still poll. */
    void stopSubmissions();

    /** Asks the device to abort what is in flight (Abort, for each, best effort, within the bound). The owner polls the results. */
    void abort(Duration bound);

    /**
     * Deletes both queues on the device: Delete I/O Submission Queue, then Delete I/O Completion Queue. If it does not
     * answer in half the bound, the controller is reset, which is as good; so it is when it is gone. When this returns,
     * with true or false, the device does not reach the rings any more, nor any data of their commands. The queue id is not
     * used again before {@link #fenced}: until then a stale holder could still ring its doorbell.
     *
     * <p>It is back at the bound. When the reset is not done by then, this throws, and the reset goes on: call again. Idempotent.
     *
     * @return true when the device deleted them; false when it took a reset, or the controller was gone
     * @throws io.doorbell.nvme.NvmeException of kind {@code RETRY} when the device may still reach rings and data: neither may
     *     be freed, and nothing in flight has ended
     */
    boolean delete(Duration bound);

    /**
     * Told after the queues are deleted and the lease's arena is closed: every staging call throws from now on, with this
     * reason. What is left in flight is completed by the owner's next {@link QueuePair#poll}, or by {@link #completeRest} when
     * there is no owner any more. Frees the queue pair's own memory, and its id.
     *
     * @throws IllegalStateException when {@link #delete} has not returned, or the arena is not closed
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

    /** How long commands took, from being given to the controller until their end; of some of them. Any thread. */
    default LatencySnapshot latency() {
        return LatencySnapshot.EMPTY;
    }

    /** Listener for a queue pair that fails by itself (stale command id, corrupt completion): at most once, any thread. */
    void onFailure(java.util.function.Consumer<String> listener);

    /**
     * Listener for commands that take longer than the queue pair's {@link CommandTimeout}: how many, since it was last told. On
     * a control thread; must not block for long. Before the first command.
     */
    default void onTimeout(java.util.function.IntConsumer listener) {}
}
