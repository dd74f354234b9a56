package io.doorbell.pcie.vfiouser;

import io.doorbell.pci.PciFunction;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Hashtable;
import java.util.concurrent.ConcurrentHashMap;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** In a container: a {@link PciFunction} service while the device of a configured directory answers, again and again. */
@Component(
        immediate = true,
        service = {},
        configurationPid = "io.doorbell.pcie.vfiouser",
        configurationPolicy = ConfigurationPolicy.REQUIRE)
@Designate(ocd = VfioUserDiscovery.Config.class, factory = true)
public final class VfioUserDiscovery {
    /** A file {@code config/io.doorbell.pcie.vfiouser~NAME.cfg}. */
    @ObjectClassDefinition(
            name = "vfio-user device",
            description = "A PCI function in another process, driven over vfio-user: trtype:VFIOUSER traddr:PATH")
    public @interface Config {
        @AttributeDefinition(
                name = "Directory",
                description =
                        "Absolute path of the directory in which the device's socket, \"cntrl\", is. Empty: no device.")
        String path() default "";

        @AttributeDefinition(
                name = "Answer timeout",
                description =
                        "Milliseconds that the device may take to answer a message. One that takes longer is taken"
                                + " for dead.",
                min = "100",
                max = "600000")
        long answer_timeout_ms() default 10_000;

        @AttributeDefinition(
                name = "Reconnect bound",
                description =
                        "Milliseconds. The longest pause between two attempts to reach a device that is not there.",
                min = "20",
                max = "60000")
        long reconnect_ms() default 500;
    }

    private final BundleContext context;
    /** Null where no device is configured. */
    private final VfioUserWatch watch;

    private final ConcurrentHashMap<PciFunction, ServiceRegistration<PciFunction>> registrations =
            new ConcurrentHashMap<>();

    @Activate
    public VfioUserDiscovery(BundleContext context, Config config) {
        this.context = context;
        if (config.path().isBlank()) {
            watch = null;
            return;
        }
        var directory = Path.of(config.path().strip());
        if (!directory.isAbsolute()) {
            throw new IllegalArgumentException("io.doorbell.pcie.vfiouser: path \"" + config.path()
                    + "\" is not absolute, as in /run/doorbell/nvme0");
        }
        watch = new VfioUserWatch(
                directory.normalize(),
                Duration.ofMillis(config.answer_timeout_ms()),
                Duration.ofMillis(config.reconnect_ms()),
                this::came,
                this::went);
    }

    private void came(VfioUserFunction function) {
        registrations.put(function, context.registerService(PciFunction.class, function, new Hashtable<>()));
    }

    private void went(VfioUserFunction function) {
        var registration = registrations.remove(function);
        if (registration != null) {
            try {
                // Returns when everybody has heard of it; the driver has let the function go then.
                registration.unregister();
            } catch (IllegalStateException stopped) {
                // This bundle has stopped, and the framework was faster.
            }
        }
    }

    @Deactivate
    void deactivate() {
        if (watch != null) {
            watch.close();
        }
    }
}
