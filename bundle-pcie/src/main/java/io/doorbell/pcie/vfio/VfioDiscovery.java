package io.doorbell.pcie.vfio;

import io.doorbell.pci.PciFunction;
import io.doorbell.pcie.FunctionServices;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** In a container: a {@link PciFunction} service for each configured function, while vfio-pci has it. */
@Component(
        immediate = true,
        service = {},
        configurationPid = "io.doorbell.pcie.vfio")
@Designate(ocd = VfioDiscovery.Config.class)
public final class VfioDiscovery {
    /** The file {@code config/io.doorbell.pcie.vfio.cfg}. */
    @ObjectClassDefinition(
            name = "PCI functions on a real bus",
            description = "Functions that are driven by VFIO: trtype:PCIE traddr:0000:01:00.0")
    public @interface Config {
        @AttributeDefinition(
                name = "Functions",
                description = "Addresses with commas between, or \"class\": each NVMe controller that is bound to"
                        + " vfio-pci. Only what is bound to vfio-pci is taken. Empty: none.")
        String[] functions() default {};

        @AttributeDefinition(
                name = "Rescan",
                description = "Milliseconds. How often the bus is looked at without news from the kernel.",
                min = "100",
                max = "3600000")
        long rescan_ms() default 10_000;
    }

    private static final Logger LOG = LoggerFactory.getLogger(VfioDiscovery.class);

    private final FunctionServices services;

    /** Null where no function is configured. Guarded by this. */
    private VfioWatch watch;

    @Activate
    public VfioDiscovery(BundleContext context, Config config) {
        services = new FunctionServices(context);
        watch = watch(config, Selection.parse(Arrays.asList(config.functions())));
    }

    /** Takes up another configuration. One that cannot be changes nothing. */
    @Modified
    synchronized void modified(Config config, Map<String, ?> properties) {
        Selection selection;
        try {
            selection = Selection.parse(Arrays.asList(config.functions()));
        } catch (IllegalArgumentException wrong) {
            LOG.error(
                    "configuration {} is not taken up, the functions stay as they are: {}",
                    properties.get(Constants.SERVICE_PID),
                    wrong.getMessage());
            return;
        }
        deactivate();
        watch = watch(config, selection);
    }

    private VfioWatch watch(Config config, Selection selection) {
        if (selection.isEmpty()) {
            return null;
        }
        return new VfioWatch(
                VfioFunctions.ofThisMachine(),
                selection,
                Duration.ofMillis(config.rescan_ms()),
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
