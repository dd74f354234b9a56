package io.doorbell.pcie;

import io.doorbell.host.AdminCompletion;
import io.doorbell.host.ControllerInfo;
import io.doorbell.host.ControllerListener;
import io.doorbell.host.ControllerState;
import io.doorbell.host.DmaAllocation;
import io.doorbell.host.NvmCommand;
import io.doorbell.host.NvmeController;
import io.doorbell.host.NvmeNamespace;
import io.doorbell.host.QueuePairControl;
import io.doorbell.host.QueuePairOptions;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.TransportId;
import io.doorbell.nvme.Version;
import io.doorbell.pci.PciAccess;
import io.doorbell.pci.PciFunction;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An NVMe controller behind a PCI function. {@link #open} brings it up; {@link #close} shuts it down and ends the claim of
 * the function. Control plane: any thread.
 *
 * <p>What the controller needs at run time is watched from three sides: the admin thread reads CSTS and takes events, owners of
 * queue pairs report commands that take too long, the PCI function reports its removal. All of them hand over to control
 * threads; a reset, or the end, happens there.
 */
public final class PcieController implements NvmeController, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PcieController.class);

    private static final String DRIVER = "bundle-pcie";

    // What some devices need, see Quirk.
    private static final Duration FIRST_PAUSE = Duration.ofSeconds(2);
    private static final Duration DISABLE_PAUSE = Duration.ofMillis(2_500);
    private static final Duration QUEUE_PAUSE = Duration.ofNanos(100_000);

    private static final Duration SHORTEST_SHUTDOWN_BOUND = Duration.ofSeconds(1);
    private static final Duration LONGEST_SHUTDOWN_BOUND = Duration.ofSeconds(10);

    /** How long the Abort of an I/O command may take. */
    private static final Duration ABORT_BOUND = Duration.ofSeconds(2);

    /** A controller that has not answered an Abort for so long is reset. */
    private static final Duration LONG_SILENCE = Duration.ofSeconds(1);

    private static final long RESET_LOOK_NANOS = 500_000;

    /** One for each event that is not followed yet, and one for each queue pair with commands to abort. */
    private static final int MOST_TASKS = 1024;

    /**
     * State changes that listeners have not heard of. When they are so far behind they miss the oldest: RESETTING comes
     * before each READY, so the latest ones say it all.
     */
    private static final int MOST_NEWS = 64;

    private final PciAccess access;
    private final TransportId id;
    private final String name;
    private final PcieOptions options;
    private final Set<Quirk> quirks;
    private final ControllerRegisters registers;
    private final CoarseClock clock = new CoarseClock();
    private final ControlThread control;
    private final ControlThread news;
    private final InterruptVectors vectors;
    private final QueuePairs queuePairs;
    private final DmaPool dma;
    private final AsyncEvents events;
    private final KeepAlive keepAlive;
    private final List<ControllerListener> listeners = new CopyOnWriteArrayList<>();
    private final AtomicBoolean resetRequested = new AtomicBoolean();
    private final AtomicBoolean leaving = new AtomicBoolean();

    /**
     * One Abort of an I/O command at a time, whoever asks: a controller may take no more (Abort Command Limit). Those of
     * admin commands that time out come besides; one too many is refused, no worse.
     */
    private final Semaphore aborting = new Semaphore(1, true);

    /** Bring-up, reset, making queue pairs, closing: one at a time. */
    private final ReentrantLock lifecycle = new ReentrantLock();

    // Guarded by the lifecycle lock.
    private DoorbellBuffers shadows;
    private boolean claimed = true;
    private boolean closed;

    /** That of the latest bring-up, which may go on. Written under the lifecycle lock. */
    private volatile AdminQueue latestQueue;

    /** Null while the controller is disabled. Written under the lifecycle lock. */
    private volatile BringUp.Running running;

    private volatile ControllerInfo info;
    private volatile List<NvmeNamespace> namespaces = List.of();

    /** Written under this object's monitor. */
    private volatile ControllerState state = ControllerState.RESETTING;

    private PcieController(PciAccess access, TransportId id, PcieOptions options, Set<Quirk> quirks) {
        this.quirks = quirks;
        this.access = access;
        this.id = id;
        this.options = options;
        name = id.traddr();
        var pause = quirks.contains(Quirk.READY_TOO_SOON) ? DISABLE_PAUSE : Duration.ZERO;
        registers = new ControllerRegisters(access, name, options.readyTimeout(), pause);
        control = new ControlThread("nvme-" + name + "-control", MOST_TASKS);
        news = new ControlThread("nvme-" + name + "-news", MOST_NEWS);
        var watch = new Watch();
        vectors = new InterruptVectors(access, name);
        var queuePause = quirks.contains(Quirk.NEEDS_TIME_FOR_QUEUES) ? QUEUE_PAUSE : Duration.ZERO;
        queuePairs = new QueuePairs(access, name, clock, options, vectors, queuePause, watch);
        dma = new DmaPool(access, name, options.maxDmaBytes());
        events = new AsyncEvents(name, options.adminTimeout(), control, registers, eventFollower());
        keepAlive = new KeepAlive(name, this::requestReset);
    }

    /**
     * Claims the function and brings its controller up. Takes as long as the controller does, within bounds.
     *
     * @throws io.doorbell.pci.PciException when the function cannot be claimed
     * @throws NvmeException when the controller cannot be brought up; the claim is given back then
     */
    public static PcieController open(PciFunction function, PcieOptions options) {
        var id = TransportId.of(TransportId.Type.valueOf(function.transport()), function.address());
        var access = function.open(DRIVER);
        var controller = new PcieController(access, id, options, Quirk.of(function.identity()));
        try {
            // First: a device that leaves in the middle of it ends the wait for its answers.
            access.onRemoval(controller::removed);
            controller.start();
            return controller;
        } catch (RuntimeException e) {
            controller.close();
            throw e;
        }
    }

    private void start() {
        lifecycle.lock();
        try {
            long startNanos = System.nanoTime();
            for (var quirk : quirks) {
                LOG.info("{}: a device of a known kind that {}", name, quirk.description());
            }
            if (quirks.contains(Quirk.NEEDS_TIME_FIRST)) {
                ControllerRegisters.pause(FIRST_PAUSE);
            }
            bringUp();
            changeState(ControllerState.READY, "brought up");
            logReady(System.nanoTime() - startNanos);
        } finally {
            lifecycle.unlock();
        }
    }

    @Override
    public TransportId transportId() {
        return id;
    }

    @Override
    public ControllerInfo info() {
        return info;
    }

    @Override
    public ControllerState state() {
        return state;
    }

    @Override
    public List<NvmeNamespace> namespaces() {
        return namespaces;
    }

    @Override
    public AdminCompletion admin(NvmCommand command, MemorySegment data, Duration bound) {
        switch (command.opc) {
            case AdminOpcode.CREATE_IO_COMPLETION_QUEUE,
                    AdminOpcode.CREATE_IO_SUBMISSION_QUEUE,
                    AdminOpcode.DELETE_IO_COMPLETION_QUEUE,
                    AdminOpcode.DELETE_IO_SUBMISSION_QUEUE,
                    AdminOpcode.DOORBELL_BUFFER_CONFIG,
                    AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST ->
                throw new IllegalArgumentException(
                        name + ": " + AdminOpcode.name(command.opc) + " is the driver's own to send");
            default -> {
                return new AdminCompletion(execute(command, data, bound));
            }
        }
    }

    /** Executes on the controller as it runs now, and asks for a reset when it does not answer. */
    private long execute(NvmCommand command, MemorySegment data, Duration bound) {
        var now = requireRunning(AdminOpcode.name(command.opc));
        return asksForReset(now, () -> now.admin().executeInterruptibly(command, data, bound));
    }

    private <T> T asksForReset(BringUp.Running now, Supplier<T> action) {
        try {
            return action.get();
        } catch (NvmeException e) {
            if (e.kind() == NvmeException.Kind.RESET && e.status().isEmpty() && running == now) {
                requestReset(e.getMessage());
            }
            throw e;
        }
    }

    private BringUp.Running requireRunning(String what) {
        var now = running;
        if (now == null || state == ControllerState.REMOVED) {
            throw new NvmeException(
                    state == ControllerState.RESETTING ? NvmeException.Kind.RETRY : NvmeException.Kind.GIVE_UP,
                    name + ", " + what,
                    "the controller is " + state);
        }
        return now;
    }

    @Override
    public int maxAdminDataBytes() {
        return AdminQueue.MAX_DATA_BYTES;
    }

    @Override
    public long property(int offset, int bytes) {
        return registers.property(offset, bytes);
    }

    @Override
    public QueuePairControl createQueuePair(QueuePairOptions wanted, Arena arena) {
        lifecycle.lock();
        try {
            var now = requireRunning("creating a queue pair for " + wanted.label());
            return asksForReset(now, () -> queuePairs.create(now, wanted, arena));
        } finally {
            lifecycle.unlock();
        }
    }

    @Override
    public DmaAllocation allocateDma(long bytes, Arena arena) {
        if (state == ControllerState.REMOVED) {
            throw new NvmeException(
                    NvmeException.Kind.GIVE_UP, name + ", allocating DMA memory", "the controller is " + state);
        }
        return dma.allocate(bytes, arena);
    }

    @Override
    public void addListener(ControllerListener listener) {
        listeners.add(listener);
    }

    @Override
    public void removeListener(ControllerListener listener) {
        listeners.remove(listener);
    }

    // ------ bring-up, reset, end

    /** Under the lifecycle lock. */
    private void bringUp() {
        var up = new BringUp(access, registers, options, quirks, name).run(new BringUp.Parts() {
            @Override
            public AdminThread startThread(AdminQueue queue) {
                latestQueue = queue;
                if (state == ControllerState.REMOVED) {
                    // Whoever said so may not have seen it.
                    queue.fail("the controller is gone");
                }
                var interrupts = options.adminInterrupts() ? vectors : null;
                return new AdminThread("nvme-" + name, queue, clock, interrupts, () -> lookAfter(queue));
            }

            @Override
            public DoorbellBuffers doorbellBuffers() {
                if (shadows == null) {
                    shadows = new DoorbellBuffers(access);
                }
                shadows.clear();
                return shadows;
            }

            @Override
            public void adminQueueFailed(String reason) {
                requestReset(reason);
            }

            @Override
            public void cannotBeDisabled() {
                endClaim();
            }
        });
        info = up.info();
        use(up.namespaces());
        running = up;
        events.arm(up);
        keepAlive.start(up);
    }

    private void use(NamespaceReader.Read read) {
        namespaces = read.namespaces();
        queuePairs.use(read.formats());
    }

    @Override
    public void reset(String reason) {
        reset(running, reason);
    }

    @Override
    public void resetSubsystem(String reason) {
        if (!registers.cap().nssrs()) {
            throw new NvmeException(
                    NvmeException.Kind.GIVE_UP, name + ", NVM subsystem reset", "CAP.NSSRS does not offer it");
        }
        var seen = running;
        LOG.warn("the NVM subsystem of {} is being reset: {}", name, reason);
        registers.resetSubsystem();
        reset(seen, "NVM subsystem reset: " + reason);
    }

    /** Resets, unless somebody else has since the controller ran as {@code seen}. */
    private void reset(BringUp.Running seen, String reason) {
        if (seen != null) {
            // Before the lock: whoever holds it may be waiting for the admin queue.
            seen.admin().fail("the controller is being reset: " + reason);
        }
        lifecycle.lock();
        try {
            if (running != seen) {
                return;
            }
            if (state == ControllerState.REMOVED || !claimed) {
                throw new NvmeException(NvmeException.Kind.GIVE_UP, name + ", reset", "the controller is " + state);
            }
            LOG.warn("{} is being reset: {}", name, reason);
            changeState(ControllerState.RESETTING, reason);
            long startNanos = System.nanoTime();
            takeDown("reset: " + reason, false);
            bringUp();
            changeState(ControllerState.READY, "reset: " + reason);
            logReady(System.nanoTime() - startNanos);
        } catch (RuntimeException e) {
            changeState(ControllerState.FAILED, e.getMessage());
            throw e;
        } finally {
            lifecycle.unlock();
        }
    }

    private void requestReset(String reason) {
        requestReset(running, reason);
    }

    private void requestReset(BringUp.Running seen, String reason) {
        if (state == ControllerState.REMOVED || !resetRequested.compareAndSet(false, true)) {
            return;
        }
        Thread.ofVirtual().name("nvme-" + name + "-reset").start(() -> {
            try {
                reset(seen, reason);
            } catch (RuntimeException e) {
                LOG.error("{} could not be reset: {}", name, e.getMessage());
            } finally {
                resetRequested.set(false);
            }
        });
    }

    /**
     * Disables the controller, and ends everything that went through it. When this returns, normally or not, the device
     * reaches no memory of ours.
     */
    private void takeDown(String reason, boolean shutdown) {
        queuePairs.disconnect(reason);
        var was = running;
        running = null;
        try {
            if (was != null) {
                was.admin().fail(reason);
                was.thread().close();
            }
            if (shutdown) {
                shutdown(was);
            }
            if (claimed && !access.removed()) {
                registers.disable(registers.readyBound(registers.cap()));
            }
        } catch (RuntimeException e) {
            // It does not let go, or cannot be asked to. Ending the claim takes the memory from it.
            endClaim();
            throw e;
        } finally {
            queuePairs.endAll(new PcieQueuePair.Ending(
                    reason, access.removed() ? Status.HOST_PATHING_ERROR : Status.ABORTED_BY_HOST));
            if (was != null) {
                was.admin().close();
            }
        }
    }

    private void shutdown(BringUp.Running was) {
        if (was == null || state == ControllerState.FAILED || access.removed()) {
            return;
        }
        boolean tells = !quirks.contains(Quirk.NEVER_SHUT_DOWN);
        var bound = tells
                ? shorter(longer(was.shutdownBound(), SHORTEST_SHUTDOWN_BOUND), LONGEST_SHUTDOWN_BOUND)
                : SHORTEST_SHUTDOWN_BOUND;
        if (!registers.shutdown(bound) && tells) {
            LOG.warn("{} did not complete its shutdown within {} ms: {}", name, bound.toMillis(), registers.describe());
        }
    }

    private void endClaim() {
        if (!claimed) {
            return;
        }
        claimed = false;
        vectors.close();
        try {
            access.close();
        } catch (RuntimeException e) {
            LOG.warn("{}: the claim of the function did not end cleanly: {}", name, e.getMessage(), e);
        }
    }

    /** The function has left. No lock: whoever holds one finds all ones in the registers, and gives up. */
    private void removed(String reason) {
        // Before the state says so: who sees it takes queue pairs for ended.
        queuePairs.endForGood(new PcieQueuePair.Ending("removed: " + reason, Status.HOST_PATHING_ERROR));
        if (!changeState(ControllerState.REMOVED, reason)) {
            return;
        }
        LOG.warn("{} is gone: {}", name, reason);
        var queue = latestQueue;
        if (queue != null) {
            queue.fail("the controller is gone: " + reason);
        }
    }

    /**
     * Shuts the controller down, ends what is left in flight, and ends the claim of the function. Within bounds, whatever the
     * device does. Queue pairs that are not fenced yet are lost; their memory is freed when they are. Idempotent.
     */
    @Override
    public void close() {
        long startNanos = System.nanoTime();
        lifecycle.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            var before = state;
            changeState(ControllerState.REMOVED, "the driver closes it");
            try {
                takeDown("the driver closes the controller", before == ControllerState.READY);
            } catch (RuntimeException e) {
                LOG.warn("{} did not close cleanly: {}", name, e.getMessage());
            }
            queuePairs.closed(shadows);
            endClaim();
            LOG.info("{} is closed after {} ms", name, (System.nanoTime() - startNanos) / 1_000_000);
        } finally {
            lifecycle.unlock();
            control.close();
            news.close();
        }
    }

    // ------ watching

    /** A few times a second, on the admin thread: must not block. */
    private void lookAfter(AdminQueue queue) {
        var now = running;
        if (now == null || now.admin() != queue) {
            return;
        }
        var csts = registers.csts();
        if (csts.isGone()) {
            removed("CSTS reads all ones");
        } else if (csts.cfs()) {
            requestReset("controller fatal status, " + csts);
        } else if (!csts.rdy()) {
            // Another host reset the subsystem, or something the device itself.
            requestReset(now, "the controller is not ready any more, " + csts);
        } else {
            keepAlive.look();
        }
    }

    private AsyncEvents.Follower eventFollower() {
        return new AsyncEvents.Follower() {
            @Override
            public void namespacesChanged() {
                readNamespaces();
            }

            @Override
            public void firmwareActivated() {
                readIdentity();
            }

            @Override
            public void stalled(String reason) {
                requestReset(reason);
            }

            @Override
            public void followed(AsyncEvent event, MemorySegment page) {
                for (var listener : listeners) {
                    listener.event(PcieController.this, event, page);
                }
            }
        };
    }

    @Override
    public void refreshNamespaces() {
        requireRunning("reading the namespaces");
        readNamespaces();
    }

    /** What firmware may change without a reset. Limits of transfers and queues stay as they were agreed on. */
    private void readIdentity() {
        var now = running;
        if (now == null) {
            return;
        }
        var identity = MemorySegment.ofArray(new byte[IdentifyController.SIZE_BYTES]);
        var command = new NvmCommand().reset(AdminOpcode.IDENTIFY, 0);
        command.cdw10 = IdentifyCns.CONTROLLER;
        now.admin().execute(command, identity, options.adminTimeout());
        lifecycle.lock();
        try {
            if (running == now) {
                info = info.identifiedAs(identity);
            }
        } finally {
            lifecycle.unlock();
        }
    }

    private void readNamespaces() {
        var now = running;
        if (now == null) {
            return;
        }
        var read = now.reader().read();
        lifecycle.lock();
        try {
            if (running != now) {
                return;
            }
            use(read);
        } finally {
            lifecycle.unlock();
        }
        LOG.info(
                "{}: namespaces changed, {} are active", name, read.namespaces().size());
        for (var listener : listeners) {
            listener.namespacesChanged(this);
        }
    }

    /** Returns whether it changed. {@code REMOVED} is the last state. */
    private synchronized boolean changeState(ControllerState next, String reason) {
        if (state == next || state == ControllerState.REMOVED) {
            return false;
        }
        state = next;
        // In this order to all of them, with no lock of ours held, and not behind anything that waits for the device.
        var told = List.copyOf(listeners);
        news.executeLatest(() -> {
            for (var listener : told) {
                listener.stateChanged(this, next, reason);
            }
        });
        return true;
    }

    private void logReady(long nanos) {
        var found = info;
        LOG.info(
                "{}: {} {} (serial {}, NVMe {}), {} namespaces, {} queue pairs of {} entries, transfers of {} KiB, {},"
                        + " up in {} ms",
                name,
                found.model(),
                found.firmware(),
                found.serial(),
                new Version(found.version()),
                namespaces.size(),
                found.ioQueuePairs(),
                found.maxQueueEntries(),
                found.maxTransferBytes() / 1024,
                found.shadowDoorbells() ? "shadow doorbells" : "no shadow doorbells",
                nanos / 1_000_000);
    }

    @Override
    public String toString() {
        return id + " " + state;
    }

    private static Duration longer(Duration a, Duration b) {
        return a.compareTo(b) >= 0 ? a : b;
    }

    private static Duration shorter(Duration a, Duration b) {
        return a.compareTo(b) <= 0 ? a : b;
    }

    /** What queue pairs and their controls ask for. */
    private final class Watch implements QueuePairHost, QueueAdmin {
        @Override
        public void timedOut(PcieQueuePair queuePair, int cid) {
            // One task for all that take too long: when it runs it finds them, and else they are told of as stuck.
            if (queuePair.late.getAndIncrement() == 0 && !control.execute(() -> lookAfterLate(queuePair))) {
                queuePair.late.set(0);
            }
        }

        private void lookAfterLate(PcieQueuePair queuePair) {
            int late = queuePair.late.getAndSet(0);
            LOG.warn("{}: {} commands take longer than {} ms", queuePair.name, late, queuePair.timeoutMillis());
            if (queuePair.abortsLate()) {
                abortLate(queuePair);
            }
            queuePairs.late(queuePair, late);
        }

        private void abortLate(PcieQueuePair queuePair) {
            var seen = running;
            int aborted = 0;
            for (int slot = 0; slot < queuePair.slots(); slot++) {
                int cid = queuePair.lateId(slot);
                // Ended, its id may be another queue pair's by now.
                if (cid == Trackers.NONE || queuePair.isEnded() || running != seen) {
                    continue;
                }
                if (aborted++ == 0) {
                    LOG.warn("{}: aborting them, the first {}", queuePair.name, String.format("%04Xh", cid));
                }
                abort(queuePair.queueId(), cid, ABORT_BOUND);
            }
        }

        @Override
        public void stuck(PcieQueuePair queuePair, int cid) {
            // The first of many, mostly.
            if (!resetRequested.get()) {
                requestReset(String.format("%s: command %04Xh did not end after an Abort", queuePair.name, cid));
            }
        }

        @Override
        public void failed(PcieQueuePair queuePair, String reason) {
            LOG.error("{}", reason);
            Thread.ofVirtual()
                    .name("nvme-" + name + "-failed-" + queuePair.queueId())
                    .start(() -> queuePairs.failed(queuePair, reason));
        }

        @Override
        public void unreachable(String reason) {
            // Once: the owner may go on ringing until its queue pair has ended.
            if (leaving.compareAndSet(false, true)) {
                Thread.ofVirtual().name("nvme-" + name + "-unreachable").start(() -> removed(reason));
            }
        }

        @Override
        public void abort(int queueId, int cid, Duration bound) {
            long deadline = System.nanoTime() + bound.toNanos();
            try {
                if (!aborting.tryAcquire(bound.toNanos(), TimeUnit.NANOSECONDS)) {
                    return;
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
            try {
                var left = Duration.ofNanos(Math.max(0, deadline - System.nanoTime()));
                var command = new NvmCommand().reset(AdminOpcode.ABORT, 0).slba(queueId | (long) cid << 16);
                var now = requireRunning("aborting a command");
                // An Abort is not aborted: the caller has a bound. Who had little time learns no more than that.
                if (left.compareTo(LONG_SILENCE) >= 0) {
                    asksForReset(now, () -> now.admin().executeOrReset(command, left));
                } else {
                    now.admin().executeOrReset(command, left);
                }
            } catch (NvmeException e) {
                LOG.warn("{}", e.getMessage());
            } finally {
                aborting.release();
            }
        }

        @Override
        public boolean deleteQueues(PcieQueuePair queuePair, Duration bound) {
            long deadline = System.nanoTime() + bound.toNanos();
            var seen = running;
            if (queuePair.isEnded()) {
                return false;
            }
            try {
                // The other half is for the reset, should it come to that.
                queuePairs.delete(requireRunning("deleting queues").admin(), queuePair, bound.dividedBy(2));
                return true;
            } catch (NvmeException e) {
                awaitReset(queuePair, seen, e, deadline);
                return false;
            }
        }

        /** The reset has a thread of its own, and goes on when nobody waits for it any more. */
        private void awaitReset(PcieQueuePair queuePair, BringUp.Running seen, NvmeException because, long deadline) {
            boolean interrupted = false;
            while (!queuePair.isEnded() && System.nanoTime() - deadline < 0) {
                // Without a controller that runs somebody is ending its queue pairs just now. Asked for again and
                // again:
                // a reset that was on its way may have been one for an earlier reason.
                if (seen != null) {
                    requestReset(seen, because.getMessage());
                }
                LockSupport.parkNanos(RESET_LOOK_NANOS);
                interrupted |= Thread.interrupted();
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
            if (!queuePair.isEnded()) {
                throw new NvmeException(
                        NvmeException.Kind.RETRY,
                        queuePair.name + ", deleting its queues",
                        because.getMessage() + "; the controller is not reset yet, and may reach them",
                        because);
            }
        }

        @Override
        public void release(PcieQueuePairControl released) {
            queuePairs.release(released);
        }
    }
}
