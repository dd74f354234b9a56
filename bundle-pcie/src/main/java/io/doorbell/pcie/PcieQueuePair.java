package io.doorbell.pcie;

import io.doorbell.host.CommandTimeout;
import io.doorbell.host.CompletionHandler;
import io.doorbell.host.QueuePairCounters;
import io.doorbell.nvme.CompletionEntry;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.platform.EventFd;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A queue pair over PCI: rings in memory, doorbells in BAR0 or in shadow buffers. Here is the half that tells the device and
 * takes completions.
 *
 * <p>Owner: the thread given by {@link PcieQueuePairControl#own}; all state without a remark is its own. What the control
 * plane writes is in {@link OwnedQueuePair}, but for the formats.
 */
class PcieQueuePair extends StagingQueuePair {
    /** Phase tag and submission queue id in the second half of a completion entry. */
    private static final long PHASE = 1L << 48;

    private static final long NEW_AND_OURS = PHASE | 0xFFFF_0000L;

    /** How long an owner sleeps at most who has deferred commands. */
    private static final long DEFERRED_LOOK_NANOS = 10_000_000;

    private static final int COMPLETION_SHIFT = Integer.numberOfTrailingZeros(CompletionEntry.SIZE_BYTES);

    private static final VarHandle BATCH;

    static {
        try {
            BATCH = MethodHandles.lookup()
                    .findVarHandle(PcieQueuePair.class, "batch", int.class)
                    .withInvokeExactBehavior();
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final MemorySegment completionRing;
    private final QueueDoorbells doorbells;
    private final CompletionHandler handler;
    private int head;

    /** What {@link #NEW_AND_OURS} of the next completion looks like; its phase flips with each round. */
    private long expected;

    /** Clock at the last look for commands that take too long. */
    private int scannedAt;

    /** Odd while completions are being handed out. Read by other threads. */
    private int batch;

    private long completed;
    private long failed;
    private long polls;
    private long retried;

    // Cold from here on.

    private final RetryPolicy retry;

    /** Null where nothing is ever deferred. */
    final DeferredCommands deferred;

    /** Commands that were late since the control plane last looked. */
    final AtomicInteger late = new AtomicInteger();

    private final int queueId;
    private final QueuePairHost host;
    private final int timeoutMillis;
    private final CommandTimeout.Action timeoutAction;
    private final int abortMillis;

    /**
     * What a queue pair is made of.
     *
     * @param name for messages: controller, queue, and who it is for
     * @param timeout what happens to commands that take too long
     * @param abortMillis how long after an Abort a command may take before a reset is asked for
     * @param interrupt signalled for each completion; null for none
     * @param retry which commands are given to the device again
     */
    record Parts(
            int queueId,
            int entries,
            String name,
            MemorySegment submissionRing,
            MemorySegment completionRing,
            PrpLists prpLists,
            QueueDoorbells doorbells,
            BlockFormats formats,
            int maxTransferBytes,
            SglSupport sgl,
            CompletionHandler handler,
            CoarseClock clock,
            CommandTimeout timeout,
            int abortMillis,
            EventFd interrupt,
            RetryPolicy retry,
            QueuePairHost host) {}

    PcieQueuePair(Parts parts) {
        super(parts);
        queueId = parts.queueId();
        completionRing = parts.completionRing();
        doorbells = parts.doorbells();
        handler = parts.handler();
        timeoutMillis = (int) parts.timeout().after().toMillis();
        timeoutAction = parts.timeout().action();
        abortMillis = parts.abortMillis();
        host = parts.host();
        retry = parts.retry();
        deferred = retry.most() > 0 || this instanceof InjectingQueuePair
                ? new DeferredCommands(trackers.slotMask + 1)
                : null;
        expected = PHASE | (long) queueId << 16;
    }

    @Override
    public int queueId() {
        return queueId;
    }

    @Override
    public int inFlight() {
        int before = (int) BATCH.getAcquire(this);
        int count = trackers.inFlight();
        int after = (int) BATCH.getAcquire(this);
        // A slot is free before its handler runs, so that the handler can use it. Whoever waits for 0 waits for the
        // handler too: it may still be looking at the data.
        return before == after && (before & 1) == 0 ? count : Math.max(1, count);
    }

    // ------ telling the device

    @Override
    public void commit() {
        if (poller != Thread.currentThread()) {
            refused();
            return;
        }
        // Inside poll: it commits at its end, when the completion entries have been given back.
        if ((batch & 1) == 0 && tail != doorbells.tailRung) {
            try {
                ring();
            } catch (InternalError fault) {
                doorbellsLost(fault);
            }
        }
    }

    private void ring() {
        try {
            doorbells.ring(head, tail);
        } catch (InternalError fault) {
            doorbellsLost(fault);
        }
    }

    /**
     * How the JVM reports SIGBUS: the pages of the BAR have gone, with the device. From compiled code the error may come a moment
     * late, when the method that stored has returned; so the callers of {@link #ring} expect it too.
     */
    private void doorbellsLost(InternalError fault) {
        disconnect("no doorbells any more");
        host.unreachable(name + ": storing to a doorbell failed: " + fault.getMessage());
    }

    // ------ completions

    @Override
    public int poll(int limit) {
        if (poller != Thread.currentThread()) {
            return pollWithoutDevice(limit);
        }
        if ((batch & 1) != 0) {
            throw new IllegalStateException(name + ": poll was called by a completion handler");
        }
        polls++;
        long before = completed;
        try {
            long entry = CompletionEntry.tail(completionRing, (long) head << COMPLETION_SHIFT);
            if (((entry ^ expected) & NEW_AND_OURS) == 0) {
                handOut(limit, entry);
            } else if (((entry ^ expected) & PHASE) == 0) {
                breach(entry, "the completion names submission queue " + CompletionEntry.sqid(entry));
            }
            if (scannedAt != clock.millis) {
                scan(limit - (int) (completed - before));
            }
            if (tail != doorbells.tailRung || head != doorbells.headRung) {
                ring();
            }
        } catch (IllegalStateException thrown) {
            fenceMet(limit, before, thrown);
        } catch (InternalError fault) {
            doorbellsLost(fault);
        }
        return (int) (completed - before);
    }

    private void handOut(int limit, long firstEntry) {
        beginBatch();
        try {
            long entry = firstEntry;
            int taken = 0;
            do {
                int index = head;
                long result = CompletionEntry.dw01(completionRing, (long) index << COMPLETION_SHIFT);
                int cid = CompletionEntry.cid(entry);
                int status = CompletionEntry.status(entry);
                int slot = cid & trackers.slotMask;
                // Before the handler runs, so that everything is in order whatever it does.
                if (++index == entries) {
                    index = 0;
                    expected ^= PHASE;
                }
                head = index;
                if (trackers.ids[slot] == cid && status == 0) {
                    long token = trackers.tokens[slot];
                    trackers.end(slot, cid);
                    deliver(token, status, result);
                } else if (!endUnusual(slot, cid, entry, result)) {
                    return;
                }
                if (++taken == limit) {
                    return;
                }
                entry = CompletionEntry.tail(completionRing, (long) index << COMPLETION_SHIFT);
            } while (((entry ^ expected) & NEW_AND_OURS) == 0);
        } finally {
            endBatch();
        }
    }

    private void beginBatch() {
        batch++;
        // Others who see slots become free must see first that a batch is on.
        VarHandle.storeStoreFence();
    }

    private void endBatch() {
        BATCH.setRelease(this, batch + 1);
    }

    private void deliver(long token, int status, long result) {
        completed++;
        if (status != 0) {
            failed++;
        }
        handler.complete(token, status, result);
    }

    /** Errors, parts, commands that something has happened to before, and lies. */
    private boolean endUnusual(int slot, int cid, long entry, long result) {
        int id = trackers.ids[slot];
        if (id == Trackers.NONE || (id & (Trackers.CID_MASK | Trackers.DEFERRED)) != cid) {
            breach(entry, id == Trackers.NONE ? "no command is in flight there" : "that is not the command in flight");
            return false;
        }
        ended(slot, id, CompletionEntry.status(entry), result);
        return true;
    }

    /** The device has ended a command. */
    void ended(int slot, int id, int status, long result) {
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
     * Whether the command is given to the device again, now or later. It is taken from the ring, where it is unless the ring has
     * gone round meanwhile: then the holder gets the error.
     */
    private boolean isRetried(int slot, int id, int status) {
        int delay = retry.delayMillis(status);
        int before = (id & Trackers.RETRIED) == 0 ? 0 : deferred.retries(slot);
        if (delay < 0 || before >= retry.most() || submitter != Thread.currentThread()) {
            return false;
        }
        long entry = entryOf(id & Trackers.CID_MASK);
        if (entry < 0 || SubmissionEntry.fuse(submissionRing, entry) != SubmissionEntry.FUSE_NONE) {
            return false;
        }
        deferred.toRetry(slot, clock.millis + delay, status, before + 1, submissionRing, entry);
        trackers.ids[slot] = id & ~Trackers.LATE | Trackers.DEFERRED | Trackers.RETRIED;
        if (delay == 0) {
            submitAgain(slot);
        }
        return true;
    }

    private void submitAgain(int slot) {
        long entry = (long) tail << ENTRY_SHIFT;
        // As when staging: the ring first, since that may throw, and then our notes.
        deferred.copyEntry(slot, submissionRing, entry);
        int cid = trackers.again(slot, clock.millis);
        SubmissionEntry.cid(submissionRing, entry, cid);
        deferred.remove();
        tail = next(tail);
        retried++;
    }

    /**
     * Submits or ends the deferred commands whose time has come; all of them when nothing can be submitted any more.
     *
     * @param limit of those that end: a poll that is always full of other completions is no reason not to submit
     */
    final int endDeferred(int limit) {
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

    /** Nothing from this completion queue can be believed any more. What is in flight ends when the queues are deleted. */
    private void breach(long entry, String what) {
        int cid = CompletionEntry.cid(entry);
        int slot = trackers.slot(cid);
        var reason = String.format(
                "%s: completion at entry %d with sqid %d, cid %04Xh (slot %d, generation %d, %s), status %s: %s%s",
                name,
                head,
                CompletionEntry.sqid(entry),
                cid,
                slot,
                trackers.generation(cid),
                lastOpcode(cid),
                Status.name(CompletionEntry.status(entry)),
                what,
                trackers.idInFlight(slot) == Trackers.NONE
                        ? ""
                        : String.format(", which is %04Xh", trackers.idInFlight(slot)));
        ignoreDevice(reason);
        host.failed(this, reason);
    }

    /** The ring still holds the latest commands: what the device may have meant. */
    private String lastOpcode(int cid) {
        long entry = entryOf(cid);
        return entry < 0 ? "never submitted" : NvmOpcode.name(SubmissionEntry.opc(submissionRing, entry));
    }

    /** Where in the ring the latest command of this id is, or -1. */
    private long entryOf(int cid) {
        for (int back = 1, index = tail; back <= entries; back++) {
            index = index == 0 ? entries - 1 : index - 1;
            long entry = (long) index << ENTRY_SHIFT;
            if (back < submitted + moreEntries + retried + 1 && SubmissionEntry.cid(submissionRing, entry) == cid) {
                return entry;
            }
        }
        return -1;
    }

    /** Looks for commands that have waited long enough, and for those that take too long. A few times a second. */
    private void scan(int limit) {
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
    boolean abortsLate() {
        return timeoutAction == CommandTimeout.Action.ABORT_THEN_RESET;
    }

    int timeoutMillis() {
        return timeoutMillis;
    }

    // ------ sleeping

    @Override
    public boolean interrupts() {
        return interrupt != null;
    }

    @Override
    public boolean readyToPark() {
        if (poller != Thread.currentThread()) {
            requireOwner();
            return trackers.inFlight() == 0 || ending() == null && !isFenced() && interrupt != null;
        }
        if (tail != doorbells.tailRung) {
            return false;
        }
        if (trackers.freeCount == trackers.depth()) {
            return true;
        }
        try {
            return interrupt != null
                    && ((CompletionEntry.tail(completionRing, (long) head << COMPLETION_SHIFT) ^ expected) & PHASE)
                            != 0;
        } catch (IllegalStateException fenced) {
            return false;
        }
    }

    @Override
    public long parkLimitNanos() {
        if (deferred != null && deferred.count > 0) {
            return DEFERRED_LOOK_NANOS;
        }
        return timeoutMillis == 0 || trackers.freeCount == trackers.depth()
                ? Long.MAX_VALUE
                : Math.max(1, timeoutMillis / CoarseClock.STEPS) * 1_000_000L;
    }

    // ------ when the control plane has spoken

    private int pollWithoutDevice(int limit) {
        requireOwner();
        polls++;
        if (isFenced()) {
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
     */
    private void fenceMet(int limit, long before, IllegalStateException thrown) {
        int left = limit - (int) (completed - before);
        if (completionRing.scope().isAlive() || left == limit && trackers.inFlight() == 0) {
            throw thrown;
        }
        if (left > 0 && isOutOfReach()) {
            endRest(left, Status.ABORTED_SQ_DELETION);
        }
    }

    /** Ends commands in flight from our own notes, without the device. */
    private int endRest(int limit, int status) {
        if ((batch & 1) != 0) {
            throw new IllegalStateException(name + ": poll was called by a completion handler");
        }
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
        if (first != null
                && !(first instanceof IllegalStateException
                        && !completionRing.scope().isAlive())) {
            throw first;
        }
        return (int) (completed - before);
    }

    // ------ for the control plane: any thread

    boolean arenaIsAlive() {
        return completionRing.scope().isAlive();
    }

    int idInFlight(int slot) {
        return trackers.idInFlight(slot);
    }

    int lateId(int slot) {
        return trackers.lateId(slot);
    }

    /** Slots that {@link #idInFlight} and {@link #lateId} know. */
    int slots() {
        return trackers.slotMask + 1;
    }

    int completeRest() {
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
    QueuePairCounters counters() {
        return new QueuePairCounters(
                submitted,
                completed,
                failed,
                polls,
                retried,
                doorbells.tailBarStores,
                doorbells.tailShadowStores,
                doorbells.headStores);
    }
}
