package io.doorbell.pcie;

import io.doorbell.host.NvmCommand;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.CompletionEntry;
import io.doorbell.nvme.Doorbell;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.pci.PciAccess;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The admin queue pair of a controller, from one enabling to the next disabling. Commands are ordinary blocking calls from
 * any thread; an {@link AdminThread} takes the completions.
 *
 * <p>Data goes through bounce buffers: admin commands are few, and their callers have ordinary memory.
 *
 * <p>The submission ring cannot overflow for the reason given in {@link PcieQueuePair}.
 */
final class AdminQueue implements AutoCloseable {
    /** Most Asynchronous Event Requests that stay with the controller. */
    static final int MAX_EVENT_REQUESTS = 4;

    /** Slots that ordinary commands do not get: event requests, one Abort, one Keep Alive. */
    private static final int RESERVED_SLOTS = MAX_EVENT_REQUESTS + 2;

    static final int MIN_ENTRIES = 16;

    /** Most data of one admin command. */
    static final int MAX_DATA_BYTES = BounceBuffers.BUFFER_BYTES;

    /** How long an Abort of an admin command, and then the command itself, may take. */
    private static final Duration ABORT_BOUND = Duration.ofSeconds(1);

    private static final Logger LOG = LoggerFactory.getLogger(AdminQueue.class);

    private static final int QUEUE_ID = 0;
    private static final int GENERATIONS = 16;

    /** Called on the admin thread: hand over and return. */
    interface Listener {
        /** The controller broke the rules of the admin queue, which has failed. */
        void adminQueueFailed(String reason);
    }

    private final String name;
    private final Listener listener;
    private final DmaRegion rings;
    private final BounceBuffers buffers;
    private final MemorySegment submissionRing;
    private final MemorySegment completionRing;
    private final MemorySegment tailDoorbell;
    private final MemorySegment headDoorbell;
    private final PciAccess signalled;
    private final int entries;
    private final long completionOffset;
    private final Semaphore ordinarySlots;
    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by the lock.
    private final AdminRequest[] inFlight;
    private final int[] generations;
    private int tail;
    private int head;
    private int phase = 1;
    private String failed;

    /** Commands that somebody waits for, so event requests do not count. Read by the admin thread. */
    private volatile int awaited;

    private volatile Runnable waker;

    AdminQueue(PciAccess access, int entries, int dstrd, String name, Listener listener) {
        this.entries = entries;
        this.name = name;
        this.listener = listener;
        completionOffset = DmaRegion.roundUpToPages((long) entries * SubmissionEntry.SIZE_BYTES);
        rings = DmaRegion.allocate(access, completionOffset + (long) entries * CompletionEntry.SIZE_BYTES);
        try {
            buffers = new BounceBuffers(access);
        } catch (RuntimeException refused) {
            rings.close();
            throw refused;
        }
        submissionRing = rings.segment().asSlice(0, (long) entries * SubmissionEntry.SIZE_BYTES);
        completionRing = rings.segment().asSlice(completionOffset, (long) entries * CompletionEntry.SIZE_BYTES);
        var doorbells = access.doorbells();
        tailDoorbell = doorbells.asSlice(Doorbell.shadowSubmissionTailOffset(QUEUE_ID, dstrd), Doorbell.SIZE_BYTES);
        headDoorbell = doorbells.asSlice(Doorbell.shadowCompletionHeadOffset(QUEUE_ID, dstrd), Doorbell.SIZE_BYTES);
        signalled = access.wantsDoorbellSignal() ? access : null;
        ordinarySlots = new Semaphore(entries - 1 - RESERVED_SLOTS, true);
        inFlight = new AdminRequest[entries - 1];
        generations = new int[entries - 1];
    }

    long submissionIova() {
        return rings.iova();
    }

    long completionIova() {
        return rings.iova() + completionOffset;
    }

    /** Who is woken when there is something to wait for. */
    void wakes(Runnable wake) {
        waker = wake;
    }

    /** Whether somebody waits for a completion. */
    boolean isAwaited() {
        return awaited > 0;
    }

    /**
     * Executes one command and waits, whoever interrupts: half a step of ours would leave queues with the controller that
     * nobody knows of.
     *
     * @param data copied to the device or from it, as the opcode says; null for none
     * @return dwords 0 and 1 of the completion
     * @throws NvmeException see {@link io.doorbell.host.NvmeController#admin}; of kind {@code RESET} without status when the
     *     controller does not answer, and then does not abort the command either; of kind {@code RETRY} without status when
     *     the command was not sent
     */
    long execute(NvmCommand command, MemorySegment data, Duration bound) {
        return execute(new AdminRequest(name, command), data, bound);
    }

    /** As above, for a command of somebody else's, who may be interrupted: of kind {@code RETRY} then, sent or not. */
    long executeInterruptibly(NvmCommand command, MemorySegment data, Duration bound) {
        return execute(new AdminRequest(name, command).interruptible(), data, bound);
    }

    /** As above, for a command whose data pointers are memory of ours that it keeps using: queues, doorbell buffers. */
    long executeWith(NvmCommand command, long prp1, long prp2, Duration bound) {
        return execute(new AdminRequest(name, command).pointing(prp1, prp2), null, bound);
    }

    /** As {@link #execute}, without an Abort at the end of the bound: it is the caller who sees to it that the reset comes. */
    long executeOrReset(NvmCommand command, Duration bound) {
        return execute(new AdminRequest(name, command).withoutAbort(), null, bound);
    }

    private long execute(AdminRequest request, MemorySegment data, Duration bound) {
        long deadline = System.nanoTime() + bound.toNanos();
        var command = request.command();
        if (data != null && data.byteSize() > MAX_DATA_BYTES) {
            throw new NvmeException(
                    NvmeException.Kind.GIVE_UP,
                    request.attempted(),
                    data.byteSize() + " bytes of data, admin commands have at most " + MAX_DATA_BYTES);
        }
        var buffer = data == null ? null : takeBuffer(request, deadline);
        request.uses(buffer);
        try {
            if (buffer != null) {
                whileOurs(request, () -> buffer.prepare(data, NvmOpcode.transfersToController(command.opc)));
            }
            acquireSlot(request, deadline);
            start(request);
            await(request, deadline);
            var answer = request.answer();
            if (answer.status() != Status.SUCCESS) {
                throw NvmeException.failed(request.attempted(), new Status(answer.status()));
            }
            if (buffer != null && NvmOpcode.transfersToHost(command.opc)) {
                whileOurs(request, () -> buffer.copyTo(data));
            }
            return answer.result();
        } finally {
            letGo(request);
        }
    }

    /** Uses a buffer. Who closes the queue fails it first, under the lock; from then on its memory may be somebody else's. */
    private void whileOurs(AdminRequest request, Runnable use) {
        lock.lock();
        try {
            if (failed != null) {
                throw new NvmeException(NvmeException.Kind.RESET, request.attempted(), failed);
            }
            use.run();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Starts a command that nobody waits for in a call: event requests, Keep Alive. {@code then} runs on the admin thread, not
     * at all when the queue fails first.
     *
     * @return whether it was started
     */
    boolean executeLater(NvmCommand command, AdminRequest.Then then) {
        try {
            start(new AdminRequest(name, command, then));
            return true;
        } catch (NvmeException e) {
            LOG.debug("{}", e.getMessage());
            return false;
        }
    }

    private void await(AdminRequest request, long deadline) {
        if (!done(request, deadline)) {
            if (!request.isAborted()) {
                throw new NvmeException(NvmeException.Kind.RESET, request.attempted(), "no answer in time");
            }
            LOG.warn("{} has no answer in time, aborting it", request.attempted());
            long abortDeadline = System.nanoTime() + ABORT_BOUND.toNanos();
            var abort = new AdminRequest(
                    name, new NvmCommand().reset(AdminOpcode.ABORT, 0).slba(QUEUE_ID | (long) request.cid() << 16));
            start(abort);
            if (!done(abort, abortDeadline) || !done(request, abortDeadline)) {
                throw new NvmeException(
                        NvmeException.Kind.RESET,
                        request.attempted(),
                        "no answer, and Abort " + (abort.isDone() ? "did not end it" : "was not answered either"));
            }
        }
    }

    /** Waits. The queue's failure ends it with an exception. */
    private static boolean done(AdminRequest request, long deadline) {
        return waiting(request, deadline, nanos -> {
            try {
                request.answered().get(nanos, TimeUnit.NANOSECONDS);
                return true;
            } catch (TimeoutException e) {
                return false;
            } catch (ExecutionException e) {
                throw new NvmeException(
                        NvmeException.Kind.RESET,
                        request.attempted(),
                        e.getCause().getMessage(),
                        e.getCause());
            }
        });
    }

    private BounceBuffers.Buffer takeBuffer(AdminRequest request, long deadline) {
        var buffer = waiting(request, deadline, buffers::take);
        if (buffer == null) {
            throw new NvmeException(
                    NvmeException.Kind.RETRY,
                    request.attempted(),
                    "all " + BounceBuffers.COUNT + " data buffers stayed in use until the bound");
        }
        return buffer;
    }

    private void acquireSlot(AdminRequest request, long deadline) {
        if (!waiting(request, deadline, nanos -> ordinarySlots.tryAcquire(nanos, TimeUnit.NANOSECONDS))) {
            throw new NvmeException(
                    NvmeException.Kind.RETRY, request.attempted(), "the admin queue stayed full until the bound");
        }
        request.holdsOrdinarySlot(true);
    }

    private interface Wait<T> {
        T until(long nanos) throws InterruptedException;
    }

    /** One wait; an interrupt ends it, or comes after it, as the request says. */
    private static <T> T waiting(AdminRequest request, long deadline, Wait<T> wait) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return wait.until(Math.max(0, deadline - System.nanoTime()));
                } catch (InterruptedException e) {
                    interrupted = true;
                    if (request.isInterruptible()) {
                        throw new NvmeException(NvmeException.Kind.RETRY, request.attempted(), "interrupted", e);
                    }
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void start(AdminRequest request) {
        lock.lock();
        try {
            if (failed != null) {
                throw new NvmeException(NvmeException.Kind.RESET, request.attempted(), failed);
            }
            int slot = freeSlot(request);
            int cid = generations[slot] * inFlight.length + slot;
            generations[slot] = (generations[slot] + 1) % GENERATIONS;
            request.started(cid);
            inFlight[slot] = request;
            encode(request, cid);
            tail = tail + 1 == entries ? 0 : tail + 1;
            if (request.isAwaited()) {
                awaited = awaited + 1;
            }
            Doorbell.store(tailDoorbell, 0, tail);
        } catch (InternalError fault) {
            var reason = doorbellsGone(fault);
            throw new NvmeException(NvmeException.Kind.RESET, request.attempted(), reason, fault);
        } finally {
            lock.unlock();
        }
        if (signalled != null) {
            signalled.doorbellStored();
        }
        var wake = waker;
        if (wake != null) {
            wake.run();
        }
    }

    /** The caller is through with its command. If the controller is not, it keeps slot and buffer until it is. */
    private void letGo(AdminRequest request) {
        lock.lock();
        try {
            request.abandon();
            if (!isInFlight(request)) {
                recycle(request);
            }
        } finally {
            lock.unlock();
        }
    }

    private boolean isInFlight(AdminRequest request) {
        return request.wasStarted() && inFlight[request.cid() % inFlight.length] == request;
    }

    private void recycle(AdminRequest request) {
        buffers.giveBack(request.uses(null));
        if (request.holdsOrdinarySlot(false)) {
            ordinarySlots.release();
        }
    }

    private int freeSlot(AdminRequest request) {
        for (int slot = 0; slot < inFlight.length; slot++) {
            if (inFlight[slot] == null) {
                return slot;
            }
        }
        // Timed out commands keep their slots until the controller is reset.
        throw new NvmeException(NvmeException.Kind.RESET, request.attempted(), "the admin queue is full");
    }

    private void encode(AdminRequest request, int cid) {
        var command = request.command();
        var buffer = request.buffer();
        long entry = (long) tail * SubmissionEntry.SIZE_BYTES;
        SubmissionEntry.encode(
                submissionRing,
                entry,
                command.opc,
                SubmissionEntry.flags(SubmissionEntry.FUSE_NONE, SubmissionEntry.PSDT_PRP),
                cid,
                command.nsid,
                0,
                buffer == null ? request.prp1() : buffer.prp1(),
                buffer == null ? request.prp2() : buffer.prp2(),
                command.cdw10,
                command.cdw11,
                command.cdw12,
                command.cdw13,
                command.cdw14,
                command.cdw15);
        SubmissionEntry.cdw2(submissionRing, entry, command.cdw2);
        SubmissionEntry.cdw3(submissionRing, entry, command.cdw3);
    }

    /** How the JVM reports SIGBUS: the pages of the BAR have gone, with the device. */
    private String doorbellsGone(InternalError fault) {
        var reason = name + ": storing to an admin doorbell failed: " + fault.getMessage();
        fail(reason);
        listener.adminQueueFailed(reason);
        return reason;
    }

    /** Takes what completions there are. The admin thread. */
    int reap() {
        try {
            return reapAll();
        } catch (InternalError fault) {
            doorbellsGone(fault);
            return 0;
        }
    }

    private int reapAll() {
        int taken = 0;
        while (taken < entries) {
            AdminRequest request;
            long entry;
            long result;
            lock.lock();
            try {
                // First: the rings of a queue that has failed may be freed.
                if (failed != null) {
                    return taken;
                }
                long offset = (long) head * CompletionEntry.SIZE_BYTES;
                entry = CompletionEntry.tail(completionRing, offset);
                if (CompletionEntry.phase(entry) != phase) {
                    return taken;
                }
                result = CompletionEntry.dw01(completionRing, offset);
                head++;
                if (head == entries) {
                    head = 0;
                    phase ^= 1;
                }
                request = CompletionEntry.sqid(entry) == QUEUE_ID ? claim(CompletionEntry.cid(entry)) : null;
                Doorbell.store(headDoorbell, 0, head);
            } finally {
                lock.unlock();
            }
            taken++;
            if (request == null) {
                var reason = String.format(
                        "%s: admin completion with cid %04Xh, sqid %d, status %s: no such command is in flight",
                        name,
                        CompletionEntry.cid(entry),
                        CompletionEntry.sqid(entry),
                        Status.name(CompletionEntry.status(entry)));
                // Nothing from this queue can be believed any more, so nobody need wait for it.
                fail(reason);
                listener.adminQueueFailed(reason);
                return taken;
            }
            request.complete(CompletionEntry.status(entry), result);
        }
        return taken;
    }

    private AdminRequest claim(int cid) {
        int slot = cid % inFlight.length;
        var request = inFlight[slot];
        if (request == null || request.cid() != cid) {
            return null;
        }
        inFlight[slot] = null;
        if (request.isAwaited()) {
            awaited = awaited - 1;
        }
        if (request.isAbandoned()) {
            recycle(request);
        }
        return request;
    }

    /** Ends every wait, and every later call, with this reason. Any thread. */
    void fail(String reason) {
        AdminRequest[] left;
        lock.lock();
        try {
            if (failed != null) {
                return;
            }
            failed = reason;
            left = inFlight.clone();
        } finally {
            lock.unlock();
        }
        for (var request : left) {
            if (request != null) {
                request.fail(reason);
            }
        }
    }

    /** Frees the rings and buffers. Only when the controller is disabled or gone. */
    @Override
    public void close() {
        fail("the admin queue is closed");
        buffers.close();
        rings.close();
    }
}
