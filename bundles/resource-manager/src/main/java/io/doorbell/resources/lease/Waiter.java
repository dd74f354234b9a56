package io.doorbell.resources.lease;

import io.doorbell.lease.ConnectionLeases;
import io.doorbell.lease.LeaseException;
import io.doorbell.lease.LeaseRequest;
import io.doorbell.lease.LeaseSnapshot;
import io.doorbell.lease.LeaseState;
import io.doorbell.lease.RevocationReason;
import io.doorbell.nvme.TransportId;
import java.util.concurrent.locks.Condition;

/** One who waits for a queue pair. Guarded by the lock of the accounts; its condition is its own, so that only who won is woken. */
final class Waiter {
    final HolderResources resources;
    final TransportId controller;

    /** Order of arrival; kept when it has to wait again. */
    final long ticket;

    private final LeaseManager manager;
    private final Accounts accounts;
    private final LeaseRequest request;
    private final ConnectionLeases.Request connection;
    private final Condition changed;
    private final long startNanos = System.nanoTime();
    private final long boundNanos;
    private long promisedUntilNanos;
    private boolean promised;
    private Lease won;
    private LeaseException lost;

    /** @param connection null for a queue pair of a controller */
    Waiter(
            LeaseManager manager,
            Accounts accounts,
            HolderResources resources,
            LeaseRequest request,
            ConnectionLeases.Request connection) {
        this.connection = connection;
        this.manager = manager;
        this.accounts = accounts;
        this.resources = resources;
        this.request = request;
        controller = request.controller().withoutNamespace();
        ticket = accounts.nextTicket();
        changed = accounts.newCondition();
        var limit = accounts.options().waitLimit();
        boundNanos = (request.waitBound().compareTo(limit) < 0 ? request.waitBound() : limit).toNanos();
    }

    /** Waits until a place is reserved. */
    Lease await() throws InterruptedException {
        begin();
        try {
            accounts.settle(controller);
            while (won == null && lost == null) {
                if (leftNanos() > 0) {
                    changed.awaitNanos(leftNanos());
                } else {
                    giveUp();
                }
            }
        } catch (InterruptedException cancelled) {
            // Nothing was won: of a signal and an interrupt the condition lets the first one count.
            accounts.remove(this);
            accounts.settle(controller);
            throw cancelled;
        }
        if (lost != null) {
            throw lost;
        }
        return won;
    }

    private void begin() {
        accounts.requireOpen();
        won = null;
        if (resources.closed) {
            throw refusal(LeaseException.Kind.ENDED, "the resource manager of " + resources + " has ended", null);
        }
        if (accounts.tooManyWait()) {
            throw refusal(LeaseException.Kind.NO_QUEUE_PAIR, Accounts.MAX_WAITING + " requests wait already", null);
        }
        requireWithinTheHostsPart();
        accounts.add(this);
    }

    private void requireWithinTheHostsPart() {
        int most = accounts.options().connectionsPerHost();
        var source = connection == null || most == 0 ? null : accounts.find(controller);
        if (source != null && accounts.ofHost(source, connection.host()) >= most) {
            throw refusal(
                    LeaseException.Kind.QUOTA,
                    "its host has " + most + " connections already, which is what one host may have",
                    null);
        }
    }

    private void giveUp() {
        var source = accounts.find(controller);
        if (source == null) {
            lose(
                    LeaseException.Kind.NO_CONTROLLER,
                    "there is no such controller; there are " + accounts.controllerNames());
        } else if (!source.usable()) {
            lose(LeaseException.Kind.NO_CONTROLLER, "the controller is not ready: " + source);
        } else {
            lose(LeaseException.Kind.NO_QUEUE_PAIR, accounts.account(source));
        }
        accounts.settle(controller);
    }

    Allotment.Request asRequest() {
        return new Allotment.Request(ticket, resources.holder().symbolicName());
    }

    Lease reserved(long id, Source source) {
        return new Lease(manager, id, resources, request, source, connection);
    }

    /** What it asked for, in the form in which leases are told of: no queue pair, no epoch, no counters. */
    private LeaseSnapshot asked() {
        var holder = resources.holder();
        return new LeaseSnapshot(
                0,
                request.controller().toString(),
                0,
                holder.toString(),
                holder.bundleId(),
                request.label(),
                connection == null ? "" : connection.host(),
                request.owner().getName(),
                0,
                0,
                0,
                LeaseState.REQUESTED,
                0,
                0,
                0,
                0,
                0,
                0);
    }

    void win(Lease lease) {
        won = lease;
        accounts.remove(this);
        changed.signal();
    }

    void lose(LeaseException.Kind kind, String why) {
        lost = refusal(kind, why, null);
        accounts.remove(this);
        changed.signal();
    }

    /** A guaranteed request waits for the surplus that is taken back for it, and that is bounded too. */
    void promise() {
        if (!promised) {
            promised = true;
            promisedUntilNanos = System.nanoTime()
                    + accounts.options()
                            .takeBackBound(RevocationReason.PREEMPTED)
                            .toNanos();
        }
    }

    private long leftNanos() {
        long now = System.nanoTime();
        long left = startNanos + boundNanos - now;
        return promised ? Math.max(left, promisedUntilNanos - now) : left;
    }

    /** Whether its own bound has passed, whatever it was promised. Any thread. */
    boolean timedOut() {
        return System.nanoTime() - startNanos >= boundNanos;
    }

    /** Any thread. */
    LeaseException refusal(LeaseException.Kind kind, String why, Throwable cause) {
        accounts.recordRefusal(asked());
        long waitedMillis = (System.nanoTime() - startNanos) / 1_000_000;
        return new LeaseException(
                kind,
                "no queue pair of " + controller + " for " + resources + " [" + request.label() + "], which waited "
                        + waitedMillis + " ms: " + why,
                cause);
    }
}
