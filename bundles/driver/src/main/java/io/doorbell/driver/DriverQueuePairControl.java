package io.doorbell.driver;

import io.doorbell.host.QueuePair;
import io.doorbell.host.QueuePairControl;
import io.doorbell.host.QueuePairCounters;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.Status;
import io.doorbell.platform.Uninterrupted;
import io.doorbell.statistics.LatencySnapshot;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The control plane's end of a {@link TrackedQueuePair}. Any thread; a lock keeps the steps in order. */
public final class DriverQueuePairControl implements QueuePairControl {
    private static final Logger LOG = LoggerFactory.getLogger(DriverQueuePairControl.class);

    /** How long the deletion of a failed queue pair may take. */
    private static final Duration FAILURE_BOUND = Duration.ofSeconds(5);

    private final TrackedQueuePair queuePair;
    private final Runnable free;
    private final QueueAdmin admin;
    private final Runnable silence;

    /** Never held while {@link TrackedQueuePair#endWith} waits for it: a reset, begun by one queue pair, ends all of them. */
    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by the lock.
    private boolean stopped;
    private boolean deleted;
    private boolean deletedByDevice;
    private boolean freed;

    // Guarded by this.
    private Consumer<String> failureListener;
    private String failure;
    private IntConsumer timeoutListener;

    /**
     * @param free gives the memory of the queue pair back; what it throws is the caller of {@link #fenced} told, who comes again
     * @param silence called when the queues are deleted, may be more than once: nobody is to be interrupted for them
     */
    public DriverQueuePairControl(TrackedQueuePair queuePair, Runnable free, QueueAdmin admin, Runnable silence) {
        this.queuePair = queuePair;
        this.free = free;
        this.admin = admin;
        this.silence = silence;
    }

    @Override
    public QueuePair queuePair() {
        return queuePair;
    }

    public TrackedQueuePair pair() {
        return queuePair;
    }

    @Override
    public void own(Thread owner) {
        Objects.requireNonNull(owner, "owner");
        lock.lock();
        try {
            if (stopped || queuePair.isFenced()) {
                throw new IllegalStateException(queuePair.name + " is being taken back: it gets no new owner");
            }
            var previous = queuePair.owner();
            int inFlight = queuePair.inFlight();
            if (inFlight > 0 && previous != null && previous != owner && previous.isAlive()) {
                throw new IllegalStateException(queuePair.name + " has " + inFlight + " commands in flight, owned by "
                        + previous.getName() + ", which lives: it changes hands at rest");
            }
            queuePair.own(owner);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void stopSubmissions() {
        lock.lock();
        try {
            stopped = true;
            queuePair.stop();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void abort(Duration bound) {
        long deadline = System.nanoTime() + bound.toNanos();
        // Best effort: somebody who deletes the queues, and holds the lock for that, does more than we would.
        if (!lockedUntil(deadline)) {
            return;
        }
        try {
            // One after the other, as the controller sees to for all of its queue pairs.
            for (int slot = 0; slot < queuePair.slots() && !deleted && !queuePair.isEnded(); slot++) {
                long left = deadline - System.nanoTime();
                int cid = queuePair.idInFlight(slot);
                if (left <= 0 || queuePair.inFlight() == 0) {
                    return;
                }
                if (cid != Trackers.NONE) {
                    admin.abort(queuePair.queueId(), cid, Duration.ofNanos(left));
                }
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean delete(Duration bound) {
        long deadline = System.nanoTime() + bound.toNanos();
        // Somebody else's delete, of a queue pair that failed, has a bound of its own.
        if (!lockedUntil(deadline)) {
            throw new NvmeException(
                    NvmeException.Kind.RETRY,
                    queuePair.name + ", deleting its queues",
                    "somebody else is at it for more than " + bound.toMillis() + " ms");
        }
        try {
            if (!deleted) {
                stopped = true;
                queuePair.stop();
                var left = Duration.ofNanos(Math.max(0, deadline - System.nanoTime()));
                deletedByDevice = !queuePair.isEnded() && admin.deleteQueues(queuePair, left);
                deleted = true;
                queuePair.deleted();
                silence.run();
            }
            return deletedByDevice;
        } finally {
            lock.unlock();
        }
    }

    /** Whoever interrupts: the caller is to learn whether the device still reaches its memory. */
    private boolean lockedUntil(long deadline) {
        return Uninterrupted.until(deadline, nanos -> lock.tryLock(nanos, TimeUnit.NANOSECONDS));
    }

    @Override
    public void fenced(String reason) {
        lock.lock();
        try {
            if (freed) {
                return;
            }
            if (!deleted) {
                throw new IllegalStateException(queuePair.name + ": fenced before its queues were deleted");
            }
            if (queuePair.arenaIsAlive()) {
                throw new IllegalStateException(queuePair.name + ": fenced before its arena was closed");
            }
            if (!queuePair.isFenced()) {
                queuePair.fence(reason);
            }
            free.run();
            freed = true;
        } finally {
            lock.unlock();
        }
        admin.release(this);
    }

    @Override
    public int completeRest() {
        lock.lock();
        try {
            return queuePair.completeRest();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean lost() {
        return queuePair.isEnded();
    }

    @Override
    public LatencySnapshot latency() {
        return queuePair.trackers.latency();
    }

    @Override
    public QueuePairCounters counters() {
        return queuePair.counters();
    }

    @Override
    public void onFailure(Consumer<String> listener) {
        String already;
        synchronized (this) {
            failureListener = listener;
            already = failure;
        }
        if (already != null) {
            listener.accept(already);
        }
    }

    @Override
    public synchronized void onTimeout(IntConsumer listener) {
        timeoutListener = listener;
    }

    /** Commands take too long. Control thread. */
    void late(int commands) {
        IntConsumer listener;
        synchronized (this) {
            listener = timeoutListener;
        }
        if (listener != null) {
            listener.accept(commands);
        }
    }

    /** The device broke the rules: after the queues are deleted, what is in flight can end. Control thread. */
    public void failed(String reason) {
        try {
            delete(FAILURE_BOUND);
            queuePair.endWith(new TrackedQueuePair.Ending(reason, Status.ABORTED_SQ_DELETION));
        } catch (NvmeException e) {
            // The reset that goes on ends it.
            LOG.warn("{}", e.getMessage());
        }
        Consumer<String> listener;
        synchronized (this) {
            if (failure != null) {
                return;
            }
            failure = reason;
            listener = failureListener;
        }
        if (listener != null) {
            listener.accept(reason);
        }
    }
}
