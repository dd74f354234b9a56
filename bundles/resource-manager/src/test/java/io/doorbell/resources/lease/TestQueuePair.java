package io.doorbell.resources.lease;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.doorbell.host.BlockTransfer;
import io.doorbell.host.CompletionHandler;
import io.doorbell.host.DmaMemory;
import io.doorbell.host.NvmCommand;
import io.doorbell.host.QueuePair;
import io.doorbell.host.QueuePairControl;
import io.doorbell.host.QueuePairCounters;
import io.doorbell.host.QueuePairOptions;
import io.doorbell.nvme.Status;
import io.doorbell.platform.MemoryView;
import io.doorbell.platform.NativeMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.function.Consumer;

/**
 * A queue pair as small as it can be and still keep the protocol: submission entries are the command id in four bytes,
 * completions are command id, status and phase in four. Both rings are as large as the trackers, so neither overruns.
 */
public final class TestQueuePair extends QueuePair {
    private static final int ENTRY_BYTES = 4;
    private static final int PHASE = 1 << 31;
    private static final int NONE = -1;

    private final TestController controller;
    private final int queueId;
    private final int depth;
    private final CompletionHandler handler;
    private final NativeMemory memory;

    // The owner's end, through views that live as long as the lease.
    private final Arena arena;
    private final MemorySegment submissions;
    private final MemorySegment completions;
    private final MemorySegment doorbell;
    private final long[] tokens;
    private final int[] freeIds;
    private volatile int freeCount;
    private int tail;
    private int head;
    private volatile long submitted;
    private volatile long completed;
    private volatile long failed;
    private volatile long polls;
    private volatile long rung;

    // The device's end, through the parent's views.
    private final MemorySegment deviceDoorbell;
    private final MemorySegment deviceSubmissions;
    private final MemorySegment deviceCompletions;
    private final Deque<Integer> fetched = new ArrayDeque<>();
    private int deviceHead;
    private int devicePosted;
    private boolean deleted;

    // The manager's end.
    volatile boolean lost;
    private volatile String fenced;
    private volatile Thread owner;
    private volatile Consumer<String> failureListener;

    TestQueuePair(
            TestController controller,
            int queueId,
            QueuePairOptions options,
            Arena arena,
            MemorySegment doorbell,
            MemorySegment deviceDoorbell) {
        this.controller = controller;
        this.queueId = queueId;
        this.arena = arena;
        this.doorbell = doorbell;
        this.deviceDoorbell = deviceDoorbell;
        depth = options.queueEntries() - 1;
        handler = options.handler();
        long ringBytes = (long) options.queueEntries() * ENTRY_BYTES;
        memory = NativeMemory.allocate(2 * ringBytes);
        deviceSubmissions = memory.segment().asSlice(0, ringBytes);
        deviceCompletions = memory.segment().asSlice(ringBytes, ringBytes);
        submissions = MemoryView.within(deviceSubmissions, arena);
        completions = MemoryView.within(deviceCompletions, arena);
        tokens = new long[depth];
        freeIds = new int[depth];
        Arrays.setAll(freeIds, slot -> slot);
        freeCount = depth;
    }

    @Override
    public int queueId() {
        return queueId;
    }

    @Override
    public int depth() {
        return depth;
    }

    @Override
    public int inFlight() {
        return depth - freeCount;
    }

    @Override
    public int maxTransferBytes() {
        return 131_072;
    }

    @Override
    public int read(int nsid, long slba, int blockCount, DmaMemory data, long dataOffset, int ioFlags, long token) {
        return stage(token);
    }

    @Override
    public int write(int nsid, long slba, int blockCount, DmaMemory data, long dataOffset, int ioFlags, long token) {
        return stage(token);
    }

    @Override
    public int transfer(int opc, BlockTransfer transfer, long token) {
        return stage(token);
    }

    @Override
    public int submit(
            NvmCommand command,
            DmaMemory data,
            long dataOffset,
            int dataBytes,
            DmaMemory metadata,
            long metadataOffset,
            int metadataBytes,
            long token) {
        return stage(token);
    }

    @Override
    public int submit(NvmCommand command, DmaMemory data, long dataOffset, int dataBytes, long token) {
        return stage(token);
    }

    @Override
    public int compareAndWrite(
            int nsid,
            long slba,
            int blockCount,
            DmaMemory compare,
            long compareOffset,
            DmaMemory write,
            long writeOffset,
            long token) {
        return stage(token);
    }

    @SuppressWarnings("NonAtomicOperationOnVolatileField") // One writer: the owner.
    private int stage(long token) {
        if (submitter != Thread.currentThread()) {
            return refuse();
        }
        if (freeCount == 0) {
            return QUEUE_FULL;
        }
        controller.betweenCheckAndStores.run();
        int cid = freeIds[freeCount - 1];
        submissions.setAtIndex(JAVA_INT, tail % (depth + 1), cid);
        tokens[cid] = token;
        freeCount = freeCount - 1;
        tail++;
        submitted = submitted + 1;
        return 0;
    }

    private int refuse() {
        if (fenced != null) {
            throw new IllegalStateException("fenced: " + fenced);
        }
        if (submitter == null) {
            return LEASE_REVOKED;
        }
        throw new WrongThreadException(Thread.currentThread() + " is not the owner");
    }

    @Override
    public void commit() {
        // The poller, not the submitter: what was staged before submissions were stopped still goes out.
        if (poller == Thread.currentThread() && rung != tail) {
            ringDoorbell(tail);
        }
    }

    /** What a stale holder would do that kept a reference past the owner check. */
    public void ringDoorbell(int value) {
        TestController.DOORBELL.setRelease(doorbell, 0L, value);
        rung = value;
    }

    @Override
    @SuppressWarnings("NonAtomicOperationOnVolatileField")
    public int poll(int limit) {
        if (poller != Thread.currentThread()) {
            throw new WrongThreadException(Thread.currentThread() + " does not own queue " + queueId);
        }
        polls = polls + 1;
        if (fenced != null) {
            if (inFlight() > 0) {
                return completeAll();
            }
            throw new IllegalStateException("fenced: " + fenced);
        }
        int ended = 0;
        try {
            while (ended < limit) {
                int entry = completions.getAtIndex(JAVA_INT, head % (depth + 1));
                int phase = (head / (depth + 1)) % 2 == 0 ? PHASE : 0;
                if ((entry & PHASE) != phase) {
                    break;
                }
                head++;
                end(entry & 0xFFFF, entry >>> 16 & 0x7FFF);
                ended++;
            }
            commit();
        } catch (IllegalStateException closed) {
            if (arena.scope().isAlive() || ended == 0 && inFlight() == 0) {
                throw closed;
            }
            return isDeleted() ? ended + completeAll() : ended;
        }
        return ended;
    }

    private void end(int cid, int status) {
        long token = tokens[cid];
        freeIds[freeCount] = cid;
        freeCount = freeCount + 1;
        completed = completed + 1;
        if (status != 0) {
            failed = failed + 1;
        }
        handler.complete(token, status, 0);
    }

    private int completeAll() {
        var inFlight = new boolean[depth];
        Arrays.fill(inFlight, true);
        for (int i = 0; i < freeCount; i++) {
            inFlight[freeIds[i]] = false;
        }
        int ended = 0;
        for (int cid = 0; cid < depth; cid++) {
            if (inFlight[cid]) {
                end(cid, Status.ABORTED_SQ_DELETION);
                ended++;
            }
        }
        return ended;
    }

    /** The device thread: fetches what the doorbell says, and answers it. */
    synchronized int serve(int status) {
        if (deleted) {
            return 0;
        }
        fetch();
        int served = 0;
        for (var cid = fetched.poll(); cid != null; cid = fetched.poll()) {
            post(cid, status);
            served++;
        }
        return served;
    }

    private void fetch() {
        int rungTail = (int) TestController.DOORBELL.getAcquire(deviceDoorbell, 0L);
        while (deviceHead != rungTail && deviceHead - rungTail < 0) {
            fetched.add(deviceSubmissions.getAtIndex(JAVA_INT, deviceHead % (depth + 1)));
            deviceHead++;
        }
    }

    private void post(int cid, int status) {
        int phase = (devicePosted / (depth + 1)) % 2 == 0 ? PHASE : 0;
        long offset = (long) (devicePosted % (depth + 1)) * ENTRY_BYTES;
        TestController.DOORBELL.setRelease(deviceCompletions, offset, phase | status << 16 | cid);
        devicePosted++;
    }

    private synchronized boolean isDeleted() {
        return deleted;
    }

    synchronized void awaitNotServed() {
        deleted = true;
    }

    /** The device breaks the rules: the driver notices, and says so. */
    void fail(String why) {
        failureListener.accept(why);
    }

    QueuePairControl control() {
        return new Control();
    }

    private final class Control implements QueuePairControl {
        @Override
        public QueuePair queuePair() {
            return TestQueuePair.this;
        }

        @Override
        public void own(Thread newOwner) {
            if (controller.losesNext) {
                controller.losesNext = false;
                throw new IllegalStateException("queue " + queueId + " is lost already");
            }
            controller.beforeOwn.run();
            owner = newOwner;
            poller = newOwner;
            submitter = newOwner;
        }

        @Override
        public void stopSubmissions() {
            submitter = null;
        }

        @Override
        public void abort(Duration bound) {
            if (controller.heedsAbort) {
                serve(Status.ABORTED_BY_REQUEST);
            }
        }

        @Override
        public boolean delete(Duration bound) {
            return controller.delete(TestQueuePair.this);
        }

        @Override
        public void fenced(String reason) {
            if (arena.scope().isAlive() || !deleted) {
                throw new AssertionError("fenced before the queues were deleted and the arena closed");
            }
            fenced = reason;
            memory.close();
            controller.forget(queueId);
            if (controller.breaksAtTheFence) {
                throw new IllegalStateException("the test breaks here");
            }
        }

        @Override
        public int completeRest() {
            if (fenced == null || owner.isAlive()) {
                throw new IllegalStateException("the owner may yet poll");
            }
            return completeAll();
        }

        @Override
        public boolean lost() {
            return lost;
        }

        @Override
        public QueuePairCounters counters() {
            if (controller.countsNoMore == queueId) {
                throw new NoClassDefFoundError("the bundle wiring is no longer valid");
            }
            return new QueuePairCounters(submitted, completed, failed, polls, 0, rung, 0, 0);
        }

        @Override
        public void onFailure(Consumer<String> listener) {
            failureListener = listener;
        }
    }
}
