package io.doorbell.fabrics.host;

import io.doorbell.driver.AdminQueue;
import io.doorbell.driver.AdminThread;
import io.doorbell.driver.DriverController;
import io.doorbell.driver.DriverQueuePairControl;
import io.doorbell.driver.OwnedQueuePair;
import io.doorbell.driver.QueuePairParts;
import io.doorbell.driver.QueuePairSet;
import io.doorbell.driver.RunningController;
import io.doorbell.driver.TrackedQueuePair;
import io.doorbell.host.CommandTimeout;
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
import java.lang.foreign.Arena;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An NVMe controller over a network. {@link #open} makes it and brings it up; {@link #close} shuts it down. Control plane: any thread.
 *
 * <p>A connection that ends, or a target that falls silent, is the loss of the controller: everything in flight ends as aborted, all
 * queue pairs are lost, and a new controller of the same subsystem takes the place of the lost one as soon as there is one. When that
 * takes longer than the configured bound, the state is FAILED, and whoever opened it is told.
 */
public final class FabricController extends DriverController {
    private static final Logger LOG = LoggerFactory.getLogger(FabricController.class);

    private final HostTransport transport;
    private final FabricHostOptions options;
    private final Runnable lost;
    private final Map<TrackedQueuePair, HostConnection> connections = new ConcurrentHashMap<>();
    private final CountDownLatch closing = new CountDownLatch(1);

    /** That of the latest bring-up, which may go on. Written under the lifecycle lock. */
    private volatile Way way = new Way();

    // Guarded by the lifecycle lock.
    private boolean closed;
    private boolean reconnecting;

    /** Beside what {@link #running} says. */
    private volatile FabricBringUp.Running latest;

    /** The way to one controller, from its admin connection on. */
    private static final class Way {
        /** Why it is gone; null while it is there, or when a reset was asked for. */
        private volatile String lost;

        private synchronized boolean lose(String reason) {
            if (lost != null) {
                return false;
            }
            lost = reason;
            return true;
        }
    }

    private FabricController(HostTransport transport, TransportId id, FabricHostOptions options, Runnable lost) {
        super(id, id.traddr() + ":" + id.trsvcid() + "/" + id.subnqn(), options.adminTimeout());
        this.transport = transport;
        this.options = options;
        this.lost = lost;
    }

    /**
     * Connects, and brings the controller up. Takes as long as the target does, within bounds.
     *
     * @param transport closed with the controller, or when this throws
     * @param id with the name of a subsystem
     * @param lost called once, on a control thread, when the controller was lost for longer than it is tried to reach it
     * @throws NvmeException when there is no such controller, or it cannot be driven
     */
    public static FabricController open(
            HostTransport transport, TransportId id, FabricHostOptions options, Runnable lost) {
        if (id.subnqn().isEmpty()) {
            transport.close();
            throw new IllegalArgumentException(id + ": subnqn: is missing; ./doorbell discover tells what there is");
        }
        var controller = new FabricController(transport, id, options, lost);
        try {
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
            bringUp();
            changeState(ControllerState.READY, "brought up");
        } finally {
            lifecycle.unlock();
        }
    }

    // ------ bring-up, loss, end

    /** Under the lifecycle lock. */
    private void bringUp() {
        long startNanos = System.nanoTime();
        var made = new Way();
        way = made;
        var up = new FabricBringUp(transport, transportId(), options, name).run(new FabricBringUp.Parts() {
            @Override
            public AdminThread startThread(AdminQueue queue, HostConnection connection) {
                return new AdminThread(
                        "nvme-" + name, queue, clock, connection.sign(), () -> {}, () -> lookAfter(queue));
            }

            @Override
            public void adminQueueFailed(String reason) {
                wayLost(made, reason);
            }
        });
        latest = up;
        runs(up.common());
        if (made.lost != null) {
            // Before anybody could see what ran.
            requestReset(made.lost);
        }
        var found = info();
        LOG.info(
                "{}: {} {} (serial {}, NVMe {}), controller {}, {} namespaces, {} queue pairs of {} entries, transfers of"
                        + " {} KiB, {} bytes in capsules, up in {} ms",
                name,
                found.model(),
                found.firmware(),
                found.serial(),
                new Version(found.version()),
                found.controllerId(),
                namespaces().size(),
                found.ioQueuePairs(),
                found.maxQueueEntries(),
                found.maxTransferBytes() / 1024,
                up.inCapsuleBytes(),
                (System.nanoTime() - startNanos) / 1_000_000);
    }

    private void lookAfter(AdminQueue queue) {
        var now = running();
        if (now != null && now.admin() == queue) {
            keepAlive();
        }
    }

    @Override
    protected boolean isResettable() {
        return !closed;
    }

    @Override
    protected boolean restart(RunningController seen, String reason) {
        takeDown(reason, false);
        try {
            bringUp();
            return true;
        } catch (RuntimeException e) {
            // Not only what the target did: descriptors may be short, and that passes too.
            LOG.warn(
                    "{} is not reached, and tried again every {} ms for {} s: {}",
                    name,
                    options.reconnectDelay().toMillis(),
                    options.lossTimeout().toSeconds(),
                    e.getMessage());
            if (!reconnecting) {
                reconnecting = true;
                Thread.ofVirtual().name("nvme-" + name + "-reconnect").start(this::reconnect);
            }
            return false;
        }
    }

    /** Until it is there again, or closed, or for as long as it is tried. */
    private void reconnect() {
        long deadline = System.nanoTime() + options.lossTimeout().toNanos();
        String said = null;
        while (!closedWithin(options.reconnectDelay())) {
            lifecycle.lock();
            try {
                if (closed || running() != null) {
                    reconnecting = false;
                    return;
                }
                bringUp();
                reconnecting = false;
                changeState(ControllerState.READY, "reached again");
                return;
            } catch (RuntimeException e) {
                var why = String.valueOf(e.getMessage());
                if (!why.equals(said)) {
                    said = why;
                    LOG.info("{} is not reached yet: {}", name, said);
                }
                if (System.nanoTime() - deadline >= 0) {
                    reconnecting = false;
                    changeState(
                            ControllerState.FAILED,
                            "not reached within " + options.lossTimeout().toSeconds() + " s");
                    break;
                }
            } finally {
                lifecycle.unlock();
            }
        }
        if (state() == ControllerState.FAILED) {
            LOG.error(
                    "{} is given up: not reached for {} s: {}",
                    name,
                    options.lossTimeout().toSeconds(),
                    said);
            lost.run();
        }
    }

    private boolean closedWithin(Duration pause) {
        try {
            return closing.await(pause.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    /** Ends everything that goes through the controller. Under the lifecycle lock. */
    private void takeDown(String reason, boolean shutdown) {
        queuePairSet.disconnect(reason);
        var was = stops();
        if (was != null && shutdown && way.lost == null) {
            shutDown(was);
        }
        if (was != null) {
            was.admin().fail(reason);
            was.thread().close();
        }
        // The target reaches nothing of a connection that has ended; what it may yet do is execute what it has.
        connections.values().forEach(HostConnection::shutdown);
        queuePairSet.endAll(new OwnedQueuePair.Ending(
                reason, way.lost == null ? Status.ABORTED_BY_HOST : Status.HOST_PATHING_ERROR));
        if (was != null) {
            was.admin().close();
        }
    }

    private void shutDown(RunningController was) {
        var bound = FabricBringUp.shutdownBound(was);
        try {
            if (!latest.properties().shutdown(bound)) {
                LOG.warn("{} did not complete its shutdown within {} ms", name, bound.toMillis());
            }
        } catch (NvmeException e) {
            LOG.debug("{}", e.getMessage());
        }
    }

    private void wayLost(Way which, String reason) {
        if (which.lose(reason) && which == way && running() != null) {
            requestReset(reason);
        }
    }

    @Override
    protected void unreachable(RunningController seen, String reason) {
        var now = way;
        if (running() == seen) {
            wayLost(now, reason);
        }
    }

    @Override
    public void close() {
        // Before the lock: whoever holds it may be waiting for the target.
        closing.countDown();
        var now = running();
        if (now != null && way.lost != null) {
            now.admin().fail("the initiator closes the controller");
        }
        lifecycle.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            var before = state();
            changeState(ControllerState.REMOVED, "the initiator closes it");
            takeDown("the initiator closes the controller", before == ControllerState.READY);
            queuePairSet.endForGood(
                    new OwnedQueuePair.Ending("the initiator closes the controller", Status.HOST_PATHING_ERROR));
            transport.close();
            LOG.info("{} is closed", name);
        } finally {
            lifecycle.unlock();
            endThreads();
        }
    }

    // ------ queue pairs

    @Override
    protected QueuePairControl makeQueuePair(RunningController now, QueuePairOptions wanted, Arena arena) {
        var up = latest;
        var info = now.info();
        int queueId = queuePairSet.takeId(info.ioQueuePairs(), wanted.label());
        HostConnection connection = null;
        try {
            int entries = Math.min(wanted.queueEntries(), info.maxQueueEntries());
            connection = transport.connect(queueId, up.controllerId(), entries, options.connectTimeout());
            up.connect().io(connection, queueId, entries, up.controllerId());
            var parts = new QueuePairParts(
                    queueId,
                    entries,
                    name + " queue pair " + queueId + " (" + wanted.label() + ")",
                    null,
                    queuePairSet.formats(),
                    info.maxTransferBytes(),
                    wanted.handler(),
                    clock,
                    wanted.path()
                            .timeout()
                            .orElseGet(() ->
                                    new CommandTimeout(options.ioTimeout(), CommandTimeout.Action.ABORT_THEN_RESET)),
                    QueuePairSet.ABORT_MILLIS,
                    wanted.path().interrupt().orElse(null),
                    now.retry(),
                    wanted.path().injected(),
                    queuePairHost(now));
            var pair = connection.queuePair(parts, arena, up.inCapsuleBytes());
            clock.notices(parts);
            connections.put(pair, connection);
            var used = connection;
            return queuePairSet.add(pair, () -> end(pair, used, up), queueAdmin(), () -> {});
        } catch (RuntimeException failed) {
            if (connection != null) {
                connection.close();
            }
            queuePairSet.giveBackId(queueId);
            throw failed;
        }
    }

    /** Fenced. */
    private void end(TrackedQueuePair pair, HostConnection connection, FabricBringUp.Running up) {
        boolean orderly = up.disconnects() && !pair.isEnded() && pair.inFlight() == 0;
        connection.close(orderly);
        connections.remove(pair);
    }

    @Override
    protected void deleteQueues(RunningController now, TrackedQueuePair queuePair, Duration bound) {
        // Of one that is at rest the end can be told in good order, when its owner cannot be in it any more.
        var connection = connections.get(queuePair);
        if (connection != null && queuePair.inFlight() > 0) {
            ((FabricQueuePair<?>) queuePair).shut();
            connection.shutdown();
        }
    }

    @Override
    protected void released(DriverQueuePairControl queuePair) {
        queuePairSet.release(queuePair);
    }

    // ------ what it says of itself

    @Override
    protected boolean isOurs(NvmCommand command) {
        return command.opc == AdminOpcode.FABRICS || command.opc == AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST;
    }

    @Override
    public long property(int offset, int bytes) {
        requireRunning("reading a property");
        return latest.properties().get(offset, bytes);
    }

    @Override
    protected boolean awaitProcessing(Duration bound) {
        return latest.properties().awaitProcessing(bound);
    }

    @Override
    public DmaAllocation allocateDma(long bytes, Arena arena) {
        if (state() == ControllerState.REMOVED) {
            throw new NvmeException(
                    NvmeException.Kind.GIVE_UP, name + ", allocating DMA memory", "the controller is " + state());
        }
        return transport.allocateDma(bytes, arena);
    }
}
