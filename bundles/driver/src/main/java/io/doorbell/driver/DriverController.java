package io.doorbell.driver;

import io.doorbell.host.AdminCompletion;
import io.doorbell.host.ControllerInfo;
import io.doorbell.host.ControllerListener;
import io.doorbell.host.ControllerState;
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
import io.doorbell.nvme.TransportId;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
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
 * A controller as its driver has it, whatever carries the commands. Control plane: any thread. The transport's half brings it up,
 * says what runs by {@link #runs}, and takes it down.
 *
 * <p>What the controller needs at run time is watched from several sides: the admin thread looks after it and takes events, owners of
 * queue pairs report commands that take too long, the transport reports that the controller has left. All of them hand over to
 * control threads; a reset, or the end, happens there.
 */
public abstract class DriverController implements NvmeController, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DriverController.class);

    /** How long the Abort of an I/O command may take. */
    private static final Duration ABORT_BOUND = Duration.ofSeconds(2);

    /** A controller that has not answered an Abort for so long is reset. */
    private static final Duration LONG_SILENCE = Duration.ofSeconds(1);

    private static final long RESET_LOOK_NANOS = 500_000;

    /** One for each event that is not followed yet; of others, one for each queue pair with commands to abort. */
    private static final int MOST_TASKS = 1024;

    /**
     * State changes that listeners have not heard of. When they are so far behind they miss the oldest: RESETTING comes
     * before each READY, so the latest ones say it all.
     */
    private static final int MOST_NEWS = 64;

    private final TransportId id;
    protected final String name;
    private final Duration adminTimeout;
    protected final CoarseClock clock = new CoarseClock();
    protected final QueuePairSet queuePairSet;
    private final ControlThread control;

    /** Apart from the other two: an event may be waited for, and be told to whoever takes his time. */
    private final ControlThread following;

    private final ControlThread news;
    private final AsyncEvents events;
    private final KeepAlive keepAlive;
    private final List<ControllerListener> listeners = new CopyOnWriteArrayList<>();
    private final AtomicBoolean resetRequested = new AtomicBoolean();

    /**
     * One Abort of an I/O command at a time, whoever asks: a controller may take no more (Abort Command Limit). Those of
     * admin commands that time out come besides; one too many is refused, no worse.
     */
    private final Semaphore aborting = new Semaphore(1, true);

    /** Bring-up, reset, making queue pairs, closing: one at a time. */
    protected final ReentrantLock lifecycle = new ReentrantLock();

    /** Null while the controller is disabled. Written under the lifecycle lock. */
    private volatile RunningController running;

    private volatile ControllerInfo info;
    private volatile List<NvmeNamespace> namespaces = List.of();

    /** Written under this object's monitor. */
    private volatile ControllerState state = ControllerState.RESETTING;

    protected DriverController(TransportId id, String name, Duration adminTimeout) {
        this.id = id;
        this.name = name;
        this.adminTimeout = adminTimeout;
        queuePairSet = new QueuePairSet(name);
        control = new ControlThread("nvme-" + name + "-control", MOST_TASKS);
        following = new ControlThread("nvme-" + name + "-events", MOST_TASKS);
        news = new ControlThread("nvme-" + name + "-news", MOST_NEWS);
        events = new AsyncEvents(name, adminTimeout, following, new Follower());
        keepAlive = new KeepAlive(name);
    }

    // ------ the transport's half

    /**
     * Takes the controller down and brings it up again. Under the lifecycle lock, in state RESETTING.
     *
     * @param seen what ran when the reset was asked for; null for nothing
     * @return whether it is up again; else that is tried further, and it stays RESETTING
     * @throws RuntimeException when it is not usable any more: it fails then
     */
    protected abstract boolean restart(RunningController seen, String reason);

    /** Whether there is something to be reset. Under the lifecycle lock. */
    protected abstract boolean isResettable();

    protected abstract QueuePairControl makeQueuePair(RunningController now, QueuePairOptions wanted, Arena arena);

    /**
     * Deletes the queues of one queue pair, and waits for it within the bound.
     *
     * @throws NvmeException when the controller did not say that they are
     */
    protected abstract void deleteQueues(RunningController now, TrackedQueuePair queuePair, Duration bound);

    /** A queue pair is fenced and its memory freed. */
    protected abstract void released(DriverQueuePairControl queuePair);

    /**
     * The way to the controller is gone, as an owner found. Any thread; returns at once.
     *
     * @param seen what ran when the owner's queue pair was made
     */
    protected abstract void unreachable(RunningController seen, String reason);

    /** Waits while the controller has stopped processing commands (CSTS.PP); returns whether it goes on within the bound. */
    protected abstract boolean awaitProcessing(Duration bound);

    /** What is the driver's own to send. */
    protected abstract boolean isOurs(NvmCommand command);

    /** Within bounds, whatever the controller does. Idempotent. */
    @Override
    public abstract void close();

    // ------ what it says of itself

    @Override
    public final TransportId transportId() {
        return id;
    }

    @Override
    public final ControllerInfo info() {
        return info;
    }

    @Override
    public final ControllerState state() {
        return state;
    }

    @Override
    public final List<NvmeNamespace> namespaces() {
        return namespaces;
    }

    @Override
    public final AdminCompletion admin(NvmCommand command, MemorySegment data, Duration bound) {
        if (isOurs(command)) {
            throw new IllegalArgumentException(
                    name + ": " + AdminOpcode.name(command.opc) + " is the driver's own to send");
        }
        var now = requireRunning(AdminOpcode.name(command.opc));
        // Asks for a reset when it does not answer.
        return new AdminCompletion(asksForReset(now, () -> now.admin().executeInterruptibly(command, data, bound)));
    }

    private <T> T asksForReset(RunningController now, Supplier<T> action) {
        try {
            return action.get();
        } catch (NvmeException e) {
            if (e.kind() == NvmeException.Kind.RESET && e.status().isEmpty() && running == now) {
                requestReset(e.getMessage());
            }
            throw e;
        }
    }

    protected final RunningController requireRunning(String what) {
        var now = running;
        if (now == null || state == ControllerState.REMOVED) {
            throw new NvmeException(
                    state == ControllerState.RESETTING ? NvmeException.Kind.RETRY : NvmeException.Kind.GIVE_UP,
                    name + ", " + what,
                    "the controller is " + state);
        }
        return now;
    }

    /** Null while the controller is disabled. */
    protected final RunningController running() {
        return running;
    }

    @Override
    public final int maxAdminDataBytes() {
        return AdminQueue.MAX_DATA_BYTES;
    }

    @Override
    public final QueuePairControl createQueuePair(QueuePairOptions wanted, Arena arena) {
        lifecycle.lock();
        try {
            var now = requireRunning("creating a queue pair for " + wanted.label());
            return asksForReset(now, () -> makeQueuePair(now, wanted, arena));
        } finally {
            lifecycle.unlock();
        }
    }

    @Override
    public final void addListener(ControllerListener listener) {
        listeners.add(listener);
    }

    @Override
    public final void removeListener(ControllerListener listener) {
        listeners.remove(listener);
    }

    // ------ bring-up, reset, end

    /** The controller has been brought up. Under the lifecycle lock. */
    protected final void runs(RunningController up) {
        info = up.info();
        use(up.namespaces());
        running = up;
        events.arm(up);
        keepAlive.start(up, queuePairSet::completedCommands);
    }

    /** The controller is being disabled, or has left: what runs is given to whoever takes it down. Under the lifecycle lock. */
    protected final RunningController stops() {
        var was = running;
        running = null;
        return was;
    }

    private void use(NamespaceReader.Read read) {
        namespaces = read.namespaces();
        queuePairSet.use(read.formats());
    }

    @Override
    public final void reset(String reason) {
        reset(running, reason);
    }

    /** Resets, unless somebody else has since the controller ran as {@code seen}. */
    protected final void reset(RunningController seen, String reason) {
        if (seen != null) {
            // Before the lock: whoever holds it may be waiting for the admin queue.
            seen.admin().fail("the controller is being reset: " + reason);
        }
        lifecycle.lock();
        try {
            if (running != seen) {
                return;
            }
            if (state == ControllerState.REMOVED || !isResettable()) {
                throw new NvmeException(NvmeException.Kind.GIVE_UP, name + ", reset", "the controller is " + state);
            }
            LOG.warn("{} is being reset: {}", name, reason);
            changeState(ControllerState.RESETTING, reason);
            if (restart(seen, reason)) {
                changeState(ControllerState.READY, "reset: " + reason);
            }
        } catch (RuntimeException e) {
            changeState(ControllerState.FAILED, e.getMessage());
            throw e;
        } finally {
            lifecycle.unlock();
        }
    }

    protected final void requestReset(String reason) {
        requestReset(running, reason);
    }

    protected final void requestReset(RunningController seen, String reason) {
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

    /** Nobody is told anything any more. */
    protected final void endThreads() {
        control.close();
        following.close();
        news.close();
    }

    // ------ watching

    /** Sends Keep Alive when it is time to. On the admin thread. */
    protected final void keepAlive() {
        keepAlive.look(this::requestReset);
    }

    private final class Follower implements AsyncEvents.Follower {
        @Override
        public void namespacesChanged() {
            readNamespaces();
        }

        @Override
        public boolean awaitProcessing(Duration bound) {
            return DriverController.this.awaitProcessing(bound);
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
                listener.event(DriverController.this, event, page);
            }
        }
    }

    @Override
    public final void refreshNamespaces() {
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
        now.admin().execute(command, identity, adminTimeout);
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
    protected final synchronized boolean changeState(ControllerState next, String reason) {
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

    @Override
    public final String toString() {
        return id + " " + state;
    }

    /** What queue pairs tell that are made while this runs. */
    protected final QueuePairHost queuePairHost(RunningController now) {
        return new Host(now);
    }

    /** What controls of queue pairs ask for. */
    protected final QueueAdmin queueAdmin() {
        return new Admin();
    }

    private final class Host implements QueuePairHost {
        private final RunningController seen;

        private Host(RunningController seen) {
            this.seen = seen;
        }

        @Override
        public void timedOut(TrackedQueuePair queuePair, int cid) {
            // One task for all that take too long: when it runs it finds them, and else they are told of as stuck.
            if (queuePair.late.getAndIncrement() == 0 && !control.execute(() -> lookAfterLate(queuePair))) {
                queuePair.late.set(0);
            }
        }

        private void lookAfterLate(TrackedQueuePair queuePair) {
            int late = queuePair.late.getAndSet(0);
            LOG.warn("{}: {} commands take longer than {} ms", queuePair.name, late, queuePair.timeoutMillis());
            if (queuePair.abortsLate()) {
                abortLate(queuePair);
            }
            queuePairSet.late(queuePair, late);
        }

        private void abortLate(TrackedQueuePair queuePair) {
            var before = running;
            int aborted = 0;
            for (int slot = 0; slot < queuePair.slots(); slot++) {
                int cid = queuePair.lateId(slot);
                // Ended, its id may be another queue pair's by now.
                if (cid == Trackers.NONE || queuePair.isEnded() || running != before) {
                    continue;
                }
                if (aborted++ == 0) {
                    LOG.warn("{}: aborting them, the first {}", queuePair.name, String.format("%04Xh", cid));
                }
                abortCommand(queuePair.queueId(), cid, ABORT_BOUND);
            }
        }

        @Override
        public void stuck(TrackedQueuePair queuePair, int cid) {
            // The first of many, mostly.
            if (!resetRequested.get()) {
                requestReset(String.format("%s: command %04Xh did not end after an Abort", queuePair.name, cid));
            }
        }

        @Override
        public void failed(TrackedQueuePair queuePair, String reason) {
            LOG.error("{}", reason);
            Thread.ofVirtual()
                    .name("nvme-" + name + "-failed-" + queuePair.queueId())
                    .start(() -> queuePairSet.failed(queuePair, reason));
        }

        @Override
        public void unreachable(String reason) {
            DriverController.this.unreachable(seen, reason);
        }
    }

    private void abortCommand(int queueId, int cid, Duration bound) {
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

    private final class Admin implements QueueAdmin {
        @Override
        public void abort(int queueId, int cid, Duration bound) {
            abortCommand(queueId, cid, bound);
        }

        @Override
        public boolean deleteQueues(TrackedQueuePair queuePair, Duration bound) {
            long deadline = System.nanoTime() + bound.toNanos();
            var seen = running;
            if (queuePair.isEnded()) {
                return false;
            }
            try {
                // The other half is for the reset, should it come to that.
                DriverController.this.deleteQueues(requireRunning("deleting queues"), queuePair, bound.dividedBy(2));
                return true;
            } catch (NvmeException e) {
                awaitReset(queuePair, seen, e, deadline);
                return false;
            }
        }

        /** The reset has a thread of its own, and goes on when nobody waits for it any more. */
        private void awaitReset(
                TrackedQueuePair queuePair, RunningController seen, NvmeException because, long deadline) {
            boolean interrupted = false;
            while (!queuePair.isEnded() && System.nanoTime() - deadline < 0) {
                // Without a controller that runs somebody is ending its queue pairs just now. Asked for again and
                // again: a reset that was on its way may have been one for an earlier reason.
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
        public void release(DriverQueuePairControl released) {
            DriverController.this.released(released);
        }
    }
}
