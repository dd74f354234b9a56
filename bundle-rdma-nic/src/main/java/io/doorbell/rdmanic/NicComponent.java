package io.doorbell.rdmanic;

import io.doorbell.verbs.VerbsDevice;
import io.doorbell.verbs.VerbsProvider;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.osgi.service.metatype.annotations.Option;

/** A service for each RDMA device of the machine, at each of its addresses. */
@Component(service = NicComponent.class, configurationPid = "io.doorbell.rdma.nic", immediate = true)
@Designate(ocd = NicComponent.Config.class)
public final class NicComponent {
    @ObjectClassDefinition(name = "RDMA NICs", description = "RDMA devices of this machine, through rdma-core")
    @interface Config {
        @AttributeDefinition(
                name = "Devices",
                description = "Names of those that are used, as /sys/class/infiniband has them, with commas between."
                        + " Empty: all",
                required = false)
        String[] devices() default {};

        @AttributeDefinition(
                name = "Engine",
                description =
                        "What carries requests to devices: auto (DiSNI where libdisni.so is, rdma-core where not),"
                                + " disni or panama (rdma-core alone)",
                options = {
                    @Option(label = "auto", value = "auto"),
                    @Option(label = "disni", value = "disni"),
                    @Option(label = "panama", value = "panama")
                })
        String engine() default "auto";
    }

    private final BundleContext context;
    private final NicDevices devices;

    // One thread at a time, as NicDevices says.
    private final Map<NicDevice, ServiceRegistration<VerbsProvider>> services = new HashMap<>();

    @Activate
    public NicComponent(BundleContext context, Config config) {
        this.context = context;
        devices = NicDevices.watch(Engine.named(config.engine()), names(config), this::came, this::gone);
    }

    private static Set<String> names(Config config) {
        return Arrays.stream(config.devices())
                .map(String::strip)
                .filter(name -> !name.isEmpty())
                .collect(Collectors.toSet());
    }

    private void came(NicDevice device) {
        services.put(device, context.registerService(VerbsProvider.class, provider(device), null));
    }

    private static VerbsProvider provider(NicDevice device) {
        return new VerbsProvider() {
            @Override
            public String name() {
                return device.name();
            }

            @Override
            public List<VerbsDevice> devices() {
                return List.of(device);
            }
        };
    }

    /** First the service: who listens at the device lets it go. */
    private void gone(NicDevice device) {
        services.remove(device).unregister();
    }

    @Deactivate
    void deactivate() {
        devices.close();
    }
}
