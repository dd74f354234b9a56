package io.doorbell.pcie;

import io.doorbell.driver.AdminQueue;
import io.doorbell.driver.AdminThread;
import io.doorbell.driver.DriverController;
import io.doorbell.driver.DriverQueuePairControl;
import io.doorbell.driver.OwnedQueuePair;
import io.doorbell.driver.RunningController;
import io.doorbell.driver.TrackedQueuePair;
import io.doorbell.host.ControllerState;
import io.doorbell.host.DmaAllocation;
import io.doorbell.host.NvmCommand;
import io.doorbell.host.QueuePairControl;
import io.doorbell.host.QueuePairOptions;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.TransportId;
import io.doorbell.nvme.Version;
import io.doorbell.pci.PciAccess;
import io.doorbell.pci.PciFunction;
import io.doorbell.platform.EventFd;
import java.lang.foreign.Arena;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An NVMe controller behind a PCI function. {@link #open} brings it up; {@link #close} shuts it down and ends the claim of
 * the function. Control plane: any thread.
 *
 * <p>The admin thread reads CSTS and takes events; the PCI function reports its removal.
 */
public final class PcieController extends DriverController {
    private static final Logger LOG = LoggerFactory.getLogger(PcieController.class);

    private static final String DRIVER = "bundle-pcie";

    // What some devices need, see Quirk.
    private static final Duration FIRST_PAUSE = Duration.ofSeconds(2);
    private static final Duration DISABLE_PAUSE = Duration.ofMillis(2_500);
    private static final Duration QUEUE_PAUSE = Duration.ofNanos(100_000);

    private static final Duration SHORTEST_SHUTDOWN_BOUND = Duration.ofSeconds(1);
    private static final Duration LONGEST_SHUTDOWN_BOUND = Duration.ofSeconds(10);

    private final PciAccess access;
    private final PcieOptions options;
    private final Set<Quirk> quirks;
    private final ControllerRegisters registers;
    private final InterruptVectors vectors;
    private final QueuePairs queuePairs;
    private final DmaPool dma;
    private final AtomicBoolean leaving = new AtomicBoolean();

    // Guarded by the lifecycle lock.
    private DoorbellBuffers shadows;
    private boolean claimed = true;
    private boolean closed;

    /** Beside what {@link #running} says. */
    private BringUp.Running latest;

    /** That of the latest bring-up, which may go on. Written under the lifecycle lock. */
    private volatile AdminQueue latestQueue;

    private PcieController(PciAccess access, TransportId id, PcieOptions options, Set<Quirk> quirks) {
        super(id, id.traddr(), options.adminTimeout());
        this.quirks = quirks;
        this.access = access;
        this.options = options;
        var pause = quirks.contains(Quirk.READY_TOO_SOON) ? DISABLE_PAUSE : Duration.ZERO;
        registers = new ControllerRegisters(access, name, options.readyTimeout(), pause);
        vectors = new InterruptVectors(access, name);
        var queuePause = quirks.contains(Quirk.NEEDS_TIME_FOR_QUEUES) ? QUEUE_PAUSE : Duration.ZERO;
        queuePairs = new QueuePairs(queuePairSet, access, name, clock, options, vectors, queuePause, queueAdmin());
        dma = new DmaPool(access, name, options.maxDmaBytes());
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
    protected boolean isOurs(NvmCommand command) {
        return switch (command.opc) {
            case AdminOpcode.CREATE_IO_COMPLETION_QUEUE,
                    AdminOpcode.CREATE_IO_SUBMISSION_QUEUE,
                    AdminOpcode.DELETE_IO_COMPLETION_QUEUE,
                    AdminOpcode.DELETE_IO_SUBMISSION_QUEUE,
                    AdminOpcode.DOORBELL_BUFFER_CONFIG,
                    AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST -> true;
            default -> false;
        };
    }

    @Override
    public long property(int offset, int bytes) {
        return registers.property(offset, bytes);
    }

    @Override
    protected QueuePairControl makeQueuePair(RunningController now, QueuePairOptions wanted, Arena arena) {
        return queuePairs.create(latest, wanted, arena, queuePairHost(now));
    }

    @Override
    protected void deleteQueues(RunningController now, TrackedQueuePair queuePair, Duration bound) {
        queuePairs.delete(now.admin(), queuePair, bound);
    }

    @Override
    protected void released(DriverQueuePairControl queuePair) {
        queuePairs.release(queuePair);
    }

    @Override
    public DmaAllocation allocateDma(long bytes, Arena arena) {
        if (state() == ControllerState.REMOVED) {
            throw new NvmeException(
                    NvmeException.Kind.GIVE_UP, name + ", allocating DMA memory", "the controller is " + state());
        }
        return dma.allocate(bytes, arena);
    }

    // ------ bring-up, reset, end

    /** Under the lifecycle lock. */
    private void bringUp() {
        var up = new BringUp(access, registers, options, quirks, name).run(new BringUp.Parts() {
            @Override
            public AdminThread startThread(PcieAdminQueue queue) {
                latestQueue = queue;
                if (state() == ControllerState.REMOVED) {
                    // Whoever said so may not have seen it.
                    queue.fail("the controller is gone");
                }
                return adminThread(queue);
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
        latest = up;
        runs(up.common());
    }

    private AdminThread adminThread(PcieAdminQueue queue) {
        var sign = options.adminInterrupts() && vectors.count() > 0 ? EventFd.create() : null;
        var use = sign == null ? null : vectors.takeAdmin(sign);
        if (use == null && sign != null) {
            sign.close();
        }
        Runnable ended = use == null
                ? () -> {}
                : () -> {
                    vectors.giveBack(use);
                    sign.close();
                };
        return new AdminThread("nvme-" + name, queue, clock, use == null ? null : sign, ended, () -> lookAfter(queue));
    }

    @Override
    protected boolean isResettable() {
        return claimed;
    }

    @Override
    protected boolean restart(RunningController seen, String reason) {
        long startNanos = System.nanoTime();
        takeDown("reset: " + reason, false);
        bringUp();
        logReady(System.nanoTime() - startNanos);
        return true;
    }

    @Override
    public void resetSubsystem(String reason) {
        if (!registers.cap().nssrs()) {
            throw new NvmeException(
                    NvmeException.Kind.GIVE_UP, name + ", NVM subsystem reset", "CAP.NSSRS does not offer it");
        }
        var seen = running();
        LOG.warn("the NVM subsystem of {} is being reset: {}", name, reason);
        registers.resetSubsystem();
        reset(seen, "NVM subsystem reset: " + reason);
    }

    /**
     * Disables the controller, and ends everything that went through it. When this returns, normally or not, the device
     * reaches no memory of ours.
     */
    private void takeDown(String reason, boolean shutdown) {
        queuePairSet.disconnect(reason);
        var was = stops();
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
            queuePairs.endAll(new OwnedQueuePair.Ending(
                    reason, access.removed() ? Status.HOST_PATHING_ERROR : Status.ABORTED_BY_HOST));
            if (was != null) {
                was.admin().close();
            }
        }
    }

    private void shutdown(RunningController was) {
        if (was == null || state() == ControllerState.FAILED || access.removed()) {
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
        queuePairs.endForGood(new OwnedQueuePair.Ending("removed: " + reason, Status.HOST_PATHING_ERROR));
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
            var before = state();
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
            endThreads();
        }
    }

    // ------ watching

    /** A few times a second, on the admin thread: must not block. */
    private void lookAfter(AdminQueue queue) {
        var now = running();
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
            keepAlive();
        }
    }

    @Override
    protected boolean awaitProcessing(Duration bound) {
        return registers.awaitProcessing(bound);
    }

    @Override
    protected void unreachable(RunningController seen, String reason) {
        // Once: the owner may go on ringing until its queue pair has ended.
        if (leaving.compareAndSet(false, true)) {
            Thread.ofVirtual().name("nvme-" + name + "-unreachable").start(() -> removed(reason));
        }
    }

    private void logReady(long nanos) {
        var found = info();
        LOG.info(
                "{}: {} {} (serial {}, NVMe {}), {} namespaces, {} queue pairs of {} entries, transfers of {} KiB, {},"
                        + " up in {} ms",
                name,
                found.model(),
                found.firmware(),
                found.serial(),
                new Version(found.version()),
                namespaces().size(),
                found.ioQueuePairs(),
                found.maxQueueEntries(),
                found.maxTransferBytes() / 1024,
                found.shadowDoorbells() ? "shadow doorbells" : "no shadow doorbells",
                nanos / 1_000_000);
    }

    private static Duration longer(Duration a, Duration b) {
        return a.compareTo(b) >= 0 ? a : b;
    }

    private static Duration shorter(Duration a, Duration b) {
        return a.compareTo(b) <= 0 ? a : b;
    }
}
