package io.doorbell.tcp.host;

import io.doorbell.driver.QueuePairParts;
import io.doorbell.driver.StagingQueuePair;
import io.doorbell.driver.Trackers;
import io.doorbell.host.QueuePairCounters;
import io.doorbell.nvme.FabricsCommand;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.platform.Epoll;
import io.doorbell.tcp.Violation;
import java.util.function.BooleanSupplier;

/**
 * An I/O queue pair over TCP. A commit is one call that sends all that was staged; a poll is one that takes all that has come.
 *
 * <p>Owner: the thread given by {@link io.doorbell.driver.DriverQueuePairControl#own}; all state is its own.
 */
final class TcpQueuePair extends StagingQueuePair implements TcpLink.User {
    private final TcpLink link;

    /** Null where nobody is interrupted. */
    private final Epoll.Watch watch;

    private final BooleanSupplier shut;

    private long sends;

    /**
     * @param watch null where nobody is to be interrupted
     * @param shut whether this side has ended the connection
     */
    TcpQueuePair(QueuePairParts parts, TcpLink link, Epoll.Watch watch, BooleanSupplier shut) {
        super(parts.withSubmission(link.memory), new TcpPointers(parts.name(), link));
        this.link = link;
        this.watch = watch;
        this.shut = shut;
        link.use(this);
    }

    /** As {@link Trackers} counts them. */
    static int slots(int entries) {
        return Math.max(2, Integer.highestOneBit(entries - 1) << 1);
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
        SubmissionEntry.encodeReadWrite(
                submission, entry, opc, cid, nsid, slba, cdw12, 0, TcpPointers.transport(bytes));
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

    /** What waits for room is not ours to hurry; the watch tells. */
    @Override
    protected boolean isCommitted() {
        return !link.hasToSend() || link.isBlocked() && watch != null;
    }

    @Override
    protected boolean hasCompletion() {
        if (link.hasReceived()) {
            return true;
        }
        // What has come already signals at once.
        watch.arm(link.isBlocked());
        return false;
    }

    // ------ sending and receiving

    @Override
    public void commit() {
        if (poller != Thread.currentThread()) {
            refused();
            return;
        }
        // Inside poll: it commits at its end.
        if (!isInBatch() && link.hasToSend()) {
            flush();
        }
    }

    private void flush() {
        sends++;
        if (!link.flush()) {
            lost("the connection has ended");
        }
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
            // Of one that is at rest nothing is expected but its end.
            if (trackers.freeCount != trackers.depth() || isScanDue()) {
                receive(limit);
            }
            if (isScanDue()) {
                scan(limit - (int) (completed - before));
            }
            if (link.hasToSend() && poller == Thread.currentThread()) {
                flush();
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
        beginBatch();
        boolean alive = true;
        try {
            alive = link.receive(limit);
            if (link.hasEarly()) {
                link.endEarly();
            }
        } catch (Violation violation) {
            breach(violation);
        } catch (TerminatedException terminated) {
            lost(terminated.getMessage());
        } finally {
            endBatch();
        }
        if (!alive) {
            lost("the target has ended the connection");
        }
    }

    @Override
    public void completed(int slot, int cid, int status, long result) {
        if (trackers.ids[slot] == cid && status == 0) {
            long token = trackers.tokens[slot];
            trackers.end(slot, cid);
            deliver(token, status, result);
        } else if (!endUnusual(slot, cid, status, result)) {
            throw new IllegalStateException(name + ": the link knows a command that is not in flight");
        }
    }

    /** The target broke the protocol: it is told, and nothing of it is believed any more. */
    private void breach(Violation violation) {
        var reason = name + ": the target broke the protocol: " + violation.getMessage();
        link.terminate(violation);
        ignoreDevice(reason);
        host.failed(this, reason);
    }

    private void lost(String what) {
        boolean known = isDisconnected();
        ignoreDevice(name + ": " + what);
        // Of what this side has ended, as when a lease is taken back, somebody takes care already.
        if (!known && !shut.getAsBoolean()) {
            host.unreachable(name + ": " + what);
        }
    }

    @Override
    public QueuePairCounters counters() {
        return new QueuePairCounters(submitted, completed, failed, polls, retried, sends, 0, 0);
    }
}
