package io.doorbell.resources.lease;

import io.doorbell.lease.LeaseEvent;
import io.doorbell.lease.LeaseState;
import io.doorbell.lease.RevocationReason;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Watches the owners of leases: does it live, does it poll? One thread looks every {@link #INTERVAL}, so the owners pay
 * nothing for being watched, and what is said about the last poll is as coarse as that.
 */
final class LeaseMonitor implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LeaseMonitor.class);

    static final Duration INTERVAL = Duration.ofMillis(100);

    /** Commands in flight and no poll for so long is an alarm. */
    static final long NOT_POLLED_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** An owner has to be seen dead so often: a holder that notices first has time to hand over. */
    private static final int TIMES_DEAD = 2;

    /** Leases that ended with commands which their owner did not fetch yet. */
    private static final int MAX_ORPHANED = 1024;

    private static final Duration ORPHANS_BOUND = Duration.ofMillis(500);
    private static final long ORPHANS_LOOK_NANOS = 1_000_000;

    private final Accounts accounts;
    private final Thread thread;

    /** Not an interrupt, which would come into whatever is being finished. */
    private final CountDownLatch closed = new CountDownLatch(1);

    // Guarded by this.
    private final List<Lease> orphaned = new ArrayList<>();
    private final List<Revocation> stuck = new ArrayList<>();

    LeaseMonitor(Accounts accounts) {
        this.accounts = accounts;
        thread = Thread.ofVirtual().name("lease-monitor").unstarted(this::run);
    }

    void start() {
        thread.start();
    }

    private void run() {
        try {
            while (!closed.await(INTERVAL.toNanos(), TimeUnit.NANOSECONDS)) {
                lookSafely();
            }
        } catch (InterruptedException nobodyDoes) {
            Thread.currentThread().interrupt();
        }
    }

    private void lookSafely() {
        try {
            look(System.nanoTime());
        } catch (RuntimeException | LinkageError failure) {
            LOG.error("a look at the leases failed", failure);
        }
    }

    /** The driver's code, which may be going at this moment: what one lease meets is nothing to the others. */
    private void lookSafely(Lease lease, long nowNanos) {
        try {
            look(lease, nowNanos);
        } catch (RuntimeException | LinkageError failure) {
            if (!lease.sample.failed) {
                lease.sample.failed = true;
                LOG.error("{}: a look at it failed, and is tried again", lease, failure);
            }
        }
    }

    void look(long nowNanos) {
        for (var lease : accounts.leases()) {
            if (lease.state() == LeaseState.GRANTED) {
                lookSafely(lease, nowNanos);
            }
        }
        completeOrphaned();
        for (var revocation : stuckOnes()) {
            if (revocation.finishedNow()) {
                forget(revocation);
            }
        }
    }

    private void look(Lease lease, long nowNanos) {
        var sample = lease.sample;
        sample.timesOwnerSeenDead = lease.ownerEnded() ? sample.timesOwnerSeenDead + 1 : 0;
        if (sample.timesOwnerSeenDead >= TIMES_DEAD) {
            accounts.takeBack(lease, RevocationReason.OWNER_THREAD_DEAD);
            return;
        }
        long polls = lease.control().counters().polls();
        boolean polled = polls != sample.polls;
        if (polled) {
            sample.polls = polls;
            sample.lastPollNanos = nowNanos;
        }
        if (polled || lease.control().inFlight() == 0) {
            sample.unpolledSinceNanos = nowNanos;
            sample.alarmed = false;
        } else if (!sample.alarmed && nowNanos - sample.unpolledSinceNanos >= NOT_POLLED_NANOS) {
            sample.alarmed = true;
            accounts.record(LeaseEvent.Kind.NOT_POLLED, lease);
        }
    }

    synchronized void orphaned(Lease lease) {
        if (orphaned.size() == MAX_ORPHANED) {
            LOG.error("{}: commands wait for a poll that never came, and are given up", orphaned.removeFirst());
        }
        orphaned.add(lease);
    }

    /** @return whether none is left */
    private synchronized boolean completeOrphaned() {
        orphaned.removeIf(lease -> {
            try {
                if (lease.control().inFlight() > 0 && lease.ownerEnded()) {
                    lease.control().completeRest();
                }
                return lease.control().inFlight() == 0;
            } catch (RuntimeException | LinkageError failure) {
                LOG.error("{}: its last commands could not be completed", lease, failure);
                return true;
            }
        });
        return orphaned.isEmpty();
    }

    synchronized void stuck(Revocation revocation) {
        stuck.add(revocation);
    }

    private synchronized List<Revocation> stuckOnes() {
        return List.copyOf(stuck);
    }

    synchronized int stuckCount() {
        return stuck.size();
    }

    private synchronized void forget(Revocation revocation) {
        stuck.remove(revocation);
    }

    /** Ends the watch. Owners that live get a moment to poll their last commands home; nobody would complete them later. */
    @Override
    public void close() {
        closed.countDown();
        long deadline = System.nanoTime() + ORPHANS_BOUND.toNanos();
        while (!completeOrphaned() && System.nanoTime() - deadline < 0) {
            LockSupport.parkNanos(ORPHANS_LOOK_NANOS);
        }
        if (!completeOrphaned()) {
            LOG.warn("commands of leases that ended still wait for a poll of their owners, which live and do not poll");
        }
    }
}
