package io.doorbell.resources.lease;

import io.doorbell.host.DmaAllocation;
import io.doorbell.host.DmaMemory;
import io.doorbell.host.NvmeController;
import io.doorbell.host.QueuePair;
import io.doorbell.host.QueuePairControl;
import io.doorbell.lease.ConnectionLeases;
import io.doorbell.lease.LeaseEvent;
import io.doorbell.lease.LeaseException;
import io.doorbell.lease.LeaseListener;
import io.doorbell.lease.LeaseRequest;
import io.doorbell.lease.LeaseSnapshot;
import io.doorbell.lease.LeaseState;
import io.doorbell.lease.QueuePairLease;
import io.doorbell.lease.RevocationReason;
import io.doorbell.platform.MemoryView;
import io.doorbell.platform.Uninterrupted;
import java.lang.foreign.Arena;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A lease. Its state and what it is made of change under the lock of {@link Accounts}; its memory has a lock of its own, because
 * allocating takes a while. Nothing of it is on the way of an I/O: that is the queue pair alone.
 */
final class Lease implements QueuePairLease {
    private static final Logger LOG = LoggerFactory.getLogger(Lease.class);

    /** How long freeing waits for an allocation that is under way. */
    private static final Duration MEMORY_BOUND = Duration.ofSeconds(1);

    private static final int COMPLETIONS_PER_POLL = 64;
    private static final long OWN_POLL_PAUSE_NANOS = 5_000;

    final long id;
    final HolderResources holding;
    final LeaseRequest request;
    final Source source;
    /** Null but for the lease of a connection. */
    final ConnectionLeases.Request connection;

    private final LeaseManager manager;

    // Changed under the lock of the accounts.
    private volatile LeaseState state = LeaseState.REQUESTED;
    private volatile Thread owner;
    private volatile RevocationReason reason;
    /** Why nobody can say when it will end; null normally. */
    private volatile String stuck;

    private volatile boolean keptFromHolder;
    private volatile QueuePairControl control;
    private Arena arena;
    private long epoch;
    private long grantedAtMillis;
    private long grantedAtNanos;

    /** Zero when it has ended, or is stuck and nobody can say when it will. */
    private final CountDownLatch decided = new CountDownLatch(1);

    private volatile LeaseEvent end;

    /**
     * Held while the owner is changed or stopped. Not the lock of the accounts: a driver may hold locks of its own while it tells
     * the manager about its controller.
     */
    private final ReentrantLock ownerLock = new ReentrantLock();

    private final ReentrantLock memoryLock = new ReentrantLock();
    private final List<DmaAllocation> memory = new ArrayList<>();
    private long memoryBytes;

    /** The device reaches it no more. An allocation that took too long to be waited for frees what it made. */
    private volatile boolean memoryMayGo;

    /** The monitor's own notes, but for what {@link #snapshot} shows. */
    final Sample sample = new Sample();

    static final class Sample {
        long polls;
        long unpolledSinceNanos;
        boolean alarmed;
        boolean failed;
        int timesOwnerSeenDead;
        volatile long lastPollNanos;
    }

    Lease(
            LeaseManager manager,
            long id,
            HolderResources holding,
            LeaseRequest request,
            Source source,
            ConnectionLeases.Request connection) {
        this.manager = manager;
        this.id = id;
        this.holding = holding;
        this.request = request;
        this.source = source;
        this.connection = connection;
        owner = request.owner();
    }

    // Under the lock of the accounts.

    void granted(QueuePairControl owned, Arena lifetime, long newEpoch) {
        var next = LeaseLife.next(state, new LeaseLife.Granted());
        control = owned;
        arena = lifetime;
        epoch = newEpoch;
        grantedAtMillis = System.currentTimeMillis();
        grantedAtNanos = System.nanoTime();
        sample.lastPollNanos = grantedAtNanos;
        sample.unpolledSinceNanos = grantedAtNanos;
        state = next;
    }

    /** It was given up while it was made: the holder never sees it, and hears nothing of it. */
    void keepFromHolder() {
        keptFromHolder = true;
    }

    /** @return whether this call was the first to want it back */
    boolean takenBack(RevocationReason why) {
        var before = state;
        if (reason == null) {
            reason = why;
        }
        if (before != LeaseState.REQUESTED) {
            state = LeaseLife.next(before, new LeaseLife.TakenBack(why));
        }
        return before == LeaseState.GRANTED;
    }

    void withdrawn() {
        state = LeaseLife.next(state, new LeaseLife.Withdrawn());
    }

    void stuck(String why) {
        stuck = why;
        decided.countDown();
    }

    void ended(int undrained) {
        state = LeaseLife.next(state, new LeaseLife.Closed(undrained));
    }

    void lastWord(LeaseEvent event) {
        end = event;
    }

    // Any thread.

    LeaseListener listener() {
        return keptFromHolder ? LeaseListener.NONE : request.listener();
    }

    /** It has ended and gave everything back: nobody waits for it any more. */
    void returned() {
        decided.countDown();
    }

    QueuePairControl control() {
        return control;
    }

    Arena arena() {
        return arena;
    }

    Thread owner() {
        return owner;
    }

    /** Whether its controller has lost the queue pair; not while it is being made. */
    boolean lost() {
        var made = control;
        return made != null && made.lost();
    }

    boolean ownerEnded() {
        return owner.getState() == Thread.State.TERMINATED;
    }

    /** Why it ends, null while it does not. */
    RevocationReason reason() {
        return reason;
    }

    Allotment.Standing standing() {
        return switch (state) {
            case REQUESTED -> Allotment.Standing.COMING;
            case GRANTED -> Allotment.Standing.HELD;
            // An ended one is about to give back its memory, and then its place.
            case REVOKING, RELEASED, FENCED -> stuck != null ? Allotment.Standing.STUCK : Allotment.Standing.LEAVING;
        };
    }

    Allotment.Place asPlace() {
        return new Allotment.Place(id, holding.holder().symbolicName(), standing());
    }

    @Override
    public long id() {
        return id;
    }

    @Override
    public long epoch() {
        return epoch;
    }

    @Override
    public LeaseState state() {
        return state;
    }

    @Override
    public NvmeController controller() {
        return ((ManagedController) source).controller;
    }

    @Override
    public QueuePair queuePair() {
        return control.queuePair();
    }

    @Override
    public DmaMemory allocate(long bytes) {
        if (bytes <= 0) {
            throw new IllegalArgumentException(bytes + " bytes of memory for " + this + ": at least 1");
        }
        memoryLock.lock();
        try {
            requireGranted();
            long limit = manager.options().memoryLimitBytes();
            if (bytes > limit - memoryBytes) {
                throw new LeaseException(
                        LeaseException.Kind.MEMORY,
                        bytes + " bytes for " + this + ", which has " + memoryBytes + " already: a lease may have "
                                + limit);
            }
            var allocation = controller().allocateDma(bytes, arena);
            memory.add(allocation);
            memoryBytes += bytes;
            return allocation.memory();
        } catch (LeaseException own) {
            throw own;
        } catch (RuntimeException failed) {
            requireGranted();
            throw new LeaseException(
                    LeaseException.Kind.MEMORY, bytes + " bytes for " + this + ": " + failed.getMessage(), failed);
        } finally {
            // It took so long that the end of the lease did not wait for us.
            if (memoryMayGo) {
                freeAll();
            }
            memoryLock.unlock();
        }
    }

    private void requireGranted() {
        if (state != LeaseState.GRANTED) {
            throw new LeaseException(LeaseException.Kind.ENDED, this + " has ended: " + reason);
        }
    }

    /** After the device and every holder's view have been cut off. */
    void freeMemory() {
        memoryMayGo = true;
        if (!lockedMemory()) {
            LOG.error("{}: an allocation does not return; its memory is freed when it does", this);
            return;
        }
        try {
            freeAll();
        } finally {
            memoryLock.unlock();
        }
    }

    /** Whoever interrupts: nobody would free it later. */
    private boolean lockedMemory() {
        return Uninterrupted.until(
                System.nanoTime() + MEMORY_BOUND.toNanos(), nanos -> memoryLock.tryLock(nanos, TimeUnit.NANOSECONDS));
    }

    private void freeAll() {
        for (var allocation : memory.reversed()) {
            try {
                allocation.close();
            } catch (RuntimeException failed) {
                LOG.error(
                        "{}: {} bytes cannot be freed",
                        this,
                        allocation.memory().byteSize(),
                        failed);
            }
        }
        memory.clear();
        memoryBytes = 0;
    }

    @Override
    public void handOver(Thread newOwner) {
        ownerLock.lock();
        try {
            requireGranted();
            if (!ownerEnded()) {
                requireOwnerAtRest();
            }
            control.own(newOwner);
            owner = newOwner;
        } finally {
            ownerLock.unlock();
        }
        manager.handedOver(this);
    }

    /**
     * That nothing is in flight is not enough: another thread, past the owner check already, could stage a moment later.
     * The one that calls this is in no such place.
     */
    private void requireOwnerAtRest() {
        if (Thread.currentThread() != owner) {
            throw new IllegalStateException(
                    this + " can be handed over by nobody but its owner, which lives: " + owner.getName());
        }
        int inFlight = control.inFlight();
        if (inFlight > 0) {
            throw new IllegalStateException(this + " has " + inFlight + " commands in flight, and its owner "
                    + owner.getName() + " lives: it can be handed over at rest only");
        }
    }

    /** The first step of taking it back. No owner is given to it after this. */
    void stopSubmissions() {
        ownerLock.lock();
        try {
            control.stopSubmissions();
        } finally {
            ownerLock.unlock();
        }
    }

    @Override
    public void close() {
        manager.takeBack(this, RevocationReason.RELEASED_BY_HOLDER);
        awaitEnd();
    }

    /**
     * Waits until it has ended. The owner polls meanwhile, since nobody else may. An interrupt does not end the wait,
     * which is bounded by the steps of the taking back; the flag is kept.
     *
     * @return null when it was withdrawn before it was granted
     * @throws IllegalStateException when it did not end within the sum of their bounds, or is stuck
     */
    LeaseEvent awaitEnd() {
        return awaitEnd(System.nanoTime());
    }

    /** As {@link #awaitEnd()}, with the bound counted from {@code startNanos}. */
    LeaseEvent awaitEnd(long startNanos) {
        long deadline = startNanos + manager.options().takeBackBound(reason).toNanos();
        if (Thread.currentThread() == owner && control != null && connection == null) {
            pollUntilEnded(deadline);
        }
        Uninterrupted.until(deadline, nanos -> decided.await(nanos, TimeUnit.NANOSECONDS));
        if (state.ended()) {
            return end;
        }
        throw new IllegalStateException(
                this + " has not ended in time (" + reason + ")" + (stuck == null ? "" : ": " + stuck));
    }

    /** Keeps an interrupt for later: the JVM interrupts too, when a poll meets the closed arena, which counts for nothing. */
    private void pollUntilEnded(long deadline) {
        var queuePair = control.queuePair();
        boolean interrupted = Thread.interrupted();
        try {
            while (decided.getCount() > 0 && System.nanoTime() - deadline < 0) {
                interrupted |= Thread.interrupted();
                queuePair.poll(COMPLETIONS_PER_POLL);
                LockSupport.parkNanos(OWN_POLL_PAUSE_NANOS);
            }
            // What did not drain ends here, on the thread that it belongs to.
            for (int i = queuePair.depth(); i > 0 && queuePair.inFlight() > 0; i--) {
                queuePair.poll(COMPLETIONS_PER_POLL);
            }
        } catch (IllegalStateException fenced) {
            // Nothing is left to poll.
            MemoryView.forgetInterrupt();
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    LeaseSnapshot snapshot() {
        long now = System.nanoTime();
        var made = control;
        var counters = made == null ? null : made.counters();
        return new LeaseSnapshot(
                id,
                source.id.toString(),
                made == null ? 0 : made.queueId(),
                holding.holder().toString(),
                holding.holder().bundleId(),
                request.label(),
                connection == null ? "" : connection.host(),
                owner.getName(),
                epoch,
                made == null ? 0 : made.depth(),
                made == null ? 0 : made.inFlight(),
                state,
                grantedAtMillis,
                made == null ? 0 : now - grantedAtNanos,
                made == null ? 0 : now - sample.lastPollNanos,
                counters == null ? 0 : counters.submitted(),
                counters == null ? 0 : counters.completed(),
                counters == null ? 0 : counters.failed());
    }

    @Override
    public String toString() {
        return "lease " + id + " of " + source.id + " (" + holding.holder() + " [" + request.label() + "])";
    }
}
