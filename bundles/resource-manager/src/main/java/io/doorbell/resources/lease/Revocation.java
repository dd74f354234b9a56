package io.doorbell.resources.lease;

import io.doorbell.host.QueuePairControl;
import io.doorbell.lease.LeaseEvent;
import io.doorbell.lease.RevocationReason;
import io.doorbell.platform.MemoryView;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes one lease back: straight blocking code on a control thread of its own, each step bounded and timed. The owner is
 * asked for nothing but to poll, and if it does not, the fence falls all the same.
 *
 * <p>Order: no new submissions → what is in flight drains while the owner polls → Abort → the queues are deleted → the
 * lease's arena is closed → the rest is completed → memory is freed → the queue pair may be given to someone else.
 */
final class Revocation implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(Revocation.class);

    /** After Abort the owner may still take what the device answered to it. */
    private static final Duration ABORT_SETTLE = Duration.ofMillis(20);

    /** From a deletion that was not certain to the next try, the first and the longest. */
    private static final Duration FIRST_DELETE_AGAIN = Duration.ofMillis(200);

    private static final Duration LAST_DELETE_AGAIN = Duration.ofSeconds(30);

    /** How long the news of the end waits for a listener that is still busy with the news of the beginning. */
    private static final Duration LISTENER_BOUND = Duration.ofSeconds(5);

    /** All that a taking back may last besides what the options bound: settling, freeing, and being scheduled. */
    static final Duration OTHER_STEPS_BOUND = Duration.ofSeconds(3);

    private static final long FIRST_LOOK_NANOS = 20_000;
    private static final long LAST_LOOK_NANOS = 1_000_000;
    private static final long LOST_LOOK_NANOS = 10_000_000;

    private final Accounts accounts;
    private final LeaseMonitor monitor;
    private final Lease lease;
    private final RevocationReason reason;
    private final QueuePairControl control;
    private Thread news;

    // The account of the steps.
    private int inFlight;
    private int undrained;
    private boolean outOfReach;
    private long drainNanos;
    private long abortNanos;
    private long deleteNanos;
    private long closeNanos;
    private long closeBeganNanos;

    Revocation(Accounts accounts, LeaseMonitor monitor, Lease lease) {
        this.accounts = accounts;
        this.monitor = monitor;
        this.lease = lease;
        this.reason = lease.reason();
        this.control = lease.control();
    }

    @Override
    public void run() {
        try {
            takeBack();
        } catch (RuntimeException | Error broken) {
            brokenOff(broken);
        }
    }

    /** The queue pair is not given to anyone else then, and its memory is kept: that is safe, but not healthy. */
    private void brokenOff(Throwable why) {
        LOG.error("{} could not be taken back; its queue pair and memory are lost until the node restarts", lease, why);
        accounts.stuck(lease, "it could not be taken back, see the log");
        // For its holder it has ended when the fence fell, whatever became of the rest.
        if (lease.state().ended()) {
            tellEnd();
        }
    }

    private void takeBack() {
        var grace = accounts.options().grace(reason);
        lease.stopSubmissions();
        inFlight = control.inFlight();
        tellBeginning(grace);

        drainNanos = awaitDrained(grace);
        undrained = control.inFlight();
        if (undrained > 0 && lease.source.isReady()) {
            abortNanos = abort();
        }
        deleteNanos = delete();

        if (!outOfReach && !deletedAfterAll()) {
            return;
        }
        countUndrained();
        closeBeganNanos = System.nanoTime();
        if (fenceFalls(accounts.options().closeBound())) {
            finish();
        } else {
            LOG.error(
                    "{}: a native call of {} still holds its memory after {}. The queues are deleted; the queue pair is"
                            + " given to nobody until the call returns",
                    lease,
                    lease.owner().getName(),
                    accounts.options().closeBound());
            accounts.stuck(lease, "something holds its memory. It ends when that lets go, see the log");
            monitor.stuck(this);
        }
    }

    /** Until nothing is in flight, the time is up, or there is nobody who could poll. */
    private long awaitDrained(Duration bound) {
        long start = System.nanoTime();
        long pause = FIRST_LOOK_NANOS;
        while (control.inFlight() > 0 && System.nanoTime() - start < bound.toNanos() && !lease.ownerEnded()) {
            LockSupport.parkNanos(pause);
            pause = Math.min(2 * pause, LAST_LOOK_NANOS);
        }
        return System.nanoTime() - start;
    }

    private long abort() {
        long start = System.nanoTime();
        try {
            control.abort(accounts.options().abortBound());
        } catch (RuntimeException failed) {
            // Deleting the queues ends the commands as well.
            LOG.warn("{}: commands could not be aborted", lease, failed);
        }
        awaitDrained(ABORT_SETTLE);
        return System.nanoTime() - start;
    }

    private long delete() {
        long start = System.nanoTime();
        try {
            if (!control.delete(accounts.options().deleteBound())) {
                LOG.info("{}: its queues went with a reset, or with the controller", lease);
            }
            outOfReach = true;
        } catch (RuntimeException unsure) {
            LOG.warn("{}: the driver does not say that the queues are deleted: {}", lease, unsure.toString());
        }
        return System.nanoTime() - start;
    }

    /**
     * As long as the device may reach rings and data the lease has not ended, whoever waits: nothing is freed, nothing is
     * said to have ended. A reset that succeeds, or the end of the controller, helps in the end.
     *
     * @return false when the manager stopped before that
     */
    private boolean deletedAfterAll() {
        accounts.stuck(
                lease, "the driver does not say that its queues are deleted. It ends when they are, see the log");
        // Each try may ask for a reset of a controller that others use.
        for (var pause = FIRST_DELETE_AGAIN; !outOfReach; pause = shorter(pause.multipliedBy(2), LAST_DELETE_AGAIN)) {
            awaitLost(pause);
            if (accounts.isClosed()) {
                LOG.error("{}: its memory is kept, since its queues may not be deleted", lease);
                return false;
            }
            deleteNanos += delete();
        }
        LOG.info("{}: its queues are deleted now", lease);
        return true;
    }

    /** Lets the time pass, or less when the controller has lost the queue pair meanwhile: then it is certain. */
    private void awaitLost(Duration pause) {
        long start = System.nanoTime();
        while (!control.lost() && System.nanoTime() - start < pause.toNanos()) {
            LockSupport.parkNanos(LOST_LOOK_NANOS);
        }
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }

    /** The fence: from here on each access to rings, doorbells and data through the lease throws. */
    private boolean fenceFalls(Duration bound) {
        try {
            MemoryView.close(lease.arena(), bound);
        } catch (IllegalStateException held) {
            return false;
        }
        closeNanos = System.nanoTime() - closeBeganNanos;
        return true;
    }

    /**
     * For the monitor, when the fence did not fall at first.
     *
     * @return whether there is nothing more to try: it is finished, or broken off
     */
    boolean finishedNow() {
        try {
            if (!fenceFalls(Duration.ZERO)) {
                return false;
            }
            finish();
        } catch (RuntimeException | Error broken) {
            brokenOff(broken);
        }
        return true;
    }

    private void finish() {
        countUndrained();
        // Before the driver may use the queue id again: nobody is to see two leases of one queue pair.
        accounts.ended(lease, undrained, this::event);
        control.fenced(reason + " of " + lease);
        if (control.inFlight() > 0) {
            if (lease.ownerEnded()) {
                control.completeRest();
            } else {
                // The owner's next poll ends them. If it ends itself before that, the monitor sees to them.
                monitor.orphaned(lease);
            }
        }
        lease.freeMemory();
        accounts.returned(lease);
        tellEnd();
    }

    /**
     * An owner that was between the check and its stores when submissions were stopped may have staged after the drain, and
     * even rung the doorbell: these commands end as aborted too. Looked at before the fence falls, since the owner's poll
     * ends them right behind it, and after, since it may have staged until then.
     */
    private void countUndrained() {
        undrained = Math.max(undrained, control.inFlight());
    }

    private LeaseEvent event() {
        return new LeaseEvent(
                undrained == 0 ? LeaseEvent.Kind.RELEASED : LeaseEvent.Kind.FENCED,
                System.currentTimeMillis(),
                lease.snapshot(),
                reason,
                inFlight,
                undrained,
                drainNanos,
                abortNanos,
                deleteNanos,
                closeNanos);
    }

    /** On a thread of its own: a listener that blocks must not hold up the fence. */
    private void tellBeginning(Duration grace) {
        if (reason != RevocationReason.RELEASED_BY_HOLDER) {
            news = Thread.ofVirtual()
                    .name("lease-" + lease.id + "-revoking")
                    .start(() -> tell(() -> lease.listener().revoking(lease, reason, grace)));
        }
    }

    private void tellEnd() {
        var before = news;
        Thread.ofVirtual().name("lease-" + lease.id + "-ended").start(() -> {
            try {
                if (before != null && !before.join(LISTENER_BOUND)) {
                    LOG.warn("{}: its listener is still busy with the revocation", lease);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            tell(() -> lease.listener().ended(lease, lease.state(), reason));
        });
    }

    private void tell(Runnable call) {
        try {
            call.run();
        } catch (RuntimeException | LinkageError failure) {
            LOG.error("{}: its listener failed", lease, failure);
        }
    }
}
