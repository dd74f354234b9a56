package io.doorbell.management;

import io.doorbell.host.ControllerState;
import io.doorbell.host.NvmeController;
import io.doorbell.nvme.Version;
import java.util.SortedMap;
import java.util.TreeMap;
import javax.management.MBeanServer;
import javax.management.NotificationBroadcasterSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code io.doorbell:type=Controller,trid="TRID"}, from its making to {@link #close}. Any thread. */
final class ManagedController implements ControllerMXBean, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ManagedController.class);

    private static final int MAX_REASON = 200;

    private final NvmeController controller;
    private final Registration registration;
    private volatile ControllerHealth health = ControllerHealth.UNKNOWN;

    /** @throws IllegalStateException where the MBean server has a controller of this transport id */
    ManagedController(NvmeController controller, MBeanServer server) {
        this.controller = controller;
        this.registration = Registration.of(
                server,
                Registration.name("Controller", "trid", controller.transportId().toString()),
                new DescribedMBean<>(this, ControllerMXBean.class, new NotificationBroadcasterSupport()));
    }

    @Override
    public String getTransportId() {
        return controller.transportId().toString();
    }

    @Override
    public ControllerState getState() {
        return controller.state();
    }

    @Override
    public String getSerial() {
        return controller.info().serial();
    }

    @Override
    public String getModel() {
        return controller.info().model();
    }

    @Override
    public String getFirmware() {
        return controller.info().firmware();
    }

    @Override
    public String getVersion() {
        return new Version(controller.info().version()).toString();
    }

    @Override
    public int getControllerId() {
        return controller.info().controllerId();
    }

    @Override
    public int getMaxTransferBytes() {
        return controller.info().maxTransferBytes();
    }

    @Override
    public int getIoQueuePairs() {
        return controller.info().ioQueuePairs();
    }

    @Override
    public int getMaxQueueEntries() {
        return controller.info().maxQueueEntries();
    }

    @Override
    public boolean isShadowDoorbells() {
        return controller.info().shadowDoorbells();
    }

    @Override
    public SortedMap<Integer, ManagedNamespace> getNamespaces() {
        var namespaces = new TreeMap<Integer, ManagedNamespace>();
        controller.namespaces().forEach(namespace -> namespaces.put(namespace.nsid(), ManagedNamespace.of(namespace)));
        return namespaces;
    }

    @Override
    public ControllerHealth getHealth() {
        return health;
    }

    /** Asks the controller how it does, and waits. Where it does not say, or goes meanwhile, what it said last stays. */
    void readHealth() {
        try {
            if (controller.state() == ControllerState.READY) {
                health = ControllerHealth.read(controller);
            }
        } catch (RuntimeException | LinkageError failed) {
            LOG.debug("{} does not say how it does", registration.name(), failed);
        }
    }

    @Override
    public void reset(String reason) {
        Operation.of("reset " + controller.transportId() + ": " + reason, () -> {
            if (reason == null || reason.isBlank() || reason.length() > MAX_REASON) {
                throw new IllegalArgumentException("reason: 1 to " + MAX_REASON + " characters");
            }
            controller.reset("operator: " + Operation.printable(reason));
        });
    }

    @Override
    public void close() {
        registration.close();
    }
}
