package io.doorbell.pcie.vfiouser;

import io.doorbell.pci.PciFunction;
import io.doorbell.pcie.FunctionServices;
import io.doorbell.vfiouser.DeviceDirectory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

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

    private static final Logger LOG = LoggerFactory.getLogger(VfioUserDiscovery.class);

    private final FunctionServices services;

    /** Null where no device is configured. Guarded by this. */
    private VfioUserWatch watch;

    @Activate
    public VfioUserDiscovery(BundleContext context, Config config) {
        services = new FunctionServices(context);
        watch = watch(config, DeviceDirectory.parse(config.path()));
    }

    /** Takes up another configuration. One that cannot be changes nothing. */
    @Modified
    synchronized void modified(Config config, Map<String, ?> properties) {
        Path directory;
        try {
            directory = DeviceDirectory.parse(config.path());
        } catch (IllegalArgumentException wrong) {
            LOG.error(
                    "configuration {} is not taken up, the device stays as it is: {}",
                    properties.get(Constants.SERVICE_PID),
                    wrong.getMessage());
            return;
        }
        deactivate();
        watch = watch(config, directory);
    }

    private VfioUserWatch watch(Config config, Path directory) {
        if (directory.toString().isEmpty()) {
            return null;
        }
        return new VfioUserWatch(
                directory,
                Duration.ofMillis(config.answer_timeout_ms()),
                Duration.ofMillis(config.reconnect_ms()),
                services::came,
                services::went);
    }

    @Deactivate
    synchronized void deactivate() {
        if (watch != null) {
            watch.close();
            watch = null;
        }
    }
}
