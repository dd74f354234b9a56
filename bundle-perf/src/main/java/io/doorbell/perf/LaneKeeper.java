package io.doorbell.perf;

import io.doorbell.host.DmaMemory;
import io.doorbell.lease.LeaseException;
import io.doorbell.lease.LeaseListener;
import io.doorbell.lease.LeaseRequest;
import io.doorbell.lease.QueuePairLease;
import io.doorbell.lease.ResourceManager;
import io.doorbell.lease.RevocationReason;
import io.doorbell.nvme.NvmeException;
import io.doorbell.reactor.Reactor;
import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BooleanSupplier;

/**
 * Keeps a lease under a {@link Lane}. Control plane: one thread at a time, and the listener's.
 */
final class LaneKeeper implements LeaseListener {
    /** For a task on the reactor that has no more to do than a few polls. */
    static final Duration REACTOR_BOUND = Duration.ofSeconds(5);

    /** A controller that comes back may refuse for a moment. */
    private static final Duration TRY_AGAIN = Duration.ofMillis(20);

    private static final Duration WAIT_SLICE = Duration.ofMillis(500);

    private static final int MIN_QUEUE_ENTRIES = 16;
    private static final int PAGE_BYTES = 4096;
    private static final byte PAYLOAD = 0x5A;

    private final ResourceManager resourceManager;
    private final PerfOptions options;
    private final Lane lane;
    private final Reactor reactor;
    private QueuePairLease lease;
    private volatile RevocationReason reason;

    LaneKeeper(ResourceManager resourceManager, PerfOptions options, Lane lane, Reactor reactor) {
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
    void open() throws InterruptedException {
        try {
            lease(Duration.ZERO);
        } catch (LeaseException | NvmeException | IllegalStateException e) {
            throw new PerfException("leasing " + name() + ": " + e.getMessage(), e);
        }
    }

    /** Lets go of the lease; in flight I/Os drain while the owner polls. Idempotent. */
    void close() {
        if (lease != null) {
            lease.close();
            lease = null;
        }
    }

    /**
     * The lease was taken back: lets it go, and gets another, within the bound that was asked for.
     *
     * @param wanted asked now and then; when it says no, so does the answer
     * @return what happened, or null when it was no longer wanted
     * @throws PerfException when there is no new lease
     */
    Resumption resume(BooleanSupplier wanted) throws InterruptedException {
        var begin = System.nanoTime();
        close();
        var missing = reactor.call(lane::detach, REACTOR_BOUND);
        var why = reason;
        if (missing > 0) {
            throw new PerfException(name() + ": the lease ended, and " + missing + " I/Os were never completed");
        }
        if (options.resume().isZero() || !mayResume(why)) {
            throw new PerfException(name() + ": the lease was taken back (" + why + ")");
        }
        var deadline = System.nanoTime() + options.resume().toNanos();
        while (wanted.getAsBoolean()) {
            try {
                // In slices, so that a run that ends need not interrupt whoever is about to make a queue pair.
                var left = Math.clamp(deadline - System.nanoTime(), 0, WAIT_SLICE.toNanos());
                lease(Duration.ofNanos(left));
                return new Resumption(name(), why, (System.nanoTime() - begin) / 1e9);
            } catch (LeaseException | NvmeException e) {
                if (deadline - System.nanoTime() <= 0 || !mayHelp(e)) {
                    throw new PerfException(
                            name() + ": the lease was taken back (" + why + "), and no new one came within "
                                    + options.resume().toSeconds() + " s (--resume): " + e.getMessage(),
                            e);
                }
                Thread.sleep(TRY_AGAIN);
            }
        }
        return null;
    }

    @Override
    public void revoking(QueuePairLease taken, RevocationReason why, Duration grace) {
        if (why == RevocationReason.RELEASED_BY_HOLDER) {
            return;
        }
        reason = why;
        try {
            reactor.execute(() -> lane.lose(taken, why.name()));
        } catch (RejectedExecutionException e) {
            // The lane learns it from its next submission.
        }
    }

    /** Not when we, or those who lease, are the ones who end. */
    private static boolean mayResume(RevocationReason why) {
        return why != RevocationReason.HOLDER_STOPPED && why != RevocationReason.RESOURCE_MANAGER_STOPPED;
    }

    /** Waiting helps against a controller that is not back yet, and against queue pairs that others hold. */
    private static boolean mayHelp(RuntimeException e) {
        return !(e instanceof LeaseException lease) || lease.kind() != LeaseException.Kind.ENDED;
    }

    private void lease(Duration waitBound) throws InterruptedException {
        reason = null;
        var target = lane.worker().target();
        var granted = resourceManager.lease(new LeaseRequest(
                target.controller(), queueEntries(target), reactor.thread(), lane, this, waitBound, "perf " + name()));
        try {
            checkSame(granted, target);
            attach(granted);
            lease = granted;
        } catch (RuntimeException e) {
            granted.close();
            throw e;
        }
    }

    /** The controller may have come back as something else. */
    private void checkSame(QueuePairLease granted, Target target) {
        var nsid = target.namespace().nsid();
        for (var namespace : granted.controller().namespaces()) {
            if (namespace.nsid() == nsid) {
                if (namespace.blockBytes() == target.namespace().blockBytes()
                        && namespace.blockCount() == target.namespace().blockCount()) {
                    return;
                }
                throw new PerfException(target.name() + " has changed: " + target.namespace() + " is now " + namespace);
            }
        }
        throw new PerfException(target.name() + " is no longer active");
    }

    private void attach(QueuePairLease granted) {
        var stride = (int) alignUp(options.ioBytes(), options.alignment());
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
        var longest = target.maxTransferBytes();
        var boundary = (long) target.namespace().optimalBoundaryBlocks()
                * target.namespace().blockBytes();
        if (boundary > 0) {
            longest = (int) Math.min(longest, boundary);
        }
        var parts = (options.ioBytes() + longest - 1L) / longest + (boundary > 0 ? 1 : 0);
        var needed = Math.max(MIN_QUEUE_ENTRIES, lane.slots() * parts + 1);
        return (int) Math.min(needed, target.maxQueueEntries());
    }

    private static long alignUp(long value, long alignment) {
        return (value + alignment - 1) & -alignment;
    }
}
