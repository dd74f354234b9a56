package io.doorbell.resources.lease;

import io.doorbell.host.ControllerListener;
import io.doorbell.host.ControllerState;
import io.doorbell.host.NvmeController;
import io.doorbell.host.QueuePairControl;
import io.doorbell.host.QueuePairOptions;
import io.doorbell.lease.LeaseEvent;
import io.doorbell.lease.LeaseException;
import io.doorbell.lease.LeaseRegistry;
import io.doorbell.lease.LeaseRequest;
import io.doorbell.lease.LeaseSnapshot;
import io.doorbell.lease.LeaseState;
import io.doorbell.lease.QueuePairLease;
import io.doorbell.lease.RevocationReason;
import io.doorbell.nvme.TransportId;
import io.doorbell.platform.MemoryView;
import io.doorbell.reactor.Reactors;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The accounts of a node: which controllers there are, who holds which of their queue pairs, who waits. One lock guards
 * them; nothing that takes time happens under it: queue pairs are made by the thread that asked, and taken back each by a
 * control thread of its own ({@link Revocation}). Whatever changes the situation of a controller calls {@link #settle},
 * which asks {@link Allotment} what is to be done. Any thread.
 */
public final class LeaseManager implements LeaseRegistry, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LeaseManager.class);

    /** Requests that may wait at once, in the whole node. */
    static final int MAX_WAITING = 1024;

    private final Reactors reactors;
    private final LeaseBook book = new LeaseBook();
    private final LeaseMonitor monitor = new LeaseMonitor(this);
    private final ControllerListener controllerListener = new ControllerWatch();
    private volatile LeaseOptions options;

    private final ReentrantLock lock = new ReentrantLock();
    // Guarded by the lock.
    private final Map<NvmeController, ManagedController> controllers = new LinkedHashMap<>();
    private final Map<Long, Lease> leases = new LinkedHashMap<>();
    private final Set<HolderResources> holders = new LinkedHashSet<>();
    private final List<Waiting> waiting = new ArrayList<>();
    private long tickets;
    private boolean closed;

    public LeaseManager(LeaseOptions options, Reactors reactors) {
        this.options = options;
        this.reactors = reactors;
        monitor.start();
    }

    LeaseOptions options() {
        return options;
    }

    Reactors reactors() {
        return reactors;
    }

    /** Bounds and policy from now on. Leases stay; a lower maximum refuses the next one and takes none back. */
    public void configure(LeaseOptions changed) {
        locked(() -> {
            options = changed;
            settleAll();
            warnOfPromises();
        });
    }

    // Controllers.

    public void addController(NvmeController controller) {
        // First: a change of state between the two would otherwise be missed.
        controller.addListener(controllerListener);
        locked(() -> {
            controllers.put(controller, new ManagedController(controller));
            settleAll();
            warnOfPromises();
        });
    }

    /** Takes back what is leased of it, while its driver still answers; returns when that is done, within the bounds. */
    public void removeController(NvmeController controller) {
        var going = underLock(() -> {
            var known = controllers.get(controller);
            if (known == null) {
                return List.<Lease>of();
            }
            known.leaving = true;
            return takeBack(lease -> lease.source == known, RevocationReason.CONTROLLER_GONE);
        });
        awaitEnds(going);
        locked(() -> controllers.remove(controller));
        controller.removeListener(controllerListener);
    }

    /** What is READY of them. */
    List<NvmeController> controllers() {
        return underLock(() -> controllers.values().stream()
                .filter(known -> !known.leaving)
                .map(known -> known.controller)
                .toList());
    }

    Optional<NvmeController> controller(TransportId id) {
        return underLock(() -> Optional.ofNullable(find(id.withoutNamespace())).map(known -> known.controller));
    }

    /** The one to be used under this name. During an exchange of drivers there may be an old one beside it. */
    private ManagedController find(TransportId id) {
        ManagedController found = null;
        for (var known : controllers.values()) {
            if (known.id.equals(id) && !known.leaving) {
                found = known;
            }
        }
        return found;
    }

    private final class ControllerWatch implements ControllerListener {
        @Override
        public void stateChanged(NvmeController controller, ControllerState state, String reason) {
            locked(() -> {
                if (state == ControllerState.READY) {
                    settleAll();
                } else {
                    takeBack(lease -> lease.source.controller == controller, RevocationReason.CONTROLLER_GONE);
                }
            });
        }
    }

    // Holders.

    /** A holder's own resource manager; close it when the holder stops. */
    public HolderResources open(Holder holder) {
        return underLock(() -> {
            requireOpen();
            var resources = new HolderResources(this, holder);
            holders.add(resources);
            warnOfPromises();
            return resources;
        });
    }

    void close(HolderResources resources, RevocationReason reason) {
        var going = underLock(() -> {
            resources.closed = true;
            for (var each : List.copyOf(waiting)) {
                if (each.resources == resources) {
                    each.end(each.refusal(
                            LeaseException.Kind.ENDED, "the resource manager of " + resources + " has ended"));
                }
            }
            return takeBack(lease -> lease.holding == resources, reason);
        });
        awaitEnds(going);
        locked(() -> holders.remove(resources));
    }

    List<QueuePairLease> leases(HolderResources resources) {
        return underLock(() -> leases.values().stream()
                .filter(lease -> lease.holding == resources)
                .filter(lease ->
                        lease.state() != LeaseState.REQUESTED && !lease.state().ended())
                .map(QueuePairLease.class::cast)
                .toList());
    }

    // Granting.

    QueuePairLease lease(HolderResources resources, LeaseRequest request) throws InterruptedException {
        if (request.owner().getState() == Thread.State.TERMINATED) {
            throw new IllegalArgumentException("the owner of [" + request.label() + "], thread "
                    + request.owner().getName() + ", has ended already");
        }
        var mine = new Waiting(resources, request);
        while (true) {
            var lease = reserve(mine);
            if (make(lease, mine)) {
                return lease;
            }
            // Its controller went away just then. It may come back within the bound.
        }
    }

    /** Waits until a queue pair is ours to make. */
    private Lease reserve(Waiting mine) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            requireOpen();
            mine.begin();
            settle(mine.controller);
            while (!mine.ended()) {
                if (mine.leftNanos() <= 0) {
                    mine.end(mine.refusal());
                    settle(mine.controller);
                } else {
                    mine.await();
                }
            }
            return mine.result();
        } catch (InterruptedException cancelled) {
            mine.cancel();
            throw cancelled;
        } finally {
            lock.unlock();
        }
    }

    /** Makes the queue pair; false when its controller went away meanwhile. */
    private boolean make(Lease lease, Waiting mine) throws InterruptedException {
        var source = lease.source;
        var arena = Arena.ofShared();
        QueuePairControl made;
        try {
            made = source.controller.createQueuePair(queuePairOptions(lease), arena);
        } catch (RuntimeException | Error refused) {
            MemoryView.close(arena, options.closeBound());
            if (underLock(() -> withdraw(lease)) && refused instanceof RuntimeException && !mine.timedOut()) {
                return false;
            }
            if (Thread.interrupted()) {
                throw new InterruptedException("while " + lease + " was made");
            }
            throw mine.refused(
                    LeaseException.Kind.DEVICE, "the controller made no queue pair: " + refused.getMessage(), refused);
        }
        made.onFailure(why -> queuePairFailed(lease, why));
        var unwanted = underLock(() -> grant(lease, made, arena));
        if (unwanted == null) {
            return true;
        }
        lease.awaitEnd();
        if (unwanted == RevocationReason.CONTROLLER_GONE && !mine.timedOut()) {
            return false;
        }
        throw new LeaseException(LeaseException.Kind.ENDED, lease + " was taken back at once: " + unwanted);
    }

    private static QueuePairOptions queuePairOptions(Lease lease) {
        var request = lease.request;
        int most = lease.source.controller.info().maxQueueEntries();
        return new QueuePairOptions(
                Math.min(request.queueEntries(), most),
                request.handler(),
                lease.holding.holder().symbolicName() + " [" + request.label() + "]");
    }

    /** Under the lock. Why it has to be taken back at once; null normally. */
    private RevocationReason grant(Lease lease, QueuePairControl made, Arena arena) {
        var unwanted = lease.reason();
        lease.granted(
                made, arena, book.nextEpoch(lease.source.id, made.queuePair().queueId()));
        record(LeaseEvent.Kind.GRANTED, lease);
        if (unwanted != null) {
            lease.keepFromHolder();
            begin(lease, unwanted);
        }
        settle(lease.source.id);
        return unwanted;
    }

    /** Under the lock. The queue pair was not made; whether that is because the controller goes away. */
    private boolean withdraw(Lease lease) {
        lease.withdrawn();
        leases.remove(lease.id);
        lease.returned();
        settle(lease.source.id);
        return !lease.source.usable();
    }

    /** Under the lock: does what the situation of a controller asks for. */
    private void settle(TransportId id) {
        var source = find(id);
        if (source == null || !source.usable()) {
            return;
        }
        var places = places(source);
        var byTicket = new TreeMap<Long, Waiting>();
        waiting.stream().filter(each -> each.controller.equals(id)).forEach(each -> byTicket.put(each.ticket, each));
        var requests = byTicket.values().stream().map(Waiting::asRequest).toList();
        for (var decision : Allotment.decide(source.queuePairs(), places, requests, options.policy())) {
            switch (decision) {
                case Allotment.Decision.Grant(long ticket) -> reserve(byTicket.get(ticket), source);
                case Allotment.Decision.Refuse(long ticket) -> {
                    var refused = byTicket.get(ticket);
                    refused.end(refused.refusal(
                            LeaseException.Kind.QUOTA,
                            "its maximum is reached, by the rule " + rule(refused) + ". " + account(source)));
                }
                case Allotment.Decision.Promise(long ticket) ->
                    byTicket.get(ticket).promise();
                case Allotment.Decision.TakeBack(long id2) -> begin(leases.get(id2), RevocationReason.PREEMPTED);
            }
        }
    }

    private void settleAll() {
        controllers.values().stream().map(known -> known.id).distinct().toList().forEach(this::settle);
    }

    private void reserve(Waiting winner, ManagedController source) {
        var lease = new Lease(this, book.nextId(), winner.resources, winner.request, source);
        leases.put(lease.id, lease);
        winner.win(lease);
    }

    private List<Allotment.Place> places(ManagedController source) {
        return leases.values().stream()
                .filter(lease -> lease.source == source)
                .map(lease ->
                        new Allotment.Place(lease.id, lease.holding.holder().symbolicName(), lease.standing()))
                .toList();
    }

    private Policy.Rule rule(Waiting one) {
        return options.policy().of(one.resources.holder().symbolicName());
    }

    /** Who has the queue pairs of a controller, for people. */
    private String account(ManagedController source) {
        var held =
                leases.values().stream().filter(lease -> lease.source == source).toList();
        var names = held.stream()
                .collect(Collectors.groupingBy(
                        lease -> lease.holding.holder() + " [" + lease.request.label() + "]"
                                + (lease.standing() == Allotment.Standing.HELD ? "" : " " + lease.standing()),
                        TreeMap::new,
                        Collectors.counting()))
                .entrySet()
                .stream()
                .map(entry -> entry.getKey() + " ×" + entry.getValue())
                .collect(Collectors.joining(", "));
        return held.size() + " of " + source.queuePairs() + " queue pairs of " + source.id + " are held"
                + (names.isEmpty() ? "" : ": " + names);
    }

    // Taking back.

    /** Begins to take a lease back, unless that was begun before. Does not wait. */
    void takeBack(Lease lease, RevocationReason reason) {
        locked(() -> begin(lease, reason));
    }

    private void begin(Lease lease, RevocationReason reason) {
        if (lease.takenBack(reason)) {
            record(LeaseEvent.Kind.REVOKING, lease);
            Thread.ofVirtual().name("lease-" + lease.id + "-take-back").start(new Revocation(this, lease));
        }
    }

    private List<Lease> takeBack(Predicate<Lease> which, RevocationReason reason) {
        var going = leases.values().stream().filter(which).toList();
        going.forEach(lease -> begin(lease, reason));
        return going;
    }

    private void queuePairFailed(Lease lease, String why) {
        // On a thread of its own: this may be the owner in the middle of a poll, or a thread of the driver.
        Thread.ofVirtual().name("lease-" + lease.id + "-failed").start(() -> {
            LOG.warn("{}: its queue pair failed: {}", lease, why);
            takeBack(lease, RevocationReason.QUEUE_PAIR_FAILED);
        });
    }

    private static void awaitEnds(Collection<Lease> going) {
        for (var lease : going) {
            try {
                lease.awaitEnd();
            } catch (IllegalStateException late) {
                LOG.error("gave up waiting: {}", late.getMessage());
            }
        }
    }

    void ended(Lease lease, Supplier<LeaseEvent> account, int undrained) {
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

    /** Its end is not in sight; nobody is promised its queue pair. */
    void stuck(Lease lease) {
        locked(() -> {
            lease.stuck();
            settle(lease.source.id);
        });
    }

    void stuck(Lease lease, Revocation revocation) {
        stuck(lease);
        monitor.stuck(revocation);
    }

    void orphans(Lease lease) {
        monitor.orphaned(lease);
    }

    void handOver(Lease lease, Thread newOwner) {
        locked(() -> {
            if (lease.state() != LeaseState.GRANTED) {
                throw new LeaseException(LeaseException.Kind.ENDED, lease + " has ended: " + lease.reason());
            }
            int inFlight = lease.queuePair().inFlight();
            if (inFlight > 0 && !lease.ownerEnded()) {
                throw new IllegalStateException(lease + " has " + inFlight + " commands in flight, and its owner "
                        + lease.owner().getName() + " lives: it can be handed over at rest only");
            }
            lease.owned(newOwner);
            record(LeaseEvent.Kind.HANDED_OVER, lease);
        });
    }

    // For the operator.

    List<Lease> granted() {
        return underLock(() -> leases.values().stream()
                .filter(lease -> lease.state() == LeaseState.GRANTED)
                .toList());
    }

    LeaseMonitor monitor() {
        return monitor;
    }

    int waitingCount() {
        return underLock(waiting::size);
    }

    void record(LeaseEvent.Kind kind, Lease lease) {
        var snapshot = lease.snapshot();
        // Given up while it was made, a lease has a reason to end before it is granted.
        var reason = kind == LeaseEvent.Kind.GRANTED ? null : lease.reason();
        book.record(
                new LeaseEvent(kind, System.currentTimeMillis(), snapshot, reason, snapshot.inFlight(), 0, 0, 0, 0, 0));
    }

    @Override
    public List<LeaseSnapshot> leases() {
        return underLock(() -> leases.values().stream()
                .filter(lease -> !lease.state().ended())
                .map(Lease::snapshot)
                .toList());
    }

    @Override
    public List<LeaseEvent> history() {
        return book.history();
    }

    @Override
    public List<Capacity> capacity() {
        return underLock(() -> controllers.values().stream()
                .map(source -> new Capacity(
                        source.id.toString(),
                        source.queuePairs(),
                        places(source).size(),
                        promised()))
                .toList());
    }

    /** What policy promises of each controller to the bundles that are here. */
    private int promised() {
        return holders.stream()
                .map(resources -> resources.holder().symbolicName())
                .distinct()
                .mapToInt(name -> options.policy().of(name).guaranteed())
                .sum();
    }

    private void warnOfPromises() {
        int promised = promised();
        for (var source : controllers.values()) {
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

    @Override
    public LeaseEvent revoke(long leaseId) {
        var lease = underLock(() -> {
            var known = leases.get(leaseId);
            if (known == null
                    || known.state() == LeaseState.REQUESTED
                    || known.state().ended()) {
                throw new LeaseException(LeaseException.Kind.ENDED, "there is no lease " + leaseId);
            }
            begin(known, RevocationReason.OPERATOR);
            return known;
        });
        return lease.awaitEnd();
    }

    @Override
    public AutoCloseable onEvent(Consumer<LeaseEvent> listener) {
        return book.onEvent(listener);
    }

    /** Takes everything back and gives nothing any more. Listeners hear of it. */
    @Override
    public void close() {
        var all = underLock(() -> {
            closed = true;
            return List.copyOf(holders);
        });
        // All at once, then one after the other to their ends.
        locked(() -> takeBack(lease -> true, RevocationReason.RESOURCE_MANAGER_STOPPED));
        all.forEach(resources -> close(resources, RevocationReason.RESOURCE_MANAGER_STOPPED));
        locked(() -> controllers.keySet().forEach(controller -> controller.removeListener(controllerListener)));
        monitor.close();
        book.close();
    }

    private void requireOpen() {
        if (closed) {
            throw new LeaseException(LeaseException.Kind.ENDED, "the resource manager has stopped");
        }
    }

    private void locked(Runnable action) {
        lock.lock();
        try {
            action.run();
        } finally {
            lock.unlock();
        }
    }

    private <T> T underLock(Supplier<T> action) {
        lock.lock();
        try {
            return action.get();
        } finally {
            lock.unlock();
        }
    }

    /** One who waits for a queue pair. Guarded by the lock; the condition is its own, so that only who won is woken. */
    private final class Waiting {
        final HolderResources resources;
        final LeaseRequest request;
        final TransportId controller;
        final long ticket;
        private final Condition changed = lock.newCondition();
        private final long startNanos = System.nanoTime();
        private final long boundNanos;
        private long promisedUntilNanos;
        private boolean promised;
        private Lease won;
        private LeaseException lost;

        Waiting(HolderResources resources, LeaseRequest request) {
            this.resources = resources;
            this.request = request;
            controller = request.controller().withoutNamespace();
            ticket = underLock(() -> ++tickets);
            var limit = options.waitLimit();
            boundNanos = (request.waitBound().compareTo(limit) < 0 ? request.waitBound() : limit).toNanos();
        }

        void begin() {
            won = null;
            if (resources.closed) {
                throw refusal(LeaseException.Kind.ENDED, "the resource manager of " + resources + " has ended");
            }
            if (waiting.size() >= MAX_WAITING) {
                throw refusal(LeaseException.Kind.NO_QUEUE_PAIR, MAX_WAITING + " requests wait already");
            }
            waiting.add(this);
        }

        Allotment.Request asRequest() {
            return new Allotment.Request(ticket, resources.holder().symbolicName());
        }

        boolean ended() {
            return won != null || lost != null;
        }

        /** A guaranteed request waits for the surplus that is taken back for it, and that is bounded too. */
        void promise() {
            if (!promised) {
                promised = true;
                promisedUntilNanos = System.nanoTime()
                        + options.takeBackBound(RevocationReason.PREEMPTED).toNanos();
            }
        }

        long leftNanos() {
            long now = System.nanoTime();
            long left = startNanos + boundNanos - now;
            return promised ? Math.max(left, promisedUntilNanos - now) : left;
        }

        boolean timedOut() {
            return System.nanoTime() - startNanos >= boundNanos;
        }

        void await() throws InterruptedException {
            changed.awaitNanos(leftNanos());
        }

        void win(Lease lease) {
            won = lease;
            waiting.remove(this);
            changed.signal();
        }

        void end(LeaseException refusal) {
            lost = refusal;
            waiting.remove(this);
            changed.signal();
        }

        Lease result() {
            if (lost != null) {
                throw lost;
            }
            return won;
        }

        /** Interrupted, and not won: of a signal and an interrupt the condition lets the first one count. */
        void cancel() {
            waiting.remove(this);
            settle(controller);
        }

        /** Why it could not be had in time. */
        LeaseException refusal() {
            var source = find(controller);
            if (source == null) {
                return refusal(LeaseException.Kind.NO_CONTROLLER, "there is no such controller; there are " + names());
            }
            if (!source.usable()) {
                return refusal(LeaseException.Kind.NO_CONTROLLER, "the controller is not ready: " + source);
            }
            return refusal(LeaseException.Kind.NO_QUEUE_PAIR, account(source));
        }

        private String names() {
            return controllers.isEmpty()
                    ? "none"
                    : controllers.values().stream()
                            .map(ManagedController::toString)
                            .collect(Collectors.joining(", "));
        }

        LeaseException refusal(LeaseException.Kind kind, String why) {
            return refused(kind, why, null);
        }

        LeaseException refused(LeaseException.Kind kind, String why, Throwable cause) {
            record(LeaseEvent.Kind.REFUSED, new Lease(LeaseManager.this, 0, resources, request, null));
            long waitedMillis = (System.nanoTime() - startNanos) / 1_000_000;
            return new LeaseException(
                    kind,
                    "no queue pair of " + controller + " for " + resources + " [" + request.label() + "], which waited "
                            + waitedMillis + " ms: " + why,
                    cause);
        }
    }
}
