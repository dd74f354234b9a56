package io.doorbell.driver;

import io.doorbell.host.CommandTimeout;
import io.doorbell.host.CompletionHandler;
import io.doorbell.host.QueuePairCounters;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.platform.MemoryView;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The half of a queue pair that knows what is in flight: ends each command once, looks for those that take too long, keeps
 * those that are given to the controller again. The transport brings completions by {@link #deliver} and {@link #endUnusual}.
 *
 * <p>Owner: the thread given by {@link DriverQueuePairControl#own}; all state without a remark is its own. What the control
 * plane writes is in {@link OwnedQueuePair}.
 */
public abstract class TrackedQueuePair extends OwnedQueuePair {
    /** How long an owner sleeps at most who has deferred commands. */
    private static final long DEFERRED_LOOK_NANOS = 10_000_000;

    private static final VarHandle BATCH;

    static {
        try {
            BATCH = MethodHandles.lookup()
                    .findVarHandle(TrackedQueuePair.class, "batch", int.class)
                    .withInvokeExactBehavior();
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    public final Trackers trackers;

    /** Where submission entries are; bound to the lease, so its end is the fence. */
    public final MemorySegment submission;

    protected final CoarseClock clock;
    private final CompletionHandler handler;

    /** Clock at the last look for commands that take too long. */
    private int scannedAt;

    /** Odd while completions are being handed out. Read by other threads. */
    private int batch;

    protected long completed;
    protected long failed;
    protected long polls;
    protected long retried;

    // Cold from here on.

    private final RetryPolicy retry;

    /** Null where nothing is ever deferred. */
    final DeferredCommands deferred;

    /** Null where no errors are made up. */
    final Injection injection;

    /** Commands that were late since the control plane last looked. */
    final AtomicInteger late = new AtomicInteger();

    private final int queueId;
    protected final QueuePairHost host;
    private final int timeoutMillis;
    private final CommandTimeout.Action timeoutAction;
    private final int abortMillis;

    TrackedQueuePair(QueuePairParts parts) {
        super(parts.name(), parts.interrupt());
        trackers = new Trackers(parts.entries() - 1);
        submission = parts.submission();
        clock = parts.clock();
        queueId = parts.queueId();
        handler = parts.handler();
        timeoutMillis = (int) parts.timeout().after().toMillis();
        timeoutAction = parts.timeout().action();
        abortMillis = parts.abortMillis();
        host = parts.host();
        retry = parts.retry();
        injection = parts.injected().isEmpty() ? null : new Injection(trackers.slotMask + 1, parts.injected());
        deferred = retry.most() > 0 || injection != null ? new DeferredCommands(trackers.slotMask + 1) : null;
    }

    // ------ what the transport knows

    /** Where the entry of the command lies that has this id, as long as it is in flight; -1 when it is there no more. */
    protected abstract long entryOf(int cid);

    /** Where the entry of the command goes that is staged after {@code ahead} others, with this id. */
    protected abstract long entry(int ahead, int cid);

    /**
     * An entry is written, and its data described: for transports that put more around it. May throw; the command is not
     * accepted then.
     */
    protected void written(long entry, int cid) {}

    /** The entry of this command is written, and goes to the controller with the next commit. Throws nothing. */
    protected abstract void staged(int cid);

    /** How much is staged, for {@link #unstage}. */
    protected abstract int stagedMark();

    /** What was staged since then goes nowhere: nobody has told the controller. */
    protected abstract void unstage(int mark);

    /** Whether everything staged has left. */
    protected abstract boolean isCommitted();

    /** Whether a completion may be there that was not taken yet. Only asked of queue pairs that interrupt. */
    protected abstract boolean hasCompletion();

    // ------ for everybody

    @Override
    public final int queueId() {
        return queueId;
    }

    @Override
    public final int depth() {
        return trackers.depth();
    }

    @Override
    public final int inFlight() {
        int before = (int) BATCH.getAcquire(this);
        int count = trackers.inFlight();
        int after = (int) BATCH.getAcquire(this);
        // A slot is free before its handler runs, so that the handler can use it. Whoever waits for 0 waits for the
        // handler too: it may still be looking at the data.
        return before == after && (before & 1) == 0 ? count : Math.max(1, count);
    }

    // ------ completions

    /** Whether completions are being handed out, so that a call comes from a handler. */
    protected final boolean isInBatch() {
        return (batch & 1) != 0;
    }

    protected final void requireNoBatch() {
        if (isInBatch()) {
            throw new IllegalStateException(name + ": poll was called by a completion handler");
        }
    }

    protected final void beginBatch() {
        batch++;
        // Others who see slots become free must see first that a batch is on.
        VarHandle.storeStoreFence();
    }

    protected final void endBatch() {
        BATCH.setRelease(this, batch + 1);
    }

    protected final void deliver(long token, int status, long result) {
        completed++;
        if (status != 0) {
            failed++;
        }
        handler.complete(token, status, result);
    }

    /**
     * A completion that is not simply the success of a whole command: errors, parts, commands that something has happened to
     * before. Returns false for one that names no command in flight.
     */
    protected final boolean endUnusual(int slot, int cid, int status, long result) {
        int id = trackers.ids[slot];
        if (id == Trackers.NONE || (id & (Trackers.CID_MASK | Trackers.DEFERRED)) != cid) {
            return false;
        }
        if ((id & Trackers.INJECTED) != 0) {
            injection.ended(this, slot, id, status, result);
        } else {
            ended(slot, id, status, result);
        }
        return true;
    }

    /** The controller has ended a command. */
    final void ended(int slot, int id, int status, long result) {
        if (status == 0 || retry.most() == 0 || !isRetried(slot, id, status)) {
            end(slot, id, status, result);
        }
    }

    private void end(int slot, int id, int status, long result) {
        int cid = id & Trackers.CID_MASK;
        if ((id & Trackers.DEFERRED) != 0) {
            deferred.remove();
        }
        if ((id & Trackers.PART) == 0) {
            long token = trackers.tokens[slot];
            trackers.end(slot, cid);
            deliver(token, status, result);
            return;
        }
        int parent = trackers.endPart(slot, cid, status, result);
        if (parent != Trackers.NONE) {
            trackers.endParent(parent);
            // Still there: a parent is overwritten by the next one at the earliest.
            deliver(trackers.parentToken(parent), trackers.parentStatus(parent), trackers.parentResult(parent));
        }
    }

    /**
     * Whether the command is given to the controller again, now or later. Its entry is taken from where it was written; where it is
     * no more the holder gets the error.
     */
    private boolean isRetried(int slot, int id, int status) {
        int delay = retry.delayMillis(status);
        int before = (id & Trackers.RETRIED) == 0 ? 0 : deferred.retries(slot);
        if (delay < 0 || before >= retry.most() || submitter != Thread.currentThread()) {
            return false;
        }
        long entry = entryOf(id & Trackers.CID_MASK);
        if (entry < 0 || SubmissionEntry.fuse(submission, entry) != SubmissionEntry.FUSE_NONE) {
            return false;
        }
        deferred.toRetry(slot, clock.millis + delay, status, before + 1, submission, entry);
        trackers.ids[slot] = id & ~Trackers.LATE | Trackers.DEFERRED | Trackers.RETRIED;
        if (delay == 0) {
            submitAgain(slot);
        }
        return true;
    }

    private void submitAgain(int slot) {
        int next = trackers.idAgain(slot);
        long entry = entry(0, next);
        // As when staging: the entry first, since that may throw, and then our notes.
        deferred.copyEntry(slot, submission, entry);
        SubmissionEntry.cid(submission, entry, next);
        written(entry, next);
        trackers.again(slot, clock.millis);
        deferred.remove();
        staged(next);
        retried++;
    }

    /** For commands that end by themselves, later. */
    final void defer(int slot, int delayMillis, int status) {
        trackers.ids[slot] |= Trackers.DEFERRED;
        deferred.toEnd(slot, clock.millis + delayMillis, status);
    }

    /**
     * Submits or ends the deferred commands whose time has come; all of them when nothing can be submitted any more.
     *
     * @param limit of those that end: a poll that is always full of other completions is no reason not to submit
     */
    private int endDeferred(int limit) {
        long before = completed;
        boolean stopped = submitter != Thread.currentThread();
        beginBatch();
        try {
            for (int slot = 0; slot <= trackers.slotMask && deferred.count > 0; slot++) {
                int id = trackers.ids[slot];
                if (id == Trackers.NONE || (id & Trackers.DEFERRED) == 0) {
                    continue;
                }
                boolean again = deferred.isToRetry(slot);
                if (again && !stopped && deferred.isDue(slot, clock.millis)) {
                    submitAgain(slot);
                } else if (completed - before < limit
                        && (again && stopped || !again && deferred.isDue(slot, clock.millis))) {
                    end(slot, id, deferred.status(slot), 0);
                }
            }
        } finally {
            endBatch();
        }
        return (int) (completed - before);
    }

    /** Last in a poll: made-up errors end at once, not with the clock's next step. Returns how many commands ended. */
    protected final int endInjected(int limit) {
        if (deferred.count > 0 && limit > 0 && poller == Thread.currentThread()) {
            int ended = endDeferred(limit);
            commit();
            return ended;
        }
        return 0;
    }

    protected final boolean injects() {
        return injection != null;
    }

    // ------ time

    /** Whether the clock has gone on since the last {@link #scan}. */
    protected final boolean isScanDue() {
        return scannedAt != clock.millis;
    }

    /** Looks for commands that have waited long enough, and for those that take too long. A few times a second. */
    protected final void scan(int limit) {
        int now = clock.millis;
        scannedAt = now;
        if (deferred != null && deferred.count > 0) {
            endDeferred(limit);
        }
        if (timeoutMillis == 0 || trackers.freeCount == trackers.depth()) {
            return;
        }
        for (int slot = 0; slot <= trackers.slotMask; slot++) {
            int id = trackers.ids[slot];
            if (id == Trackers.NONE || (id & Trackers.DEFERRED) != 0) {
                continue;
            }
            boolean told = (id & Trackers.LATE) != 0;
            if (now - trackers.ticks[slot] > (told ? abortMillis : timeoutMillis)) {
                late(slot, id, told);
            }
        }
    }

    /** A command takes too long, or did not end after its Abort either. */
    private void late(int slot, int id, boolean told) {
        trackers.ticks[slot] = clock.millis;
        if (!told) {
            trackers.ids[slot] = id | Trackers.LATE;
            host.timedOut(this, id & Trackers.CID_MASK);
        }
        if (timeoutAction == CommandTimeout.Action.RESET || told && abortsLate()) {
            host.stuck(this, id & Trackers.CID_MASK);
        }
    }

    /** Whether its late commands are to be aborted. */
    public final boolean abortsLate() {
        return timeoutAction == CommandTimeout.Action.ABORT_THEN_RESET;
    }

    public final int timeoutMillis() {
        return timeoutMillis;
    }

    // ------ sleeping

    @Override
    public final boolean interrupts() {
        return interrupt != null;
    }

    @Override
    public final boolean readyToPark() {
        if (poller != Thread.currentThread()) {
            requireOwner();
            return trackers.inFlight() == 0 || ending() == null && !isFenced() && interrupt != null;
        }
        if (!isCommitted()) {
            return false;
        }
        if (trackers.freeCount == trackers.depth()) {
            return true;
        }
        try {
            return interrupt != null && !hasCompletion();
        } catch (IllegalStateException fenced) {
            return false;
        }
    }

    @Override
    public final long parkLimitNanos() {
        if (deferred != null && deferred.count > 0) {
            return DEFERRED_LOOK_NANOS;
        }
        return timeoutMillis == 0 || trackers.freeCount == trackers.depth()
                ? Long.MAX_VALUE
                : Math.max(1, timeoutMillis / CoarseClock.STEPS) * 1_000_000L;
    }

    // ------ when the control plane has spoken

    /** The poll of an owner who may not poll the transport, or of somebody who is no owner. */
    protected final int pollWithoutDevice(int limit) {
        requireOwner();
        polls++;
        if (isFenced()) {
            hearOfFence();
            if (trackers.inFlight() == 0) {
                throw fencedException();
            }
            return endRest(limit, Status.ABORTED_SQ_DELETION);
        }
        var end = ending();
        return end == null ? 0 : endRest(limit, end.status());
    }

    /**
     * The owner met the closed arena before it heard of the fence. What is in flight can end here and now if the queues are
     * deleted; else it waits until they are, since the device may still move its data.
     *
     * @param before {@link #completed} when the poll began
     */
    protected final void fenceMet(int limit, long before, IllegalStateException thrown) {
        int left = limit - (int) (completed - before);
        if (!arenaIsAlive()) {
            MemoryView.forgetInterrupt();
        }
        if (arenaIsAlive() || left == limit && trackers.inFlight() == 0) {
            throw thrown;
        }
        if (left > 0 && isOutOfReach()) {
            endRest(left, Status.ABORTED_SQ_DELETION);
        }
    }

    /** Ends commands in flight from our own notes, without the device. */
    private int endRest(int limit, int status) {
        requireNoBatch();
        long before = completed;
        RuntimeException first = null;
        beginBatch();
        try {
            for (int slot = 0; slot <= trackers.slotMask && completed - before < limit; slot++) {
                int id = trackers.ids[slot];
                if (id == Trackers.NONE) {
                    continue;
                }
                try {
                    end(slot, id, status, 0);
                } catch (RuntimeException thrown) {
                    // Of the handler. The others are to end all the same.
                    first = first == null ? thrown : first;
                }
            }
        } finally {
            endBatch();
        }
        // A handler that submits learns of the fence by this exception, and the owner by the next poll.
        if (first != null && !(first instanceof IllegalStateException && !arenaIsAlive())) {
            throw first;
        }
        return (int) (completed - before);
    }

    // ------ for the control plane: any thread

    public final boolean arenaIsAlive() {
        return submission.scope().isAlive();
    }

    public final int idInFlight(int slot) {
        return trackers.idInFlight(slot);
    }

    public final int lateId(int slot) {
        return trackers.lateId(slot);
    }

    /** Slots that {@link #idInFlight} and {@link #lateId} know. */
    public final int slots() {
        return trackers.slotMask + 1;
    }

    final int completeRest() {
        if (!isFenced()) {
            throw new IllegalStateException(name + " is not fenced: its commands are not ours to end");
        }
        var holder = owner();
        if (holder != null && holder.isAlive()) {
            throw new IllegalStateException(name + ": its owner, " + holder.getName() + ", lives and may yet poll");
        }
        return endRest(Integer.MAX_VALUE, Status.ABORTED_SQ_DELETION);
    }

    /** Plain loads of what the owner writes: nobody waits here for a change. */
    public abstract QueuePairCounters counters();
}
