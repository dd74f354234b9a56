package io.doorbell.fabrics;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.Status;
import io.doorbell.storage.NvmRequest;
import io.doorbell.target.ControllerEvents;
import io.doorbell.target.HostIdentity;
import io.doorbell.target.TargetController;
import io.doorbell.target.TargetSubsystem;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A controller with the queues of its host. NVMe Base 2.1 §2.2.2 "Message-Based Transport Model", an association.
 *
 * <p>Its queues may be on several reactors. Each is told on its own; nothing here waits for one. Any thread, but for the
 * {@link ControllerEvents}, which come on the admin queue's.
 */
final class Association implements ControllerEvents {

    private final FabricTarget target;
    private final TargetSubsystem subsystem;
    private final HostIdentity host;
    private final FabricQueue admin;
    private final CountDownLatch ended = new CountDownLatch(1);

    /** Set once, before anybody else has this. */
    private TargetController controller;

    /** Likewise: as who the host of every queue has to authenticate itself; null where it need not. */
    private FabricHost authenticates;

    // Guarded by this.
    private final Map<Integer, FabricQueue> queues = new HashMap<>();
    private boolean adminGone;
    private boolean resetting;
    private boolean enableWhenReset;

    private volatile boolean ending;

    Association(FabricTarget target, TargetSubsystem subsystem, HostIdentity host, FabricQueue admin) {
        this.target = target;
        this.subsystem = subsystem;
        this.host = host;
        this.admin = admin;
    }

    void controller(TargetController made) {
        controller = made;
    }

    TargetController controller() {
        return controller;
    }

    void authenticates(FabricHost as) {
        authenticates = as;
    }

    FabricHost authenticates() {
        return authenticates;
    }

    TargetSubsystem subsystem() {
        return subsystem;
    }

    FabricListener listener() {
        return admin.listener();
    }

    HostIdentity host() {
        return host;
    }

    boolean isDiscovery() {
        return subsystem instanceof DiscoverySubsystem;
    }

    /** Whether the controller takes commands. */
    boolean isEnabled() {
        return FabricQueue.isReady(controller.status());
    }

    boolean isEnding() {
        return ending;
    }

    /** Gives an I/O queue its identifier. Returns whether that was free, and the controller takes queues. */
    synchronized boolean attach(int qid, FabricQueue queue) {
        return !ending && !resetting && queues.putIfAbsent(qid, queue) == null;
    }

    /** The keep alive timer as the host set it in Connect. The admin queue's reactor. */
    void keepAlive(int kato) {
        var feature = new NvmRequest() {
            @Override
            public void complete(int status) {}
        };
        feature.opc = AdminOpcode.SET_FEATURES;
        feature.cdw10 = FeatureId.KEEP_ALIVE_TIMER;
        feature.cdw11 = kato;
        var path = controller.adminPath();
        int status = path.admit(feature);
        if (status == Status.SUCCESS) {
            status = path.execute(feature);
        }
        if (status != Status.SUCCESS) {
            target.complaints()
                    .say(this + ": keep alive timeout of " + Integer.toUnsignedString(kato) + " ms: "
                            + new Status(status));
        }
    }

    /** A queue's connection has ended, or it never came to be. On its reactor, or where there is none. */
    void detach(FabricQueue queue) {
        if (queue == admin) {
            controller.adminPath().close();
            synchronized (this) {
                adminGone = true;
            }
            end("its admin queue ended");
        }
        boolean wasReset;
        boolean last;
        synchronized (this) {
            queues.values().remove(queue);
            wasReset = resetting && queues.isEmpty() && !adminGone;
            last = adminGone && queues.isEmpty() && ended.getCount() > 0;
            if (last) {
                ended.countDown();
            }
        }
        if (last) {
            target.forget(this);
            controller.close();
            target.complaints().tell(this + " has ended");
        } else if (wasReset) {
            admin.post(this::resetDone);
        }
    }

    /** Ends every connection. Any thread. */
    void end(String reason) {
        List<FabricQueue> all;
        synchronized (this) {
            if (ending) {
                return;
            }
            ending = true;
            all = new ArrayList<>(queues.values());
            if (!adminGone) {
                all.add(admin);
            }
        }
        all.forEach(queue -> queue.post(() -> queue.connection().disconnect(reason)));
    }

    /** Returns whether it has ended within the bound. */
    boolean awaitEnd(long deadlineNanos) {
        try {
            return ended.await(Math.max(0, deadlineNanos - System.nanoTime()), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    // What the controller asks for.

    @Override
    public void enabled() {
        synchronized (this) {
            if (resetting) {
                enableWhenReset = true;
                return;
            }
        }
        controller.ready();
    }

    /** I/O queues go, each with its connection; the admin queue stays. NVMe Base 2.1 §3.7.2 "Controller Level Reset". */
    @Override
    public void reset() {
        List<FabricQueue> going;
        synchronized (this) {
            enableWhenReset = false;
            if (resetting) {
                return;
            }
            resetting = true;
            going = List.copyOf(queues.values());
        }
        if (going.isEmpty()) {
            resetDone();
        } else {
            going.forEach(queue -> queue.post(() -> queue.connection().disconnect("the controller is reset")));
        }
    }

    private void resetDone() {
        boolean enable;
        synchronized (this) {
            if (!resetting || !queues.isEmpty()) {
                return;
            }
            resetting = false;
            enable = enableWhenReset;
            enableWhenReset = false;
        }
        controller.disabled();
        admin.endPending();
        if (enable) {
            controller.ready();
        }
    }

    @Override
    public void shutdown() {
        List<FabricQueue> busy;
        synchronized (this) {
            busy = List.copyOf(queues.values());
        }
        if (busy.isEmpty()) {
            controller.shutdownComplete();
            return;
        }
        var left = new AtomicInteger(busy.size());
        busy.forEach(queue -> queue.post(() -> queue.whenIdle(() -> {
            if (left.decrementAndGet() == 0) {
                controller.shutdownComplete();
            }
        })));
    }

    /** The host reads of it in CSTS, resets, and tries again; or is ended when it has had time for that. */
    @Override
    public void refused(String reason) {
        admin.refused();
    }

    @Override
    public void fatal(String reason) {
        end(reason);
    }

    @Override
    public void wake() {
        admin.reactor().wake();
    }

    @Override
    public String toString() {
        return "association of " + host.nqn() + " with " + subsystem.nqn() + ", controller "
                + (controller == null ? "none" : controller.controllerId());
    }
}
