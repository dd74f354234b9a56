package io.doorbell.rdmahost;

import io.doorbell.fabrics.auth.DhchapConfig;
import io.doorbell.fabrics.auth.HostKeys;
import io.doorbell.fabrics.host.ConfiguredController;
import io.doorbell.fabrics.host.FabricHostConfig;
import io.doorbell.fabrics.host.FabricHostOptions;
import io.doorbell.nvme.TransportId;
import io.doorbell.reactor.Reactors;
import java.net.InetAddress;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** A controller on another machine for each {@code io.doorbell.rdma.host~NAME.cfg}, registered while it is reached. */
@Component(
        service = {},
        configurationPid = "io.doorbell.rdma.host",
        configurationPolicy = ConfigurationPolicy.REQUIRE,
        immediate = true)
@Designate(ocd = RdmaHostComponent.Options.class, factory = true)
public final class RdmaHostComponent {
    /** What a file may have. */
    @ObjectClassDefinition(
            name = "NVMe/RDMA initiator",
            description = "A controller that this node reaches by NVMe/RDMA")
    interface Options extends FabricHostConfig, DhchapConfig, Config {}

    public @interface Config {
        @AttributeDefinition(
                name = "Transport id",
                description = "Which controller: trtype:RDMA traddr:ADDRESS trsvcid:PORT subnqn:NAME. Empty: none.",
                required = false)
        String trid() default "";

        @AttributeDefinition(
                name = "Address",
                description = "Of the RDMA device of this node that it is reached from. Empty: any that fits.",
                required = false)
        String address() default "";

        @AttributeDefinition(
                name = "Reactors",
                description = "Threads that share the connections of the controller",
                min = "1",
                max = "8")
        int reactors() default 1;

        @AttributeDefinition(
                name = "Queue entries",
                description = "Entries of an I/O queue at most; the controller may have fewer",
                min = "2",
                max = "1024")
        int queue_entries() default 128;

        @AttributeDefinition(
                name = "Memory",
                description = "MiB that holders of queue pairs may have for data",
                min = "8",
                max = "65536")
        int memory_mib() default 1024;
    }

    private final VerbsDevices devices;
    private final Runnable lost = this::lost;
    private final ConfiguredController controller;

    @Activate
    public RdmaHostComponent(
            BundleContext context,
            FabricHostConfig common,
            DhchapConfig dhchap,
            Config config,
            @Reference Reactors reactors,
            @Reference VerbsDevices devices) {
        this.devices = devices;
        if (config.trid().isBlank()) {
            controller = null;
            return;
        }
        var id = ConfiguredController.id(TransportId.Type.RDMA, config.trid());
        var keys = HostKeys.of(context, dhchap, "");
        var options = FabricHostOptions.of(common, config.queue_entries(), keys);
        var settings = new RdmaHostSettings(config.reactors(), config.memory_mib());
        var from = address(config.address().strip());
        controller = new ConfiguredController(context, id, options, () -> {
            var device = devices.towards(id, from, lost, options.connectTimeout());
            return new RdmaHostTransport(id, settings, device, reactors);
        });
    }

    private static String address(String text) {
        try {
            return text.isEmpty() ? text : InetAddress.ofLiteral(text).getHostAddress();
        } catch (IllegalArgumentException wrong) {
            throw new IllegalArgumentException("address = " + text + ": an IPv4 or IPv6 address", wrong);
        }
    }

    /** Of the device. */
    private void lost() {
        controller.lost();
    }

    @Deactivate
    void deactivate() {
        if (controller != null) {
            controller.close();
            devices.forget(lost);
        }
    }
}
