package io.doorbell.pcie;

import io.doorbell.driver.QueuePairParts;
import io.doorbell.driver.StagingQueuePair;
import io.doorbell.driver.Trackers;
import io.doorbell.host.QueuePairCounters;
import io.doorbell.nvme.CompletionEntry;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import java.lang.foreign.MemorySegment;

/**
 * A queue pair over PCI: rings in memory, doorbells in BAR0 or in shadow buffers. Here is the half that tells the device and
 * takes completions.
 *
 * <p>Owner: the thread given by {@link io.doorbell.driver.DriverQueuePairControl#own}; all state without a remark is its own.
 */
final class PcieQueuePair extends StagingQueuePair {
    /** Phase tag and submission queue id in the second half of a completion entry. */
    private static final long PHASE = 1L << 48;

    private static final long NEW_AND_OURS = PHASE | 0xFFFF_0000L;

    private static final int COMPLETION_SHIFT = Integer.numberOfTrailingZeros(CompletionEntry.SIZE_BYTES);

    private final MemorySegment completionRing;
    private final QueueDoorbells doorbells;
    private final PrpLists prpLists;
    private final int entries;

    /** Data so long or longer is described by an SGL. */
    private final int sglFromBytes;

    private int tail;
    private int head;

    /** What {@link #NEW_AND_OURS} of the next completion looks like; its phase flips with each round. */
    private long expected;

    /** What a queue pair has beside that which all have. */
    record Rings(MemorySegment completionRing, PrpLists prpLists, QueueDoorbells doorbells, SglSupport sgl) {}

    PcieQueuePair(QueuePairParts parts, Rings rings) {
        super(parts, new PrpPointers(parts.name(), rings.prpLists(), rings.sgl()));
        entries = parts.entries();
        completionRing = rings.completionRing();
        doorbells = rings.doorbells();
        prpLists = rings.prpLists();
        sglFromBytes = rings.sgl().fromBytes();
        expected = PHASE | (long) parts.queueId() << 16;
    }

    // ------ staging

    @Override
    protected long entry(int ahead, int cid) {
        int index = tail + ahead;
        return (long) (index < entries ? index : index - entries) << ENTRY_SHIFT;
    }

    @Override
    protected void staged(int cid) {
        int next = tail + 1;
        tail = next == entries ? 0 : next;
    }

    @Override
    protected int stagedMark() {
        return tail;
    }

    @Override
    protected void unstage(int mark) {
        tail = mark;
    }

    @Override
    protected boolean isCommitted() {
        return tail == doorbells.tailRung;
    }

    @Override
    protected void encode(
            long entry,
            int opc,
            int fuse,
            int cid,
            int nsid,
            long slba,
            int blockCount,
            int ioFlags,
            long iova,
            long bytes) {
        boolean sgl = bytes >= sglFromBytes;
        long second = sgl ? PrpPointers.block(bytes) : prpLists.prp2(trackers.slot(cid), iova, bytes);
        int cdw12 = ioFlags & 0xFFFF_0000 | blockCount - 1;
        SubmissionEntry.encodeReadWrite(submission, entry, opc, cid, nsid, slba, cdw12, iova, second);
        if (sgl || fuse != SubmissionEntry.FUSE_NONE) {
            int psdt = sgl ? SubmissionEntry.PSDT_SGL : SubmissionEntry.PSDT_PRP;
            SubmissionEntry.flags(submission, entry, SubmissionEntry.flags(fuse, psdt));
        }
    }

    // ------ telling the device

    @Override
    public void commit() {
        if (poller != Thread.currentThread()) {
            refused();
            return;
        }
        // Inside poll: it commits at its end, when the completion entries have been given back.
        if (!isInBatch() && tail != doorbells.tailRung) {
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
        requireNoBatch();
        polls++;
        long before = completed;
        try {
            long entry = CompletionEntry.tail(completionRing, (long) head << COMPLETION_SHIFT);
            if (((entry ^ expected) & NEW_AND_OURS) == 0) {
                handOut(limit, entry);
            } else if (((entry ^ expected) & PHASE) == 0) {
                breach(entry, "the completion names submission queue " + CompletionEntry.sqid(entry));
            }
            if (isScanDue()) {
                scan(limit - (int) (completed - before));
            }
            if (tail != doorbells.tailRung || head != doorbells.headRung) {
                ring();
            }
            if (injects()) {
                endInjected(limit - (int) (completed - before));
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
                } else if (!endUnusual(slot, cid, status, result)) {
                    breach(
                            entry,
                            trackers.ids[slot] == Trackers.NONE
                                    ? "no command is in flight there"
                                    : "that is not the command in flight");
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

    @Override
    protected boolean hasCompletion() {
        return ((CompletionEntry.tail(completionRing, (long) head << COMPLETION_SHIFT) ^ expected) & PHASE) == 0;
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
        return entry < 0 ? "never submitted" : NvmOpcode.name(SubmissionEntry.opc(submission, entry));
    }

    /** The ring may have gone round meanwhile. */
    @Override
    protected long entryOf(int cid) {
        for (int back = 1, index = tail; back <= entries; back++) {
            index = index == 0 ? entries - 1 : index - 1;
            long entry = (long) index << ENTRY_SHIFT;
            if (back < submitted + moreEntries + retried + 1 && SubmissionEntry.cid(submission, entry) == cid) {
                return entry;
            }
        }
        return -1;
    }

    /** Plain loads of what the owner writes: nobody waits here for a change. */
    @Override
    public QueuePairCounters counters() {
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
