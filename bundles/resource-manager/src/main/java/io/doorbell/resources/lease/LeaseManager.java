package io.doorbell.resources.lease;

import io.doorbell.host.ControllerListener;
import io.doorbell.host.ControllerState;
import io.doorbell.host.NvmeController;
import io.doorbell.host.QueuePairControl;
import io.doorbell.host.QueuePairOptions;
import io.doorbell.lease.ConnectionLeases;
import io.doorbell.lease.LeaseEvent;
import io.doorbell.lease.LeaseException;
import io.doorbell.lease.LeaseRegistry;
import io.doorbell.lease.LeaseRequest;
import io.doorbell.lease.LeaseSnapshot;
import io.doorbell.lease.LeaseState;
import io.doorbell.lease.QueuePairLease;
import io.doorbell.lease.RevocationReason;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.TransportId;
import io.doorbell.platform.MemoryView;
import io.doorbell.reactor.Reactors;
import io.doorbell.statistics.LatencySnapshot;
import java.lang.foreign.Arena;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives queue pairs out and takes them back, for a whole node. {@link Accounts} knows who has what; what takes time is done
 * outside of them: a queue pair is made by the thread that asked for it, and taken back by a control thread of its own
 * ({@link Revocation}). Any thread.
 */
public final class LeaseManager implements LeaseRegistry, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LeaseManager.class);

    /** From a queue pair that was refused for the moment to the next try, if the request may wait. */
    private static final Duration TRY_AGAIN = Duration.ofMillis(20);

    private final Reactors reactors;
    private final LeaseBook book = new LeaseBook();
    private final Accounts accounts;
    private final LeaseMonitor monitor;
    private final ControllerListener controllerWatch = new ControllerWatch();

    public LeaseManager(LeaseOptions options, Reactors reactors) {
        this.reactors = reactors;
        accounts = new Accounts(options, book, this::startRevocation);
        monitor = new LeaseMonitor(accounts);
        monitor.start();
    }

    /** Bounds and policy from now on. Leases stay; a lower maximum refuses the next one and takes none back. */
    public void configure(LeaseOptions changed) {
        accounts.configure(changed);
    }

    // Controllers.

    public void addController(NvmeController controller) {
        // First: a change of state between the two would otherwise be missed.
        controller.addListener(controllerWatch);
        accounts.add(controller, new ManagedController(controller));
    }

    /** Takes back what is leased of it, while its driver still answers; returns when that is done, within the bounds. */
    public void removeController(NvmeController controller) {
        awaitEnds(accounts.leaving(controller));
        accounts.removeSource(controller);
        controller.removeListener(controllerWatch);
    }

    // Listeners.

    ManagedListener addListener(HolderResources resources, TransportId id, int capacity) {
        var listener = new ManagedListener(this, resources, id, capacity);
        accounts.add(listener, listener);
        return listener;
    }

    /** Its connections end; returns when they have, within the bounds. */
    void removeListener(ManagedListener listener) {
        awaitEnds(accounts.leaving(listener));
        accounts.removeSource(listener);
    }

    int free(ManagedListener listener, HolderResources resources) {
        return accounts.free(listener, resources);
    }

    private final class ControllerWatch implements ControllerListener {
        @Override
        public void stateChanged(NvmeController controller, ControllerState state, String reason) {
            if (state == ControllerState.READY) {
                accounts.settleAll();
            } else {
                // We hear of it later than it happens. If the controller is back already, some leases are new.
                boolean back = controller.state() == ControllerState.READY;
                accounts.takeBack(
                        lease -> lease.source instanceof ManagedController source
                                && source.controller == controller
                                && (!back || lease.lost()),
                        RevocationReason.CONTROLLER_GONE);
            }
        }
    }

    List<NvmeController> controllers() {
        return accounts.controllers();
    }

    Optional<NvmeController> controller(TransportId id) {
        return accounts.underLock(() -> accounts.find(id.withoutNamespace()) instanceof ManagedController known
                ? Optional.of(known.controller)
                : Optional.empty());
    }

    Reactors reactors() {
        return reactors;
    }

    // Holders.

    /** A holder's own resource manager; close it when the holder stops. */
    public HolderResources open(Holder holder) {
        var resources = new HolderResources(this, holder);
        accounts.add(resources);
        return resources;
    }

    void close(HolderResources resources, RevocationReason reason) {
        awaitEnds(accounts.leaving(resources, reason));
        accounts.remove(resources);
        accounts.sources().stream()
                .filter(source -> source instanceof ManagedListener listener && listener.isOf(resources))
                .forEach(accounts::removeSource);
    }

    List<QueuePairLease> leases(HolderResources resources) {
        return accounts.leases().stream()
                .filter(lease ->
                        lease.holding == resources && lease.connection == null && lease.state() != LeaseState.REQUESTED)
                .map(QueuePairLease.class::cast)
                .toList();
    }

    // Giving.

    QueuePairLease lease(HolderResources resources, LeaseRequest request) throws InterruptedException {
        return lease(resources, request, null);
    }

    /** @param connection null for a queue pair of a controller */
    Lease lease(HolderResources resources, LeaseRequest request, ConnectionLeases.Request connection)
            throws InterruptedException {
        if (request.owner().getState() == Thread.State.TERMINATED) {
            throw new IllegalArgumentException("the owner of [" + request.label() + "], thread "
                    + request.owner().getName() + ", has ended already");
        }
        var waiter = new Waiter(this, accounts, resources, request, connection);
        while (true) {
            var lease = accounts.awaitPlace(waiter);
            if (make(lease, waiter)) {
                return lease;
            }
            // Its controller went away just then, or is about to. It may come back within the bound.
        }
    }

    /** Makes the queue pair; false when it was not to be had just then and may be within the bound. */
    private boolean make(Lease lease, Waiter waiter) throws InterruptedException {
        var arena = Arena.ofShared();
        QueuePairControl made = null;
        RevocationReason unwanted;
        try {
            made = lease.source.make(lease, queuePairOptions(lease), arena);
            made.onFailure(why -> queuePairFailed(lease, why));
            made.onTimeout(commands -> timedOut(lease, commands));
            // Throws when the queue pair was lost already, by a reset right behind its creation.
            made.own(lease.owner());
            unwanted = grant(lease, made, arena);
        } catch (RuntimeException | Error refused) {
            boolean lost = made != null && made.lost();
            discard(made, arena);
            boolean goesAway = withdraw(lease);
            if (Thread.interrupted()) {
                throw new InterruptedException("while " + lease + " was made");
            }
            if (refused instanceof RuntimeException && !waiter.timedOut()) {
                if (goesAway) {
                    return false;
                }
                if (lost || mayHelpToWait(refused)) {
                    Thread.sleep(TRY_AGAIN);
                    return false;
                }
            }
            throw waiter.refusal(
                    LeaseException.Kind.DEVICE, "the controller made no queue pair: " + refused.getMessage(), refused);
        }
        if (unwanted == null) {
            return true;
        }
        lease.awaitEnd();
        if (unwanted == RevocationReason.CONTROLLER_GONE && !waiter.timedOut()) {
            return false;
        }
        throw new LeaseException(LeaseException.Kind.ENDED, lease + " was taken back at once: " + unwanted);
    }

    /** It may also be about to be reset, or just back, and not say so yet. */
    private static boolean mayHelpToWait(Throwable refused) {
        return refused instanceof NvmeException failed
                && switch (failed.kind()) {
                    case RETRY -> true;
                    case RESET -> failed.status().isEmpty();
                    case GIVE_UP -> false;
                };
    }

    private static QueuePairOptions queuePairOptions(Lease lease) {
        var request = lease.request;
        int most = lease.source.maxQueueEntries();
        return new QueuePairOptions(
                Math.min(request.queueEntries(), most),
                request.handler(),
                lease.holding.holder().symbolicName() + " [" + request.label() + "]",
                request.path());
    }

    /** Why it has to be taken back at once; null normally. */
    private RevocationReason grant(Lease lease, QueuePairControl made, Arena arena) {
        return accounts.underLock(() -> {
            // Lost in a reset that we heard of before there was a queue pair to ask.
            var unwanted = lease.reason() == null && made.lost() ? RevocationReason.CONTROLLER_GONE : lease.reason();
            lease.granted(made, arena, book.nextEpoch(lease.source.id, made.queueId()));
            accounts.record(LeaseEvent.Kind.GRANTED, lease);
            if (unwanted != null) {
                lease.keepFromHolder();
                accounts.takeBack(lease, unwanted);
            }
            accounts.settle(lease.source.id);
            return unwanted;
        });
    }

    /** The queue pair was not made; whether that is because the controller goes away. */
    private boolean withdraw(Lease lease) {
        return accounts.underLock(() -> {
            lease.withdrawn();
            accounts.returned(lease);
            return !lease.source.usable();
        });
    }

    /** Nobody ever had it. */
    private void discard(QueuePairControl made, Arena arena) {
        try {
            if (made != null) {
                made.delete(accounts.options().deleteBound());
            }
        } catch (RuntimeException unsure) {
            LOG.error("{} was never granted, and may live: its memory and its id are kept", made, unsure);
            return;
        }
        MemoryView.close(arena, accounts.options().closeBound());
        if (made != null) {
            made.fenced("it was never granted");
        }
    }

    // Taking back.

    LeaseOptions options() {
        return accounts.options();
    }

    /** Begins to take a lease back, unless that was begun before. Does not wait. */
    void takeBack(Lease lease, RevocationReason reason) {
        accounts.takeBack(lease, reason);
    }

    private void startRevocation(Lease lease) {
        Thread.ofVirtual().name("lease-" + lease.id + "-take-back").start(new Revocation(accounts, monitor, lease));
    }

    private void queuePairFailed(Lease lease, String why) {
        // On a thread of its own: this may be the owner in the middle of a poll, or a thread of the driver.
        Thread.ofVirtual().name("lease-" + lease.id + "-failed").start(() -> {
            LOG.warn("{}: its queue pair failed: {}", lease, why);
            takeBack(lease, RevocationReason.QUEUE_PAIR_FAILED);
        });
    }

    private static void timedOut(Lease lease, int commands) {
        // On a thread of its own: a listener that blocks must not hold up what the driver does about them.
        Thread.ofVirtual().name("lease-" + lease.id + "-late").start(() -> {
            try {
                lease.listener().timedOut(lease, commands);
            } catch (RuntimeException | LinkageError failure) {
                LOG.error("{}: its listener failed", lease, failure);
            }
        });
    }

    /** All of them are on their way already, so together they take no longer than the slowest may. */
    private static void awaitEnds(Collection<Lease> going) {
        long start = System.nanoTime();
        for (var lease : going) {
            try {
                lease.awaitEnd(start);
            } catch (IllegalStateException late) {
                LOG.error("gave up waiting: {}", late.getMessage());
            }
        }
    }

    void handedOver(Lease lease) {
        accounts.locked(() -> accounts.record(LeaseEvent.Kind.HANDED_OVER, lease));
    }

    // For the operator.

    @Override
    public List<LeaseSnapshot> leases() {
        return accounts.underLock(
                () -> accounts.leases().stream().map(Lease::snapshot).toList());
    }

    @Override
    public Map<Long, LatencySnapshot> latencies() {
        var latencies = new TreeMap<Long, LatencySnapshot>();
        for (var lease : accounts.leases()) {
            var control = lease.control();
            if (control != null) {
                latencies.put(lease.id, control.latency());
            }
        }
        return latencies;
    }

    @Override
    public List<LeaseEvent> history() {
        return book.history();
    }

    @Override
    public List<Capacity> capacity() {
        return accounts.sources().stream()
                .map(source -> new Capacity(
                        source.id.toString(), source.queuePairs(), accounts.placesTaken(source), accounts.promised()))
                .toList();
    }

    @Override
    public LeaseEvent revoke(long leaseId) {
        var lease = accounts.leases().stream()
                .filter(each -> each.id == leaseId && each.state() != LeaseState.REQUESTED)
                .findFirst()
                .orElseThrow(() -> new LeaseException(LeaseException.Kind.ENDED, "there is no lease " + leaseId));
        takeBack(lease, RevocationReason.OPERATOR);
        return lease.awaitEnd();
    }

    @Override
    public AutoCloseable onEvent(Consumer<LeaseEvent> listener) {
        return book.onEvent(listener);
    }

    LeaseMonitor monitor() {
        return monitor;
    }

    int waitingCount() {
        return accounts.waitingCount();
    }

    /** Takes everything back and gives nothing any more. Listeners hear of it. */
    @Override
    public void close() {
        accounts.close();
        accounts.takeBack(lease -> true, RevocationReason.RESOURCE_MANAGER_STOPPED);
        accounts.holders().forEach(resources -> close(resources, RevocationReason.RESOURCE_MANAGER_STOPPED));
        accounts.controllers().forEach(controller -> controller.removeListener(controllerWatch));
        monitor.close();
        book.close();
    }
}
