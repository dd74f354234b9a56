package io.doorbell.management;

import io.doorbell.host.ControllerListener;
import io.doorbell.host.ControllerState;
import io.doorbell.host.NvmeController;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import javax.management.MBeanServer;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Has an MBean for each controller there is, and asks each now and then how it does. Controllers come and go on any thread. */
@Component(service = ControllerManagement.class)
public final class ControllerManagement {
    private static final Logger LOG = LoggerFactory.getLogger(ControllerManagement.class);

    private static final Duration HEALTH_INTERVAL = Duration.ofSeconds(30);

    private static final int MAX_LOST = 256;

    private final MBeanServer server = ManagementFactory.getPlatformMBeanServer();
    private final Map<NvmeController, ManagedController> beans = new ConcurrentHashMap<>();
    /** Controllers that went without their driver's being stopped, and why. */
    private final Map<String, String> lost = new ConcurrentHashMap<>();

    private final ManagedEvents events;
    private final Thread looking;
    private final ControllerListener listener = new ControllerListener() {
        @Override
        public void stateChanged(NvmeController controller, ControllerState state, String reason) {
            if (state == ControllerState.REMOVED && lost.size() < MAX_LOST) {
                lost.put(controller.transportId().toString(), String.valueOf(reason));
            }
            tell(controller, state, reason);
        }

        @Override
        public void namespacesChanged(NvmeController controller) {
            events.tell(
                    "namespaces.changed",
                    controller.transportId().toString(),
                    controller.namespaces().size() + " namespaces");
        }
    };

    @Activate
    public ControllerManagement(@Reference NodeManagement node) {
        events = node.events();
        looking = Thread.ofVirtual().name("controller-health").start(this::look);
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void addController(NvmeController controller) {
        try {
            var bean = new ManagedController(controller, server);
            beans.put(controller, bean);
            lost.remove(bean.getTransportId());
            controller.addListener(listener);
            tell(controller, controller.state(), "it is here");
            Thread.ofVirtual().name("controller-health-first").start(bean::readHealth);
        } catch (IllegalStateException e) {
            LOG.error("the controller {} has no MBean: {}", controller.transportId(), e.getMessage());
        }
    }

    void removeController(NvmeController controller) {
        var bean = beans.remove(controller);
        if (bean != null) {
            controller.removeListener(listener);
            bean.close();
            tell(controller, ControllerState.REMOVED, "its driver lets it go");
        }
    }

    private void tell(NvmeController controller, ControllerState state, String reason) {
        events.tell(
                "controller." + state.name().toLowerCase(Locale.ROOT),
                controller.transportId().toString(),
                String.valueOf(reason));
    }

    private void look() {
        try {
            while (true) {
                Thread.sleep(HEALTH_INTERVAL);
                beans.values().forEach(ManagedController::readHealth);
            }
        } catch (InterruptedException ended) {
            // The component goes.
        }
    }

    /** What there is, by transport id. */
    SortedMap<String, ManagedController> controllers() {
        var all = new TreeMap<String, ManagedController>();
        for (var bean : beans.values()) {
            TargetServices.ask(bean::getTransportId).ifPresent(trid -> all.put(trid, bean));
        }
        return all;
    }

    /** Those that are gone and did not come again, by transport id, and why. */
    Map<String, String> lost() {
        return new TreeMap<>(lost);
    }

    /** Declarative Services takes the controllers away after this, one by one. */
    @Deactivate
    void deactivate() {
        looking.interrupt();
        beans.forEach((controller, bean) -> {
            controller.removeListener(listener);
            bean.close();
        });
    }
}
