package io.doorbell.management;

import io.doorbell.host.NvmeController;
import java.lang.management.ManagementFactory;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.management.MBeanServer;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Has an MBean for each controller there is. Controllers come and go on any thread. */
@Component(service = {})
public final class ControllerManagement {
    private static final Logger LOG = LoggerFactory.getLogger(ControllerManagement.class);

    private final MBeanServer server = ManagementFactory.getPlatformMBeanServer();
    private final Map<NvmeController, ManagedController> beans = new ConcurrentHashMap<>();

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void addController(NvmeController controller) {
        try {
            beans.put(controller, new ManagedController(controller, server));
        } catch (IllegalStateException e) {
            LOG.error("the controller {} has no MBean: {}", controller.transportId(), e.getMessage());
        }
    }

    void removeController(NvmeController controller) {
        var bean = beans.remove(controller);
        if (bean != null) {
            bean.close();
        }
    }

    /** Declarative Services takes the controllers away after this, one by one. */
    @Deactivate
    void deactivate() {
        beans.values().forEach(ManagedController::close);
    }
}
