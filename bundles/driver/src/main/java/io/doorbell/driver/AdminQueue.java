package io.doorbell.driver;

import io.doorbell.host.NvmCommand;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.Status;
import io.doorbell.platform.Uninterrupted;
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
 * <p>The submission queue cannot overflow for the reason given in {@link StagingQueuePair}.
 */
public abstract class AdminQueue implements AutoCloseable {
    /** Most Asynchronous Event Requests that stay with the controller. */
    public static final int MAX_EVENT_REQUESTS = 4;

    /** Slots that ordinary commands do not get: event requests, one Abort, one Keep Alive. */
    private static final int RESERVED_SLOTS = MAX_EVENT_REQUESTS + 2;

    public static final int MIN_ENTRIES = 16;

    /** Most data of one admin command. */
    public static final int MAX_DATA_BYTES = BounceBuffers.BUFFER_BYTES;

    /** How long an Abort of an admin command, and then the command itself, may take. */
    private static final Duration ABORT_BOUND = Duration.ofSeconds(1);

    private static final Logger LOG = LoggerFactory.getLogger(AdminQueue.class);

    protected static final int QUEUE_ID = 0;
    private static final int GENERATIONS = 16;

    /** Called on the admin thread: hand over and return. */
    public interface Listener {
        /** The controller broke the rules of the admin queue, which has failed. */
        void adminQueueFailed(String reason);
    }

    protected final String name;
    private final Listener listener;
    private final BounceBuffers buffers;
    private final Semaphore ordinarySlots;
    protected final ReentrantLock lock = new ReentrantLock();

    // Guarded by the lock.
    private final AdminRequest[] inFlight;
    private final int[] generations;
    private String failed;

    /** Commands that somebody waits for, so event requests do not count. Read by the admin thread. */
    private volatile int awaited;

    private volatile Runnable waker;

    /**
     * @param entries of the submission queue
     * @param buffers of memory that lives until this is closed
     */
    protected AdminQueue(int entries, String name, BounceBuffers buffers, Listener listener) {
        this.name = name;
        this.listener = listener;
        this.buffers = buffers;
        ordinarySlots = new Semaphore(entries - 1 - RESERVED_SLOTS, true);
        inFlight = new AdminRequest[entries - 1];
        generations = new int[entries - 1];
    }

    /** Who is woken when there is something to wait for. */
    public void wakes(Runnable wake) {
        waker = wake;
    }

    /** Whether somebody waits for a completion. */
    public boolean isAwaited() {
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
    public long execute(NvmCommand command, MemorySegment data, Duration bound) {
        return execute(new AdminRequest(name, command), data, bound);
    }

    /** As above, for a command of somebody else's, who may be interrupted: of kind {@code RETRY} then, sent or not. */
    public long executeInterruptibly(NvmCommand command, MemorySegment data, Duration bound) {
        return execute(new AdminRequest(name, command).interruptible(), data, bound);
    }

    /** As above, for a command whose data pointers are memory of ours that it keeps using: queues, doorbell buffers. */
    public long executeWith(NvmCommand command, long prp1, long prp2, Duration bound) {
        return execute(new AdminRequest(name, command).pointing(prp1, prp2), null, bound);
    }

    /** As {@link #execute}, without an Abort at the end of the bound: it is the caller who sees to it that the reset comes. */
    public long executeOrReset(NvmCommand command, Duration bound) {
        return execute(new AdminRequest(name, command).withoutAbort(), null, bound);
    }

    /** As {@link #execute} of a command without data, and a status other than success is an answer too. */
    public AdminRequest.Answer answer(NvmCommand command, Duration bound) {
        return answer(new AdminRequest(name, command), null, bound);
    }

    private long execute(AdminRequest request, MemorySegment data, Duration bound) {
        var answer = answer(request, data, bound);
        if (answer.status() != Status.SUCCESS) {
            throw NvmeException.failed(request.attempted(), new Status(answer.status()));
        }
        return answer.result();
    }

    private AdminRequest.Answer answer(AdminRequest request, MemorySegment data, Duration bound) {
        long deadline = System.nanoTime() + bound.toNanos();
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
                whileOurs(request, () -> buffer.prepare(data, request.transfersToController()));
            }
            acquireSlot(request, deadline);
            start(request);
            await(request, deadline);
            var answer = request.answer();
            if (buffer != null && answer.status() == Status.SUCCESS && request.transfersToHost()) {
                whileOurs(request, () -> buffer.copyTo(data));
            }
            return answer;
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
    public boolean executeLater(NvmCommand command, AdminRequest.Then then) {
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

    /** One wait; an interrupt ends it, or comes after it, as the request says. */
    private static <T> T waiting(AdminRequest request, long deadline, Uninterrupted.Wait<T> wait) {
        if (!request.isInterruptible()) {
            return Uninterrupted.until(deadline, wait);
        }
        try {
            return wait.until(Math.max(0, deadline - System.nanoTime()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new NvmeException(NvmeException.Kind.RETRY, request.attempted(), "interrupted", e);
        }
    }

    private void start(AdminRequest request) {
        try {
            putUnderLock(request);
            wasPut();
            var wake = waker;
            if (wake != null) {
                wake.run();
            }
        } catch (InternalError fault) {
            // Around all of it: from compiled code the error of a store may come a moment late.
            var reason = unreachable(fault);
            breach(reason);
            throw new NvmeException(NvmeException.Kind.RESET, request.attempted(), reason, fault);
        }
    }

    private void putUnderLock(AdminRequest request) {
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
            if (request.isAwaited()) {
                awaited = awaited + 1;
            }
            put(request, cid);
        } finally {
            lock.unlock();
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

    /** Takes what completions there are; see {@link #claim}. The admin thread. Returns how many. */
    public abstract int reap();

    /** The command is in flight from here on, with this id. Under the lock. */
    protected abstract void put(AdminRequest request, int cid);

    /** Something was put, and the lock is free again. Any thread. */
    protected void wasPut() {}

    /** Storing where the controller looks failed: how the JVM reports SIGBUS. Says what that means. */
    protected String unreachable(InternalError fault) {
        return name + ": sending an admin command failed: " + fault.getMessage();
    }

    /** Nothing from this queue can be believed any more, or reach it, so nobody need wait for it. */
    protected final void breach(String reason) {
        fail(reason);
        listener.adminQueueFailed(reason);
    }

    protected final boolean hasFailed() {
        return failed != null;
    }

    /** The command in flight that has this id, null for none; it is in flight no more. Under the lock. */
    protected final AdminRequest claim(int cid) {
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
    public void fail(String reason) {
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

    /** Frees its memory. Only when the controller reaches it no more. */
    @Override
    public void close() {
        fail("the admin queue is closed");
    }
}
