package io.doorbell.driver;

import io.doorbell.host.NvmeController;
import java.util.Hashtable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;

/** Controllers as services of a container. */
public final class ControllerServices {
    private ControllerServices() {}

    /**
     * Registers a controller with its transport id.
     *
     * @return unregisters it, and returns when everybody has heard of it: the resource manager has its leases back then. Null when the
     *     bundle is stopping
     */
    public static Runnable publish(BundleContext context, NvmeController controller) {
        var properties = new Hashtable<String, Object>();
        properties.put(NvmeController.TRID_PROPERTY, controller.transportId().toString());
        try {
            var registration = context.registerService(NvmeController.class, controller, properties);
            return () -> unregister(registration);
        } catch (IllegalStateException stopping) {
            return null;
        }
    }

    private static void unregister(ServiceRegistration<NvmeController> registration) {
        try {
            registration.unregister();
        } catch (IllegalStateException already) {
            // The framework was faster.
        }
    }
}
