package io.doorbell.pcie;

import io.doorbell.pci.PciFunction;
import java.util.Hashtable;
import java.util.concurrent.ConcurrentHashMap;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;

/** The {@link PciFunction} services of whoever watches for functions: each from when it came to when it went. Any thread. */
public final class FunctionServices {
    private final BundleContext context;
    private final ConcurrentHashMap<PciFunction, ServiceRegistration<PciFunction>> registrations =
            new ConcurrentHashMap<>();

    public FunctionServices(BundleContext context) {
        this.context = context;
    }

    public void came(PciFunction function) {
        registrations.put(function, context.registerService(PciFunction.class, function, new Hashtable<>()));
    }

    /** Returns when everybody has heard of it; the driver has let the function go then. */
    public void went(PciFunction function) {
        var registration = registrations.remove(function);
        if (registration != null) {
            try {
                registration.unregister();
            } catch (IllegalStateException stopped) {
                // This bundle has stopped, and the framework was faster.
            }
        }
    }
}
