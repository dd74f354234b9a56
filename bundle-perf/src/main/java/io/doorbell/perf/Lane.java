package io.doorbell.perf;

import io.doorbell.host.BlockTransfer;
import io.doorbell.host.CompletionHandler;
import io.doorbell.host.DmaMemory;
import io.doorbell.host.DmaVector;
import io.doorbell.host.QueuePair;
import io.doorbell.lease.LeaseState;
import io.doorbell.lease.QueuePairLease;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;

/**
 * One queue pair of a worker, and the I/Os outstanding on it. Owner: the reactor's thread.
 *
 * <p>An I/O lives in a slot, which has its place in all arrays and in the data memory; the token of its command is the
 * slot's number. A slot is <em>idle</em>, or <em>in flight</em>, or <em>held</em>: it has an I/O that the queue pair did
 * not take, or gave back when the lease was taken away, and which is staged as soon as that is possible. The queue pair
 * may change under a lane, the slots stay.
 */
final class Lane implements CompletionHandler {
    private final NamespaceWorker worker;
    private final IoGenerator generator;
    private final Verifier verifier;
    private final int index;
    /** Number of this lane's slot 0 among all slots of the worker. */
    private final int firstSlot;

    private final int nsid;
    private final int ioBlocks;
    private final long firstIo;
    private final IoLayout layout;
    private final boolean plain;
    /** Whether reads are looked at before they count. */
    private final boolean inspects;

    private final BlockTransfer transfer = new BlockTransfer();
    private final DmaVector vector;

    private final long[] startNanos;
    private final long[] slba;
    private final boolean[] writes;
    private final int[] idle;
    private int idleCount;
    private final int[] held;
    private int heldCount;

    private QueuePair queuePair;
    private DmaMemory data;
    private long dataOffset;
    private int strideBytes;

    /** No submissions: there is no lease, or it is being taken back. */
    private boolean lost = true;

    private QueuePairLease lease;

    /** @param verifier null for none */
    Lane(NamespaceWorker worker, IoGenerator generator, Verifier verifier, int index, int firstSlot, int slots) {
        this.worker = worker;
        this.generator = generator;
        this.verifier = verifier;
        this.index = index;
        this.firstSlot = firstSlot;
        this.nsid = worker.target().namespace().nsid();
        this.layout = worker.layout();
        this.ioBlocks = layout.ioBlocks();
        this.plain = layout.plain();
        this.vector = new DmaVector(layout.pieceCount());
        this.inspects = verifier != null || layout.checksReads();
        this.firstIo = generator.region().firstIo();
        this.startNanos = new long[slots];
        this.slba = new long[slots];
        this.writes = new boolean[slots];
        this.idle = new int[slots];
        this.held = new int[slots];
        for (var slot = 0; slot < slots; slot++) {
            idle[slot] = slots - 1 - slot;
        }
        idleCount = slots;
    }

    NamespaceWorker worker() {
        return worker;
    }

    int index() {
        return index;
    }

    int slots() {
        return idle.length;
    }

    /** Whether someone wakes us when there is work. */
    boolean mayPark() {
        return queuePair == null
                || queuePair.interrupts() && (heldCount == 0 || queuePair.inFlight() > 0) && queuePair.readyToPark();
    }

    long parkLimitNanos() {
        return queuePair == null ? Long.MAX_VALUE : queuePair.parkLimitNanos();
    }

    boolean hasIdle() {
        return idleCount > 0 && !lost;
    }

    /** Begins an I/O in an idle slot; there is one. */
    void begin(long nowNanos) {
        worker.active++;
        issue(idle[--idleCount], nowNanos);
    }

    void commit() {
        if (queuePair != null) {
            queuePair.commit();
        }
    }

    int poll(int maxCompletions) {
        if (queuePair == null) {
            return 0;
        }
        worker.beginBatch();
        try {
            if (heldCount > 0 && !lost) {
                stageHeld();
            }
            return queuePair.poll(maxCompletions);
        } catch (IllegalStateException e) {
            ended(e);
            return 0;
        }
    }

    @Override
    public void complete(long token, int status, long result) {
        var slot = (int) (token >>> 1);
        var write = (token & 1) != 0;
        if (status == Status.SUCCESS && worker.measuring && (!inspects || inspected(slot, write))) {
            var now = worker.batchNanos();
            worker.record(write, now - startNanos[slot]);
            if (worker.takeNext()) {
                issue(slot, now);
            } else {
                release(slot);
            }
        } else {
            completeOtherwise(slot, write, status);
        }
    }

    /** A new queue pair, and memory for the data of all slots; goes on with what is held. */
    void attach(QueuePairLease granted, DmaMemory memory, long offset, int stride) {
        lease = granted;
        queuePair = granted.queuePair();
        data = memory;
        dataOffset = offset;
        strideBytes = stride;
        lost = false;
        if (verifier != null) {
            fillHeld();
        }
        stageHeld();
        fill();
        commit();
    }

    /** Begins I/Os in all idle slots, if the worker wants any. */
    void fill() {
        var now = System.nanoTime();
        while (worker.measuring && hasIdle() && worker.takeNext()) {
            begin(now);
        }
    }

    /** Stops submissions, when this lease is the one in use; the worker hears of it once. */
    void lose(QueuePairLease taken, String why) {
        if (taken == lease) {
            lose(why);
        }
    }

    /**
     * The lease has ended: takes what the queue pair still has to hand out, and forgets it.
     *
     * @return how many I/Os never came back
     */
    int detach() {
        lost = true;
        // Each round hands out all there is, or throws as there is no more: two are enough.
        for (var round = 0; round < 2 && queuePair != null; round++) {
            poll(Integer.MAX_VALUE);
        }
        queuePair = null;
        data = null;
        lease = null;
        return slots() - idleCount - heldCount;
    }

    /** Gives up what is held. */
    void dropHeld() {
        while (heldCount > 0) {
            var slot = held[--heldCount];
            if (verifier != null && writes[slot]) {
                verifier.writeUncertain(firstSlot + slot);
            }
            release(slot);
        }
    }

    /** Begins to read back what was written, in every slot. */
    void beginReadBack() {
        assert idleCount == slots() : "reads back what was written while I/Os are in flight";
        idleCount = 0;
        worker.active += slots();
        for (var slot = 0; slot < slots(); slot++) {
            readBack(slot);
        }
        commit();
    }

    private void fillHeld() {
        try {
            for (var i = 0; i < heldCount; i++) {
                if (writes[held[i]]) {
                    verifier.fill(firstSlot + held[i], data.segment(), offsetOf(held[i]), slba[held[i]]);
                }
            }
        } catch (IllegalStateException e) {
            // Taken back already, and the memory with it.
            lose("the lease is being taken back");
        }
    }

    private void issue(int slot, long start) {
        var write = generator.nextIsWrite();
        var io = verifier == null ? generator.next() : generator.next(firstSlot + slot);
        startNanos[slot] = start;
        slba[slot] = (firstIo + io) * ioBlocks;
        writes[slot] = write;
        if (verifier != null) {
            beginVerified(slot, write, io);
        }
        stage(slot, write);
    }

    private void stage(int slot, boolean write) {
        int answer;
        try {
            if (write && layout.hostProtects()) {
                layout.protect(data.segment(), offsetOf(slot), slba[slot]);
            }
            answer = plain ? stagePlain(slot, write) : stageTransfer(slot, write);
        } catch (IllegalStateException e) {
            // The arena was closed under our feet: nothing was staged.
            answer = QueuePair.LEASE_REVOKED;
        } catch (IllegalArgumentException e) {
            // The driver cannot describe such data to this controller, nor will it the next time.
            held[heldCount++] = slot;
            worker.fail(e.getMessage());
            return;
        }
        if (answer < 0) {
            refused(slot, answer);
        }
    }

    private int stagePlain(int slot, boolean write) {
        return write
                ? queuePair.write(nsid, slba[slot], ioBlocks, data, offsetOf(slot), 0, (long) slot << 1 | 1)
                : queuePair.read(nsid, slba[slot], ioBlocks, data, offsetOf(slot), 0, (long) slot << 1);
    }

    private int stageTransfer(int slot, boolean write) {
        layout.describe(transfer, vector, nsid, slba[slot], data, offsetOf(slot));
        return write
                ? queuePair.transfer(NvmOpcode.WRITE, transfer, (long) slot << 1 | 1)
                : queuePair.transfer(NvmOpcode.READ, transfer, (long) slot << 1);
    }

    private long offsetOf(int slot) {
        return dataOffset + (long) slot * strideBytes;
    }

    private void release(int slot) {
        idle[idleCount++] = slot;
        worker.active--;
    }

    private void refused(int slot, int answer) {
        held[heldCount++] = slot;
        if (answer == QueuePair.QUEUE_FULL) {
            if (queuePair.inFlight() == 0) {
                worker.fail("one I/O does not fit into the queue of " + queuePair.depth()
                        + " commands; choose a larger --io-queue-size or a smaller -o");
            }
        } else {
            lose(
                    answer == QueuePair.NOT_CONNECTED
                            ? "the controller is not connected"
                            : "the lease is being taken back");
        }
    }

    private void stageHeld() {
        var count = heldCount;
        heldCount = 0;
        for (var i = 0; i < count; i++) {
            var slot = held[i];
            // The first that is refused again ends it: those behind it would be, too.
            if (heldCount > 0 || lost) {
                held[heldCount++] = slot;
            } else {
                stage(slot, writes[slot]);
            }
        }
    }

    /** Off the fast path: failed, or ended when nothing is measured any more. */
    private void completeOtherwise(int slot, boolean write, int status) {
        if (status == Status.SUCCESS) {
            // While measuring, success comes here only with wrong data, which has been counted.
            if (inspects && !worker.measuring) {
                inspected(slot, write);
            }
            next(slot);
        } else if (isAborted(status) && (lost || lease.state() != LeaseState.GRANTED)) {
            worker.interrupted++;
            lose("the lease is being taken back");
            held[heldCount++] = slot;
            if (worker.draining()) {
                dropHeld();
            }
        } else {
            worker.countFailure(write, slba[slot], status);
            if (verifier != null && write) {
                verifier.writeUncertain(firstSlot + slot);
            }
            next(slot);
        }
    }

    private void next(int slot) {
        if (worker.measuring && worker.takeNext()) {
            issue(slot, worker.batchNanos());
        } else if (worker.readingBack()) {
            readBack(slot);
        } else {
            release(slot);
        }
    }

    private void readBack(int slot) {
        var io = verifier.nextToReadBack(firstSlot + slot);
        if (io < 0) {
            release(slot);
            return;
        }
        slba[slot] = (firstIo + io) * ioBlocks;
        writes[slot] = false;
        verifier.beginRead(firstSlot + slot, io);
        if (lost) {
            held[heldCount++] = slot;
        } else {
            stage(slot, false);
        }
    }

    private void beginVerified(int slot, boolean write, long io) {
        if (!write) {
            verifier.beginRead(firstSlot + slot, io);
            return;
        }
        try {
            verifier.beginWrite(firstSlot + slot, io, data.segment(), offsetOf(slot), slba[slot]);
        } catch (IllegalStateException e) {
            // The memory went with the lease; staging will be refused as well, and the data filled in anew.
            lose("the lease is being taken back");
        }
    }

    /** Whether what was read is as it should be; counts it as failed where it is not. */
    private boolean inspected(int slot, boolean write) {
        return (write || !layout.checksReads() || hasGoodTuples(slot)) && (verifier == null || verified(slot, write));
    }

    private boolean hasGoodTuples(int slot) {
        try {
            var status = layout.check(data.segment(), offsetOf(slot), slba[slot]);
            if (status == Status.SUCCESS) {
                return true;
            }
            worker.countFailure(false, slba[slot], status);
            if (verifier != null) {
                verifier.readUnchecked();
            }
            return false;
        } catch (IllegalStateException e) {
            // The memory went with the lease; the controller has checked it.
            return true;
        }
    }

    private boolean verified(int slot, boolean write) {
        if (write) {
            verifier.wrote(firstSlot + slot);
            return true;
        }
        try {
            return verifier.read(firstSlot + slot, data.segment(), offsetOf(slot), slba[slot]);
        } catch (IllegalStateException e) {
            verifier.readUnchecked();
            return true;
        }
    }

    private void lose(String why) {
        if (!lost) {
            lost = true;
            worker.laneLost(this, why);
        }
    }

    /** The queue pair threw. That is how it says that the lease has ended; otherwise something is wrong with it. */
    private void ended(IllegalStateException thrown) {
        if (lost || lease.state() != LeaseState.GRANTED) {
            queuePair = null;
            lose("the lease has ended");
        } else {
            queuePair = null;
            worker.fail("polling the queue pair: " + thrown);
        }
    }

    private static boolean isAborted(int status) {
        return switch (Status.code(status)) {
            case Status.ABORTED_BY_REQUEST, Status.ABORTED_SQ_DELETION, Status.ABORTED_BY_HOST -> true;
            default -> false;
        };
    }
}
