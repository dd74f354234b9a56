package io.doorbell.rdmahost;

import io.doorbell.driver.QueuePairParts;
import io.doorbell.driver.StagingQueuePair;
import io.doorbell.host.QueuePairCounters;
import io.doorbell.nvme.FabricsCommand;
import io.doorbell.nvme.SubmissionEntry;

/**
 * An I/O queue pair over RDMA. A commit hands all that was staged to the reactor of the connection; a poll takes what that has got answers to.
 *
 * <p>Owner: the thread given by {@link io.doorbell.driver.DriverQueuePairControl#own}; all state is its own.
 */
final class RdmaQueuePair extends StagingQueuePair implements RdmaLink.User {
    private final RdmaLink link;
    private long handedOver;

    RdmaQueuePair(QueuePairParts parts, RdmaLink link) {
        super(parts.withSubmission(link.memory), new RdmaPointers(parts.name(), link));
        this.link = link;
    }

    // ------ staging

    @Override
    protected long entry(int ahead, int cid) {
        return link.entry(trackers.slot(cid));
    }

    @Override
    protected long entryOf(int cid) {
        return link.entry(trackers.slot(cid));
    }

    @Override
    protected void written(long entry, int cid) {
        boolean toController = FabricsCommand.isToController(
                SubmissionEntry.opc(submission, entry), SubmissionEntry.nsid(submission, entry));
        link.seal(trackers.slot(cid), toController);
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
        int slot = trackers.slot(cid);
        int cdw12 = ioFlags & 0xFFFF_0000 | blockCount - 1;
        link.describe(slot, iova, bytes);
        SubmissionEntry.encodeReadWrite(submission, entry, opc, cid, nsid, slba, cdw12, 0, 0);
        SubmissionEntry.flags(submission, entry, SubmissionEntry.flags(fuse, SubmissionEntry.PSDT_SGL));
        link.seal(slot, FabricsCommand.isToController(opc, nsid));
    }

    @Override
    protected void staged(int cid) {
        link.stage(trackers.slot(cid), cid);
    }

    @Override
    protected int stagedMark() {
        return link.mark();
    }

    @Override
    protected void unstage(int mark) {
        link.unstage(mark);
    }

    @Override
    protected boolean isCommitted() {
        return !link.hasStaged();
    }

    @Override
    protected boolean hasCompletion() {
        link.requireAlive();
        return link.hasAnswer();
    }

    // ------ handing over, and answers

    @Override
    public void commit() {
        if (poller != Thread.currentThread()) {
            refused();
            return;
        }
        // Inside poll: it commits at its end.
        if (!isInBatch() && link.hasStaged()) {
            handOver();
        }
    }

    private void handOver() {
        handedOver++;
        link.publish();
    }

    @Override
    public int poll(int limit) {
        if (poller != Thread.currentThread()) {
            return pollWithoutDevice(limit);
        }
        requireNoBatch();
        polls++;
        long before = completed;
        try {
            link.requireAlive();
            // Of one that is at rest nothing is expected but its end.
            if (trackers.freeCount != trackers.depth() || isScanDue()) {
                receive(limit);
            }
            if (isScanDue()) {
                scan(limit - (int) (completed - before));
            }
            if (link.hasStaged() && poller == Thread.currentThread()) {
                handOver();
            }
            if (injects()) {
                endInjected(limit - (int) (completed - before));
            }
        } catch (IllegalStateException thrown) {
            fenceMet(limit, before, thrown);
        }
        return (int) (completed - before);
    }

    private void receive(int limit) {
        // Before the answers: those that came before the end count.
        var gone = link.port().broken();
        beginBatch();
        int taken;
        try {
            taken = link.poll(this, limit);
        } finally {
            endBatch();
        }
        if (gone != null && taken < limit) {
            ended(gone);
        }
    }

    @Override
    public void completed(int slot, int cid, int status, long result) {
        if (trackers.ids[slot] == cid && status == 0) {
            long token = trackers.tokens[slot];
            trackers.end(slot, cid);
            deliver(token, status, result);
        } else if (!endUnusual(slot, cid, status, result)) {
            throw new IllegalStateException(name + ": the connection knows a command that is not in flight");
        }
    }

    private void ended(String why) {
        if (link.port().isBreach()) {
            var reason = name + ": the target broke the protocol: " + why;
            ignoreDevice(reason);
            host.failed(this, reason);
            return;
        }
        boolean known = isDisconnected();
        ignoreDevice(name + ": " + why);
        // Of what this side has ended, somebody takes care already.
        if (!known && !link.port().isShut()) {
            host.unreachable(name + ": " + why);
        }
    }

    @Override
    public QueuePairCounters counters() {
        return new QueuePairCounters(submitted, completed, failed, polls, retried, handedOver, 0, 0);
    }
}
