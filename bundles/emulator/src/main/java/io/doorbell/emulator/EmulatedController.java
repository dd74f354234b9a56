package io.doorbell.emulator;

import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.CompletionEntry;
import io.doorbell.nvme.ControllerConfiguration;
import io.doorbell.nvme.ControllerStatus;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.LogPageId;
import io.doorbell.nvme.PrpMath;
import io.doorbell.nvme.Registers;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.reactor.Poller;
import io.doorbell.reactor.Reactor;
import io.doorbell.target.CommandPath;
import io.doorbell.target.ControllerEvents;
import io.doorbell.target.ControllerSetup;
import io.doorbell.target.TargetController;
import io.doorbell.target.TargetSubsystem;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is behind BAR0: polls doorbells, executes commands through a {@link TargetController}, posts completions. Everything here is done by
 * its reactor, register writes too, which come as tasks; only register reads come from other threads. It looks at doorbells
 * while there is work, and sleeps when there is none: then a doorbell has to be signalled, which is what event indexes ask for.
 */
final class EmulatedController implements Poller, ControllerEvents {
    private static final Logger LOG = LoggerFactory.getLogger(EmulatedController.class);

    /** SGLs in data pointers, bit buckets among them, and in metadata pointers; lengths have to match. NVMe Base 2.1 §5.1.13.2.1, SGLS. */
    static final int SGLS = IdentifyController.SGLS_SUPPORTED_BYTE_ALIGNED
            | IdentifyController.SGLS_BIT_BUCKET
            | IdentifyController.SGLS_METADATA_SGL;

    /** How long commands that a namespace works on may keep a reset waiting, or memory mapped. */
    static final Duration DRAIN_BOUND = Duration.ofSeconds(10);

    private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    /** How often to look when a host that does not say so has to make room. */
    private static final long ROOM_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    /**
     * The first and the longest sleep while a driver only stores doorbells and nobody signals them. Each is twice as long as the last, while nothing
     * comes. At the longest an idle device wakes a thousand times a second, which takes about 5 % of a core, and the first command after a rest
     * waits up to 1 ms.
     */
    private static final long FIRST_NAP_NANOS = TimeUnit.MICROSECONDS.toNanos(30);

    static final long LONGEST_NAP_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private static final int BIT_BUCKET_BYTES = 64 << 10;
    private static final int MAX_LOGGED_FAILURES = 20;

    private enum State {
        DISABLED,
        RUNNING,
        /** Reset, while namespaces still work on commands. */
        STOPPING,
        /** CSTS.CFS: nothing but a reset helps. */
        FATAL,
        /** Off the bus. */
        GONE
    }

    final EmulatorSettings settings;
    final Reactor reactor;
    final TargetController target;
    final Iommu iommu = new Iommu();
    final HeldCommands held = new HeldCommands();
    final InterruptVectors interrupts;

    /** What to do wrong, or null. */
    FaultRun faults;

    private State state = State.DISABLED;
    private QueueSet queues;
    private AdminQueue admin;
    private CompletionQueue adminCompletions;
    private CommandPath ioPath;
    private long servedNanos;
    private long nextTickNanos;

    /** How often the model is told the time, and so the longest sleep. */
    long tickNanos = TICK_NANOS;

    private boolean shuttingDown;
    private boolean enableWhenStopped;
    private long stopDeadlineNanos;
    private int failures;

    /** How long the next sleep may be, or 0 where doorbells are signalled. */
    private long napNanos;

    /** Whether the device may reach memory of the host at all. */
    private boolean busMaster = true;

    /** The doorbells of whoever has claimed the function, or null. */
    private MemorySegment doorbells;

    private final MemorySegment bitBucket = Arena.ofAuto().allocate(BIT_BUCKET_BYTES, Iommu.PAGE_BYTES);

    private final Consumer<String> onRemovedByFault;

    private volatile int aqa;
    private volatile long asq;
    private volatile long acq;

    EmulatedController(
            EmulatorSettings settings, TargetSubsystem subsystem, Reactor reactor, Consumer<String> onRemovedByFault) {
        this.onRemovedByFault = onRemovedByFault;
        this.settings = settings;
        this.reactor = reactor;
        interrupts = new InterruptVectors(settings.name(), settings.interruptVectors());
        target = subsystem.createController(
                new ControllerSetup(
                        settings.name(),
                        true,
                        EmulatedFunction.IDENTITY.vendorId(),
                        settings.maxQueueEntries(),
                        settings.ioQueuePairs(),
                        settings.doorbellStride(),
                        settings.maxTransferBytes() / Iommu.PAGE_BYTES,
                        settings.shadowDoorbells(),
                        SGLS,
                        true),
                this);
    }

    // The duty cycle.

    @Override
    public int poll(long nowNanos) {
        try {
            return state == State.RUNNING && busMaster ? serve(nowNanos) : idleCycle(nowNanos);
        } catch (RuntimeException | InternalError failure) {
            // A ring or a doorbell page whose memory was closed, or a defect. The device is broken then, its reactor is
            // not.
            LOG.warn("{} stops", settings.name(), failure);
            fail("rings or doorbells cannot be reached: " + failure.getMessage());
            return 1;
        }
    }

    private int serve(long nowNanos) {
        servedNanos = nowNanos;
        int work = admin.serve(nowNanos);
        for (var queue : queues.active) {
            work += queue.serve(nowNanos);
        }
        work += ioPath.poll(nowNanos);
        work += admin.path.poll(nowNanos);
        if (nowNanos - nextTickNanos >= 0) {
            nextTickNanos = nowNanos + tickNanos;
            target.tick(nowNanos);
        }
        if (!held.isEmpty()) {
            work += held.begin(nowNanos);
        }
        if (completionsWait) {
            work += flush();
        }
        if (interrupts.any()) {
            raise();
        }
        if (shuttingDown && queues != null && queues.executing() == 0) {
            shuttingDown = false;
            target.shutdownComplete();
        }
        return work;
    }

    /** Once for all that was posted in this cycle. */
    private void raise() {
        if (state == State.RUNNING) {
            adminCompletions.raise(interrupts);
            queues.raise(interrupts);
        }
    }

    /** Set by completion queues that had no room. */
    boolean completionsWait;

    private int flush() {
        if (state != State.RUNNING) {
            return 0;
        }
        completionsWait = false;
        return adminCompletions.flush() + queues.flush();
    }

    private int idleCycle(long nowNanos) {
        int work = 0;
        if (ioPath != null && queues != null && queues.executing() > 0) {
            work = ioPath.poll(nowNanos);
        }
        if (state == State.STOPPING) {
            if (queues.executing() == 0) {
                stopped();
            } else if (nowNanos - stopDeadlineNanos >= 0) {
                LOG.warn(
                        "{}: {} commands have not ended {} after a reset and are given up",
                        settings.name(),
                        queues.executing(),
                        DRAIN_BOUND);
                stopped();
            }
        }
        return work;
    }

    @Override
    public boolean readyToPark() {
        if (state == State.STOPPING) {
            return false;
        }
        if (state != State.RUNNING || !busMaster) {
            return true;
        }
        queues.arm();
        // Full: the host stores a doorbell, fences and looks at the index; we store the index, fence and look at the
        // doorbell. One of us sees the other.
        VarHandle.fullFence();
        if (admin.hasWork() || queues.hasWork() || admin.path.poll(servedNanos) + ioPath.poll(servedNanos) > 0) {
            queues.hold();
            return false;
        }
        return true;
    }

    @Override
    public void unparked() {
        if (state == State.RUNNING && busMaster) {
            queues.hold();
            if (napNanos != 0) {
                napNanos = admin.hasWork() || queues.hasWork()
                        ? FIRST_NAP_NANOS
                        : Math.min(2 * napNanos, LONGEST_NAP_NANOS);
            }
        }
    }

    @Override
    public long parkLimitNanos(long nowNanos) {
        if (state != State.RUNNING || !busMaster) {
            return Long.MAX_VALUE;
        }
        long limit = Math.min(Math.max(0, nextTickNanos - nowNanos), held.nextDueNanos(nowNanos));
        limit = Math.min(limit, ioPath.parkLimitNanos(nowNanos));
        if (napNanos != 0) {
            return Math.min(limit, napNanos);
        }
        return adminCompletions.waiting() || admin.blocked() || queues.waitsForRoomUnsignalled()
                ? Math.min(limit, ROOM_NANOS)
                : limit;
    }

    // Registers. Reads: any thread. Writes: the reactor.

    int aqa() {
        return aqa;
    }

    long asq() {
        return asq;
    }

    long acq() {
        return acq;
    }

    void aqa(int value) {
        aqa = value;
    }

    void asq(long value) {
        asq = value;
    }

    void acq(long value) {
        acq = value;
    }

    void configure(int cc) {
        target.configure(cc);
    }

    // What the model asks for.

    @Override
    public void enabled() {
        if (state == State.STOPPING) {
            enableWhenStopped = true;
            return;
        }
        if (state != State.DISABLED || doorbells == null) {
            return;
        }
        int pageBytes = new ControllerConfiguration(target.configuration()).pageBytes();
        var path = target.openIoPath(reactor);
        ioPath = path;
        queues = new QueueSet(this, path, doorbells, pageBytes);
        int submissionEntries = Registers.aqaSubmissionEntries(aqa);
        int completionEntries = Registers.aqaCompletionEntries(aqa);
        var submissions = adminRing(asq, (long) submissionEntries * SubmissionEntry.SIZE_BYTES, pageBytes);
        var completions = adminRing(acq, (long) completionEntries * CompletionEntry.SIZE_BYTES, pageBytes);
        if (submissions == null || completions == null || submissionEntries < 2 || completionEntries < 2) {
            fail(String.format(
                    "admin queues: AQA %08Xh, ASQ %Xh, ACQ %Xh: %s",
                    aqa,
                    asq,
                    acq,
                    submissions == null
                            ? "ASQ is not on a page, or not mapped"
                            : completions == null ? "ACQ is not on a page, or not mapped" : "two entries at least"));
            return;
        }
        adminCompletions =
                new CompletionQueue(this, 0, completionEntries, 0, completions, doorbells, settings.doorbellStride());
        adminCompletions.submissionQueues = 1;
        admin = new AdminQueue(
                this,
                submissionEntries,
                submissions,
                adminCompletions,
                hostData(pageBytes),
                target.adminPath(),
                doorbells,
                settings.doorbellStride(),
                queues);
        state = State.RUNNING;
        target.ready();
    }

    private MemorySegment adminRing(long iova, long bytes, int pageBytes) {
        return PrpMath.isPageAligned(iova, pageBytes) ? queues.ring(iova, bytes) : null;
    }

    @Override
    public void reset() {
        if (state == State.GONE) {
            return;
        }
        shuttingDown = false;
        enableWhenStopped = false;
        held.clear();
        if (admin != null) {
            admin.dead = true;
        }
        boolean wait = queues != null && queues.stop() > 0;
        state = State.STOPPING;
        if (wait) {
            stopDeadlineNanos = System.nanoTime() + DRAIN_BOUND.toNanos();
        } else {
            stopped();
        }
    }

    /** Nothing is in flight any more: the end of a reset. */
    private void stopped() {
        closePath();
        queues = null;
        admin = null;
        adminCompletions = null;
        completionsWait = false;
        state = State.DISABLED;
        if (doorbells != null) {
            doorbells.fill((byte) 0);
        }
        target.disabled();
        if (enableWhenStopped) {
            enableWhenStopped = false;
            enabled();
        }
    }

    private void closePath() {
        var path = ioPath;
        ioPath = null;
        if (path != null) {
            try {
                path.close();
            } catch (RuntimeException busy) {
                LOG.warn("{}: a namespace has not let go of host memory", settings.name(), busy);
            }
        }
    }

    @Override
    public void shutdown() {
        if (state == State.RUNNING) {
            shuttingDown = true;
        } else {
            target.shutdownComplete();
        }
    }

    @Override
    public void fatal(String reason) {
        if (state == State.RUNNING) {
            LOG.warn("{}: controller fatal status: {}", settings.name(), reason);
            state = State.FATAL;
            admin.dead = true;
            queues.stop();
        }
    }

    /** CSTS.CFS, for a reason of our own. */
    void fail(String reason) {
        if (state == State.RUNNING) {
            fatal(reason);
        } else if (state == State.DISABLED) {
            LOG.warn("{}: controller fatal status: {}", settings.name(), reason);
            state = State.FATAL;
        }
        target.fatal(reason);
    }

    @Override
    public void wake() {
        reactor.wake();
    }

    @Override
    public void subsystemReset() {
        try {
            reactor.execute(() -> target.configure(new ControllerConfiguration(target.configuration())
                    .withEn(false)
                    .raw()));
        } catch (RejectedExecutionException full) {
            LOG.error("{} is left out of a reset of its subsystem: its reactor has too many tasks", settings.name());
        }
    }

    // From the queues.

    HostData hostData(int pageBytes) {
        return new HostData(iommu, pageBytes, true, bitBucket);
    }

    /** The host stored a value to a doorbell that is none: an asynchronous event; the queue is not used any more. */
    void invalidDoorbell(int information, String what) {
        LOG.warn("{}: invalid doorbell value: {}", settings.name(), what);
        target.event(AsyncEvent.TYPE_ERROR, information, LogPageId.ERROR_INFORMATION);
    }

    /** A command ended by a defect of ours or of a namespace. */
    void commandFailed(SubmissionQueue queue, EmulatedRequest request, Throwable failure) {
        if (++failures <= MAX_LOGGED_FAILURES) {
            LOG.error(
                    "{}: command {} of queue {}, opcode {}, failed",
                    settings.name(),
                    request.cid,
                    queue.qid,
                    request.opc,
                    failure);
        }
    }

    /** Commands that ended by a defect of ours or of a namespace. */
    int failures() {
        return failures;
    }

    /** No command of a queue is with a namespace any more. */
    void idle(SubmissionQueue queue) {
        if (queues != null) {
            queues.idle(queue);
        }
    }

    // From the function: claims, mappings, removal. On the reactor.

    /** Whether somebody wakes the reactor after each doorbell that event indexes ask for. */
    void signalled(boolean signalled) {
        napNanos = signalled ? 0 : FIRST_NAP_NANOS;
    }

    void busMaster(boolean now) {
        busMaster = now;
    }

    void claimed(MemorySegment claimedDoorbells) {
        doorbells = claimedDoorbells;
        aqa = 0;
        asq = 0;
        acq = 0;
    }

    /** The claim ends: a reset, as by the function's reset. {@link #isStopped} tells when it is done. */
    void released() {
        if (state != State.GONE) {
            // Clears CC and all the model keeps for a host, which resets us.
            target.configure(0);
            if (state != State.DISABLED && state != State.STOPPING) {
                reset();
            }
        }
    }

    /** A fault removes the function: at once for the device, and the driver learns of it from another thread. */
    void removedByFault(String reason) {
        gone();
        onRemovedByFault.accept(reason);
    }

    boolean isStopped() {
        return state == State.DISABLED || state == State.GONE && (queues == null || queues.executing() == 0);
    }

    void unclaimed() {
        signalled(true);
        interrupts.clear();
        busMaster = true;
        doorbells = null;
    }

    /** Falls off the bus: answers nothing any more. What namespaces work on ends silently. */
    void gone() {
        if (admin != null) {
            admin.dead = true;
        }
        if (queues != null) {
            queues.stop();
        }
        held.clear();
        state = State.GONE;
    }

    /** What else keeps the device from doing without a region, before it is unmapped: a ring that is lost is fatal. */
    void losing(MemorySegment region) {
        if (state != State.RUNNING) {
            return;
        }
        var use = QueueSet.inside(admin.ring, region)
                ? "admin submission queue"
                : QueueSet.inside(adminCompletions.ring(), region)
                        ? "admin completion queue"
                        : queues.usesForQueues(region);
        if (use == null) {
            return;
        }
        if (new ControllerStatus(target.status()).shst() == ControllerStatus.SHST_COMPLETE) {
            // A host may leave after its shutdown without disabling the controller, as SPDK's does. There is nothing
            // wrong
            // with that, but the rings are gone: nothing is fetched before a reset.
            state = State.FATAL;
            admin.dead = true;
            queues.stop();
        } else {
            fail("the memory of the " + use + " was unmapped");
        }
    }

    boolean usesForData(MemorySegment region) {
        return queues != null && queues.usesForData(region);
    }

    /** The end. */
    void close() {
        closePath();
        target.close();
    }
}
