package io.doorbell.tcp.host;

import io.doorbell.fabrics.auth.DhchapConfig;
import io.doorbell.fabrics.auth.HostKeys;
import io.doorbell.fabrics.host.ConfiguredController;
import io.doorbell.fabrics.host.FabricHostConfig;
import io.doorbell.fabrics.host.FabricHostOptions;
import io.doorbell.nvme.TransportId;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** A controller on another machine for each {@code io.doorbell.tcp.host~NAME.cfg}, registered while it is reached. */
@Component(
        service = {},
        configurationPid = "io.doorbell.tcp.host",
        configurationPolicy = ConfigurationPolicy.REQUIRE,
        immediate = true)
@Designate(ocd = TcpHostComponent.Options.class, factory = true)
public final class TcpHostComponent {
    /** What a file may have. */
    @ObjectClassDefinition(name = "NVMe/TCP initiator", description = "A controller that this node reaches by NVMe/TCP")
    interface Options extends FabricHostConfig, DhchapConfig, Config {}

    public @interface Config {
        @AttributeDefinition(
                name = "Transport id",
                description = "Which controller: trtype:TCP traddr:ADDRESS trsvcid:PORT subnqn:NAME. Empty: none.",
                required = false)
        String trid() default "";

        @AttributeDefinition(
                name = "Header digest",
                description = "Whether a checksum of each header is asked for; the target may not want it")
        boolean header_digest() default false;

        @AttributeDefinition(
                name = "Data digest",
                description = "Whether a checksum of all data is asked for; the target may not want it")
        boolean data_digest() default false;

        @AttributeDefinition(
                name = "Queue entries",
                description = "Entries of an I/O queue at most; the controller may have fewer",
                min = "2",
                max = "16384")
        int queue_entries() default 128;

        @AttributeDefinition(
                name = "Memory",
                description = "MiB of address space for data and connections; pages are taken when they are used",
                min = "8",
                max = "2047")
        int memory_mib() default 1024;

        @AttributeDefinition(
                name = "TLS key",
                description = "File of this host's key for TLS. Empty: nothing is encrypted.",
                required = false)
        String tls_key() default "";
    }

    private final ConfiguredController controller;

    @Activate
    public TcpHostComponent(BundleContext context, FabricHostConfig common, DhchapConfig dhchap, Config config) {
        if (config.trid().isBlank()) {
            controller = null;
            return;
        }
        var id = ConfiguredController.id(TransportId.Type.TCP, config.trid());
        var keys = HostKeys.of(context, dhchap, config.tls_key());
        var options = FabricHostOptions.of(common, config.queue_entries(), keys);
        var settings = new TcpHostSettings(config.header_digest(), config.data_digest(), config.memory_mib());
        var tls = keys.tlsKey() == null ? null : new TcpHostTransport.Tls(keys, options.hostNqn(), id.subnqn());
        controller = new ConfiguredController(context, id, options, () -> new TcpHostTransport(id, settings, tls));
    }

    @Deactivate
    void deactivate() {
        if (controller != null) {
            controller.close();
        }
    }
}
