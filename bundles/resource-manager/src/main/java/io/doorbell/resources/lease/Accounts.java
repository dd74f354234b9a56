package io.doorbell.resources.lease;

import io.doorbell.host.NvmeController;
import io.doorbell.lease.LeaseEvent;
import io.doorbell.lease.LeaseException;
import io.doorbell.lease.LeaseSnapshot;
import io.doorbell.lease.RevocationReason;
import io.doorbell.nvme.TransportId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which controllers there are, who holds which of their queue pairs, and who waits. One lock guards all of it, and each
 * method says whether it takes the lock or wants it held. Nothing that takes time happens under it, and no driver is called
 * that might wait for a lock of its own. Whatever changes the situation of a controller calls {@link #settle}, which does
 * what {@link Allotment} decides.
 */
final class Accounts {
    private static final Logger LOG = LoggerFactory.getLogger(Accounts.class);

    /** Requests that may wait at once, in the whole node. */
    static final int MAX_WAITING = 1024;

    /** Holders that a refusal names. */
    private static final int MAX_NAMED = 32;

    private final LeaseBook book;
    /** Starts to take a lease back; does not wait, and is called with the lock held. */
    private final Consumer<Lease> taker;

    private final ReentrantLock lock = new ReentrantLock();
    // Guarded by the lock.
    /** By the controller, or the listener. */
    private final Map<Object, Source> sources = new LinkedHashMap<>();

    private final Map<Long, Lease> leases = new LinkedHashMap<>();
    private final Set<HolderResources> holders = new LinkedHashSet<>();
    private final List<Waiter> waiting = new ArrayList<>();
    private long tickets;
    private boolean closed;

    private volatile LeaseOptions options;

    Accounts(LeaseOptions options, LeaseBook book, Consumer<Lease> taker) {
        this.options = options;
        this.book = book;
        this.taker = taker;
    }

    LeaseOptions options() {
        return options;
    }

    // The lock.

    void locked(Runnable action) {
        lock.lock();
        try {
            action.run();
        } finally {
            lock.unlock();
        }
    }

    <T> T underLock(Supplier<T> action) {
        lock.lock();
        try {
            return action.get();
        } finally {
            lock.unlock();
        }
    }

    Condition newCondition() {
        return lock.newCondition();
    }

    // Take the lock.

    /** Waits, bounded and cancellable, until one of the controller's queue pairs is the waiter's to make. */
    Lease awaitPlace(Waiter waiter) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            return waiter.await();
        } finally {
            lock.unlock();
        }
    }

    void configure(LeaseOptions changed) {
        locked(() -> {
            options = changed;
            settleAll();
            warnOfPromises();
        });
    }

    /** From now on nothing is given any more. */
    void close() {
        locked(() -> closed = true);
    }

    boolean isClosed() {
        return underLock(() -> closed);
    }

    void add(Object key, Source source) {
        locked(() -> {
            sources.put(key, source);
            settleAll();
            warnOfPromises();
        });
    }

    /** Nothing of it is given any more, and what is leased of it goes back: the leases that are on their way. */
    List<Lease> leaving(Object key) {
        return underLock(() -> {
            var known = sources.get(key);
            if (known == null) {
                return List.of();
            }
            known.leaving = true;
            return takeBack(lease -> lease.source == known, RevocationReason.CONTROLLER_GONE);
        });
    }

    void removeSource(Object key) {
        locked(() -> sources.remove(key));
    }

    void add(HolderResources resources) {
        locked(() -> {
            requireOpen();
            holders.add(resources);
            warnOfPromises();
        });
    }

    /** It gets nothing any more, does not wait any more, and what it holds goes back: the leases that are on their way. */
    List<Lease> leaving(HolderResources resources, RevocationReason reason) {
        return underLock(() -> {
            resources.closed = true;
            for (var waiter : List.copyOf(waiting)) {
                if (waiter.resources == resources) {
                    waiter.lose(LeaseException.Kind.ENDED, "the resource manager of " + resources + " has ended");
                }
            }
            return takeBack(lease -> lease.holding == resources, reason);
        });
    }

    void remove(HolderResources resources) {
        locked(() -> holders.remove(resources));
    }

    List<NvmeController> controllers() {
        return underLock(() -> sources.values().stream()
                .filter(known -> !known.leaving)
                .filter(ManagedController.class::isInstance)
                .map(known -> ((ManagedController) known).controller)
                .toList());
    }

    List<Source> sources() {
        return underLock(() -> List.copyOf(sources.values()));
    }

    List<HolderResources> holders() {
        return underLock(() -> List.copyOf(holders));
    }

    /** Leases that have not ended, also those whose queue pair is being made. */
    List<Lease> leases() {
        return underLock(() ->
                leases.values().stream().filter(lease -> !lease.state().ended()).toList());
    }

    int placesTaken(Source source) {
        return underLock(() -> (int) of(source).count());
    }

    /** How many queue pairs of a listener its holder could have now. */
    int free(Source source, HolderResources resources) {
        return underLock(() -> {
            if (closed || resources.closed || source.leaving) {
                return 0;
            }
            int taken = (int) of(source).count();
            int most = options.policy().of(resources.holder().symbolicName()).maximum();
            return Math.max(0, Math.min(source.queuePairs(), most) - taken);
        });
    }

    int waitingCount() {
        return underLock(waiting::size);
    }

    long nextTicket() {
        return underLock(() -> ++tickets);
    }

    /** What policy promises of each controller to the bundles that are here. */
    int promised() {
        return underLock(() -> holders.stream()
                .map(resources -> resources.holder().symbolicName())
                .distinct()
                .mapToInt(name -> options.policy().of(name).guaranteed())
                .sum());
    }

    /** Begins to take leases back, where that was not begun before; they are on their way then. */
    List<Lease> takeBack(Predicate<Lease> which, RevocationReason reason) {
        return underLock(() -> {
            var going = leases.values().stream().filter(which).toList();
            going.forEach(lease -> takeBack(lease, reason));
            return going;
        });
    }

    void takeBack(Lease lease, RevocationReason reason) {
        locked(() -> {
            if (lease.takenBack(reason)) {
                record(LeaseEvent.Kind.REVOKING, lease);
                taker.accept(lease);
            }
        });
    }

    /** Its end is not in sight; nobody is promised its queue pair. */
    void stuck(Lease lease, String why) {
        locked(() -> {
            lease.stuck(why);
            settle(lease.source.id);
        });
    }

    /** It is over; its place is taken until {@link #returned}. */
    void ended(Lease lease, int undrained, Supplier<LeaseEvent> account) {
        locked(() -> {
            lease.ended(undrained);
            var event = account.get();
            book.record(event);
            lease.lastWord(event);
        });
    }

    /** Its queue pair is anybody's again. */
    void returned(Lease lease) {
        locked(() -> {
            leases.remove(lease.id);
            lease.returned();
            settle(lease.source.id);
        });
    }

    void settleAll() {
        locked(() -> sources.values().stream()
                .map(known -> known.id)
                .distinct()
                .toList()
                .forEach(this::settle));
    }

    // Want the lock held.

    void requireOpen() {
        if (closed) {
            throw new LeaseException(LeaseException.Kind.ENDED, "the resource manager has stopped");
        }
    }

    /** The one to be used under this name. During an exchange of drivers there may be an old one beside it. */
    Source find(TransportId id) {
        Source found = null;
        for (var known : sources.values()) {
            if (known.id.equals(id) && !known.leaving) {
                found = known;
            }
        }
        return found;
    }

    void add(Waiter waiter) {
        waiting.add(waiter);
    }

    void remove(Waiter waiter) {
        waiting.remove(waiter);
    }

    boolean tooManyWait() {
        return waiting.size() >= MAX_WAITING;
    }

    /** Does what the situation of a controller asks for. */
    void settle(TransportId id) {
        var source = find(id);
        if (source == null || !source.usable()) {
            return;
        }
        var waiters = new TreeMap<Long, Waiter>();
        waiting.stream().filter(each -> each.controller.equals(id)).forEach(each -> waiters.put(each.ticket, each));
        var places = of(source).map(Lease::asPlace).toList();
        var requests = waiters.values().stream().map(Waiter::asRequest).toList();
        for (var decision : Allotment.decide(source.queuePairs(), places, requests, options.policy())) {
            switch (decision) {
                case Allotment.Decision.Grant(long ticket) -> reserve(source, waiters.get(ticket));
                case Allotment.Decision.Refuse(long ticket) -> {
                    var waiter = waiters.get(ticket);
                    waiter.lose(
                            LeaseException.Kind.QUOTA,
                            "its maximum is reached, by the rule "
                                    + options.policy()
                                            .of(waiter.resources.holder().symbolicName()) + ". "
                                    + account(source));
                }
                case Allotment.Decision.Promise(long ticket) ->
                    waiters.get(ticket).promise();
                case Allotment.Decision.TakeBack(long lease) -> takeBack(leases.get(lease), RevocationReason.PREEMPTED);
            }
        }
    }

    /** Connections that a host has at a listener. */
    int ofHost(Source source, String host) {
        return (int) of(source)
                .filter(lease ->
                        lease.connection != null && lease.connection.host().equals(host))
                .count();
    }

    private void reserve(Source source, Waiter winner) {
        var lease = winner.reserved(book.nextId(), source);
        leases.put(lease.id, lease);
        winner.win(lease);
    }

    private Stream<Lease> of(Source source) {
        return leases.values().stream().filter(lease -> lease.source == source);
    }

    void record(LeaseEvent.Kind kind, Lease lease) {
        var snapshot = lease.snapshot();
        // Given up while it was made, a lease has a reason to end before it is granted.
        var reason = kind == LeaseEvent.Kind.GRANTED ? null : lease.reason();
        book.record(
                new LeaseEvent(kind, System.currentTimeMillis(), snapshot, reason, snapshot.inFlight(), 0, 0, 0, 0, 0));
    }

    /** A request that gets no lease; takes no lock. */
    void recordRefusal(LeaseSnapshot asked) {
        book.record(new LeaseEvent(LeaseEvent.Kind.REFUSED, System.currentTimeMillis(), asked, null, 0, 0, 0, 0, 0, 0));
    }

    private void warnOfPromises() {
        int promised = promised();
        for (var source : sources.values()) {
            if (promised > source.queuePairs()) {
                LOG.warn(
                        "policy guarantees {} queue pairs of each controller to the bundles that are here, and {} has {}:"
                                + " whoever asks last has to wait",
                        promised,
                        source.id,
                        source.queuePairs());
            }
        }
    }

    // For messages; want the lock held.

    /** Who has the queue pairs of a controller. */
    String account(Source source) {
        var names = of(source)
                .collect(Collectors.groupingBy(
                        lease -> lease.holding.holder() + " [" + lease.request.label() + "]"
                                + (lease.standing() == Allotment.Standing.HELD ? "" : " " + lease.standing()),
                        TreeMap::new,
                        Collectors.counting()))
                .entrySet()
                .stream()
                .limit(MAX_NAMED)
                .map(entry -> entry.getKey() + " ×" + entry.getValue())
                .collect(Collectors.joining(", "));
        return of(source).count() + " of " + source.queuePairs() + " queue pairs of " + source.id + " are held"
                + (names.isEmpty() ? "" : ": " + names);
    }

    String controllerNames() {
        return sources.isEmpty()
                ? "none"
                : sources.values().stream().map(Source::toString).collect(Collectors.joining(", "));
    }
}
