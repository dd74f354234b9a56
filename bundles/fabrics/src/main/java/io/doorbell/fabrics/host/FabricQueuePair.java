package io.doorbell.fabrics.host;

import io.doorbell.driver.QueuePairParts;
import io.doorbell.driver.StagingQueuePair;
import io.doorbell.host.QueuePairCounters;
import io.doorbell.nvme.FabricsCommand;
import io.doorbell.nvme.SubmissionEntry;

/**
 * An I/O queue pair over a network: its commands have slots of a {@link HostLink}. A transport says how they leave and how answers come.
 *
 * <p>Owner: the thread given by {@link io.doorbell.driver.DriverQueuePairControl#own}; all state without a remark is its own.
 */
public abstract class FabricQueuePair<L extends HostLink> extends StagingQueuePair implements HostLink.User {
    protected final L link;
    private long sends;

    /** Whether this side ends the connection. Any thread. */
    private volatile boolean shut;

    protected FabricQueuePair(QueuePairParts parts, L link) {
        super(parts.withSubmission(link.memory), new HostPointers(parts.name(), link));
        this.link = link;
    }

    /** This side is about to end the connection, as when a lease is taken back: when its owner finds that out, it is no loss. Any thread. */
    final void shut() {
        shut = true;
    }

    // ------ what the transport knows

    /** Throws when the lease has ended. For transports that do not find out when they receive. */
    protected void requireAlive() {}

    /** Takes what has come, at most so many answers, between {@link #beginBatch} and {@link #endBatch}. */
    protected abstract void receive(int limit);

    /** Has what is staged leave. */
    protected abstract void send();

    // ------ staging

    @Override
    protected final long entry(int ahead, int cid) {
        return link.entry(trackers.slot(cid));
    }

    @Override
    protected final long entryOf(int cid) {
        return link.entry(trackers.slot(cid));
    }

    @Override
    protected final void written(long entry, int cid) {
        boolean toController = FabricsCommand.isToController(
                SubmissionEntry.opc(submission, entry), SubmissionEntry.nsid(submission, entry));
        link.seal(trackers.slot(cid), toController);
    }

    @Override
    protected final void encode(
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
        int slot = trackers.slot(cid);
        int cdw12 = ioFlags & 0xFFFF_0000 | blockCount - 1;
        link.describe(slot, iova, bytes);
        SubmissionEntry.encodeReadWrite(submission, entry, opc, cid, nsid, slba, cdw12, 0, 0);
        SubmissionEntry.flags(submission, entry, SubmissionEntry.flags(fuse, SubmissionEntry.PSDT_SGL));
        link.seal(slot, FabricsCommand.isToController(opc, nsid));
    }

    @Override
    protected final void staged(int cid) {
        link.stage(trackers.slot(cid), cid);
    }

    @Override
    protected final int stagedMark() {
        return link.mark();
    }

    @Override
    protected final void unstage(int mark) {
        link.unstage(mark);
    }

    @Override
    protected boolean isCommitted() {
        return !link.hasToSend();
    }

    // ------ sending, and answers

    @Override
    public final void commit() {
        if (poller != Thread.currentThread()) {
            refused();
            return;
        }
        // Inside poll: it commits at its end.
        if (!isInBatch() && link.hasToSend()) {
            sendStaged();
        }
    }

    private void sendStaged() {
        sends++;
        send();
    }

    @Override
    public final int poll(int limit) {
        if (poller != Thread.currentThread()) {
            return pollWithoutDevice(limit);
        }
        requireNoBatch();
        polls++;
        long before = completed;
        try {
            requireAlive();
            // Of one that is at rest nothing is expected but its end.
            if (trackers.freeCount != trackers.depth() || isScanDue()) {
                receive(limit);
            }
            if (isScanDue()) {
                scan(limit - (int) (completed - before));
            }
            if (link.hasToSend() && poller == Thread.currentThread()) {
                sendStaged();
            }
            if (injects()) {
                endInjected(limit - (int) (completed - before));
            }
        } catch (IllegalStateException thrown) {
            fenceMet(limit, before, thrown);
        }
        return (int) (completed - before);
    }

    @Override
    public final void completed(int slot, int cid, int status, long result) {
        if (trackers.ids[slot] == cid && status == 0) {
            long token = trackers.tokens[slot];
            trackers.end(slot, cid);
            deliver(token, status, result);
        } else if (!endUnusual(slot, cid, status, result)) {
            throw new IllegalStateException(name + ": the link knows a command that is not in flight");
        }
    }

    /** The target broke the protocol: nothing of it is believed any more. */
    protected final void breach(String how) {
        var reason = name + ": the target broke the protocol: " + how;
        ignoreDevice(reason);
        host.failed(this, reason);
    }

    /** The connection has ended. */
    protected final void lost(String why) {
        boolean known = shut || isDisconnected() || isFenced();
        ignoreDevice(name + ": " + why);
        if (!known) {
            host.unreachable(name + ": " + why);
        }
    }

    @Override
    public final QueuePairCounters counters() {
        return new QueuePairCounters(submitted, completed, failed, polls, retried, sends, 0, 0);
    }
}
