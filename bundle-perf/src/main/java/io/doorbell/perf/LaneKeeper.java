package io.doorbell.perf;

import io.doorbell.host.ControllerListener;
import io.doorbell.host.ControllerState;
import io.doorbell.host.DmaMemory;
import io.doorbell.host.NvmeController;
import io.doorbell.host.PathOptions;
import io.doorbell.lease.LeaseException;
import io.doorbell.lease.LeaseListener;
import io.doorbell.lease.LeaseRequest;
import io.doorbell.lease.LeaseState;
import io.doorbell.lease.QueuePairLease;
import io.doorbell.lease.ResourceManager;
import io.doorbell.lease.RevocationReason;
import io.doorbell.nvme.NvmeException;
import io.doorbell.reactor.Reactor;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/** Keeps a lease under a {@link Lane}. Control plane: any thread, one at a time. */
final class LaneKeeper {
    /** For a task on the reactor that has no more to do than a few polls. */
    static final Duration REACTOR_BOUND = Duration.ofSeconds(5);

    /** A controller that comes back may refuse for a moment. */
    private static final Duration TRY_AGAIN = Duration.ofMillis(20);

    /** From a refused submission to the word why. */
    private static final Duration NEWS_BOUND = Duration.ofSeconds(2);

    private static final int MIN_QUEUE_ENTRIES = 16;
    private static final int PAGE_BYTES = 4096;
    private static final byte PAYLOAD = 0x5A;

    private final ResourceManager resourceManager;
    private final PerfOptions options;
    private final Lane lane;
    private final Reactor reactor;
    private final Consumer<String> onFault;
    /** Written under this object's lock. */
    private volatile QueuePairLease lease;

    private News news;

    private final Object waiterLock = new Object();
    // Guarded by it.
    private Thread waiter;
    private boolean cancelled;

    /** @param onFault told when the controller fails or is reset under the lease; any thread, must not block */
    LaneKeeper(
            ResourceManager resourceManager,
            PerfOptions options,
            Lane lane,
            Reactor reactor,
            Consumer<String> onFault) {
        this.onFault = onFault;
        this.resourceManager = resourceManager;
        this.options = options;
        this.lane = lane;
        this.reactor = reactor;
    }

    /** As in {@code queue pair 2 of 3 of EMULATED (nvme0) NSID 1 on core 0}. */
    String name() {
        return "queue pair " + (lane.index() + 1) + " of " + options.queuePairs() + " of "
                + lane.worker().name();
    }

    /**
     * Leases a queue pair, with memory for the data, and puts both under the lane. On failure nothing is held.
     *
     * @throws PerfException naming the step
     */
    synchronized void open() throws InterruptedException {
        try {
            lease(Duration.ZERO);
        } catch (LeaseException | NvmeException | IllegalStateException e) {
            throw new PerfException("leasing " + name() + ": " + e.getMessage(), e);
        }
    }

    /** Lets go of the lease; in flight I/Os drain while the owner polls. Idempotent. */
    synchronized void close() {
        if (lease != null) {
            lease.close();
            lease.controller().removeListener(news);
            lease = null;
        }
    }

    /**
     * The lease was taken back: lets it go, and gets another, within the bound that was asked for.
     *
     * @throws PerfException when there is no new lease
     * @throws InterruptedException when the wait was {@linkplain #cancelWait cancelled}
     */
    synchronized Resumption resume() throws InterruptedException {
        var begin = System.nanoTime();
        // The lane may know before we are told: from a refused submission.
        var why = news.await();
        closeWithin(System.nanoTime() + options.resume().toNanos());
        var missing = reactor.call(lane::detach, REACTOR_BOUND);
        if (missing > 0) {
            throw new PerfException(name() + ": the lease ended, and " + missing + " I/Os were never completed");
        }
        if (options.resume().isZero() || !mayResume(why)) {
            throw new PerfException(name() + ": the lease was taken back (" + why + ")");
        }
        var deadline = System.nanoTime() + options.resume().toNanos();
        while (true) {
            var left = Math.max(0, deadline - System.nanoTime());
            try {
                lease(Duration.ofNanos(left));
                return new Resumption(name(), why, (System.nanoTime() - begin) / 1e9);
            } catch (LeaseException | NvmeException e) {
                if (left == 0 || !mayHelp(e)) {
                    throw new PerfException(
                            name() + ": the lease was taken back (" + why + "), and no new one came within "
                                    + options.resume().toSeconds() + " s (--resume): " + e.getMessage(),
                            e);
                }
                Thread.sleep(TRY_AGAIN);
            }
        }
    }

    /** Where the driver resets the controller to get the queues deleted, the lease ends when that is done. */
    private void closeWithin(long deadline) throws InterruptedException {
        while (true) {
            try {
                close();
                return;
            } catch (IllegalStateException stuck) {
                if (isCancelled() || System.nanoTime() - deadline >= 0) {
                    throw stuck;
                }
                Thread.sleep(TRY_AGAIN);
            }
        }
    }

    private boolean isCancelled() {
        synchronized (waiterLock) {
            return cancelled;
        }
    }

    /** Ends a wait for a lease, and those to come. Any thread. */
    void cancelWait() {
        synchronized (waiterLock) {
            cancelled = true;
            if (waiter != null) {
                waiter.interrupt();
            }
        }
    }

    /** Not when we, or those who lease, are the ones who end. */
    private static boolean mayResume(RevocationReason why) {
        return why != RevocationReason.HOLDER_STOPPED && why != RevocationReason.RESOURCE_MANAGER_STOPPED;
    }

    /** Waiting helps against a controller that is not back yet, and against queue pairs that others hold. */
    private static boolean mayHelp(RuntimeException e) {
        return !(e instanceof LeaseException refused) || refused.kind() != LeaseException.Kind.QUOTA;
    }

    private void lease(Duration waitBound) throws InterruptedException {
        var target = lane.worker().target();
        var told = new News();
        var path = options.interrupts() ? PathOptions.DEFAULTS.withInterrupt(reactor.sign()) : PathOptions.DEFAULTS;
        var granted = await(new LeaseRequest(
                target.controller(),
                queueEntries(target),
                reactor.thread(),
                lane,
                told,
                waitBound,
                "perf " + name(),
                path));
        try {
            checkSame(granted, target);
            attach(granted);
            granted.controller().addListener(told);
            lease = granted;
            news = told;
        } catch (IllegalStateException e) {
            granted.close();
            throw new LeaseException(LeaseException.Kind.ENDED, "taken back at once: " + e.getMessage(), e);
        } catch (RuntimeException e) {
            granted.close();
            throw e;
        }
    }

    /** Only here may {@link #cancelWait} interrupt: elsewhere it would meet a step that has to be finished. */
    private QueuePairLease await(LeaseRequest request) throws InterruptedException {
        synchronized (waiterLock) {
            if (cancelled) {
                throw new InterruptedException("the run ends");
            }
            waiter = Thread.currentThread();
        }
        try {
            return resourceManager.lease(request);
        } finally {
            synchronized (waiterLock) {
                waiter = null;
                if (cancelled) {
                    // It may have come too late for the wait, and is not for what follows.
                    Thread.interrupted();
                }
            }
        }
    }

    /** The controller may have come back as something else. */
    private void checkSame(QueuePairLease granted, Target target) {
        var nsid = target.namespace().nsid();
        for (var namespace : granted.controller().namespaces()) {
            if (namespace.nsid() == nsid) {
                if (namespace.blockBytes() == target.namespace().blockBytes()
                        && namespace.blockCount() == target.namespace().blockCount()
                        && namespace.metadata().equals(target.namespace().metadata())) {
                    return;
                }
                throw new PerfException(target.name() + " has changed: " + target.namespace() + " is now " + namespace);
            }
        }
        throw new PerfException(target.name() + " is no longer active");
    }

    private void attach(QueuePairLease granted) {
        var stride = (int) alignUp(lane.worker().layout().slotBytes(), options.alignment());
        // Memory comes in pages; a larger alignment has to be found in it.
        var slack = Math.max(0, options.alignment() - PAGE_BYTES);
        DmaMemory memory = granted.allocate((long) lane.slots() * stride + slack);
        if (options.readPercent() < 100) {
            memory.segment().fill(PAYLOAD);
        }
        var offset = alignUp(memory.iova(), options.alignment()) - memory.iova();
        reactor.call(
                () -> {
                    lane.attach(granted, memory, offset, stride);
                    return null;
                },
                REACTOR_BOUND);
    }

    private int queueEntries(Target target) {
        if (options.queueEntries() > 0) {
            return options.queueEntries();
        }
        // A command is split at the longest transfer, and at the optimal boundary; one entry of a ring stays free. No
        // more than is needed: a small ring stays in the caches of both sides.
        var layout = lane.worker().layout();
        long longest = Math.max(1, target.maxTransferBytes() / layout.transferBlockBytes());
        var boundary = target.namespace().optimalBoundaryBlocks();
        if (boundary > 0) {
            longest = Math.min(longest, boundary);
        }
        var parts = (layout.ioBlocks() + longest - 1) / longest + (boundary > 0 ? 1 : 0);
        var needed = Math.max(MIN_QUEUE_ENTRIES, lane.slots() * parts + 1);
        return (int) Math.min(needed, target.maxQueueEntries());
    }

    /** Hears of the end of one lease, and of what happens to its controller meanwhile. */
    private final class News implements LeaseListener, ControllerListener {
        private final CompletableFuture<RevocationReason> why = new CompletableFuture<>();

        @Override
        public void revoking(QueuePairLease taken, RevocationReason reason, Duration grace) {
            why.complete(reason);
            try {
                reactor.execute(() -> lane.lose(taken, reason.name()));
            } catch (RejectedExecutionException e) {
                // The lane learns it from its next submission.
            }
        }

        @Override
        public void ended(QueuePairLease taken, LeaseState state, RevocationReason reason) {
            why.complete(reason);
        }

        /**
         * A driver that lets its controller go does so when the leases have ended. Before that it is a fault, and the
         * run has failed, whether or not it can go on.
         */
        @Override
        public void stateChanged(NvmeController controller, ControllerState state, String what) {
            var held = lease;
            // Told by another thread, it may come late: of a driver that has gone, while its successor's lease is held.
            boolean concernsUs = held != null
                    && held.controller() == controller
                    && !held.state().ended();
            if (state != ControllerState.READY && concernsUs) {
                onFault.accept(Target.controllerName(controller.transportId()) + " is " + state + ": " + what);
            }
        }

        /** Null when nobody tells: then the lane stopped by itself, as the controller took nothing more. */
        RevocationReason await() throws InterruptedException {
            try {
                return why.get(NEWS_BOUND.toNanos(), TimeUnit.NANOSECONDS);
            } catch (TimeoutException e) {
                return null;
            } catch (ExecutionException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private static long alignUp(long value, long alignment) {
        return (value + alignment - 1) & -alignment;
    }
}
