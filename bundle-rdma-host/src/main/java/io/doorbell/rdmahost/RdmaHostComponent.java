package io.doorbell.rdmahost;

import io.doorbell.driver.ControllerKeeper;
import io.doorbell.driver.ControllerServices;
import io.doorbell.driver.DriverController;
import io.doorbell.fabrics.host.FabricController;
import io.doorbell.fabrics.host.FabricHostOptions;
import io.doorbell.fabrics.host.HostKeys;
import io.doorbell.fabrics.host.HostName;
import io.doorbell.nvme.TransportId;
import io.doorbell.reactor.Reactors;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A controller on another machine for each {@code io.doorbell.rdma.host~NAME.cfg}, registered while it is reached. */
@Component(
        service = {},
        configurationPid = "io.doorbell.rdma.host",
        configurationPolicy = ConfigurationPolicy.REQUIRE,
        immediate = true)
@Designate(ocd = RdmaHostComponent.Config.class, factory = true)
public final class RdmaHostComponent {
    private static final Logger LOG = LoggerFactory.getLogger(RdmaHostComponent.class);

    @ObjectClassDefinition(
            name = "NVMe/RDMA initiator",
            description = "A controller that this node reaches by NVMe/RDMA")
    public @interface Config {
        @AttributeDefinition(
                name = "Transport id",
                description = "Which controller: trtype:RDMA traddr:ADDRESS trsvcid:PORT subnqn:NAME. Empty: none.",
                required = false)
        String trid() default "";

        @AttributeDefinition(
                name = "Host identifier",
                description = "UUID that names this host to controllers. Empty: one made of /etc/machine-id.",
                required = false)
        String host_id() default "";

        @AttributeDefinition(
                name = "Host NQN",
                description = "Qualified name of this host. Empty: nqn.2014-08.org.nvmexpress:uuid:HOST-ID",
                required = false)
        String host_nqn() default "";

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
                name = "Queue pairs",
                description = "Queue pairs asked of the controller, a connection each; it may grant fewer",
                min = "1",
                max = "65534")
        int queue_pairs() default 128;

        @AttributeDefinition(
                name = "Longest transfer",
                description = "KiB. Longer reads and writes are split. Controllers may set a lower limit (MDTS).",
                min = "4",
                max = "2048")
        int max_transfer_kib() default 1024;

        @AttributeDefinition(
                name = "Memory",
                description = "MiB that holders of queue pairs may have for data",
                min = "8",
                max = "65536")
        int memory_mib() default 1024;

        @AttributeDefinition(
                name = "Keep alive",
                description =
                        "Milliseconds that either side may be silent before the other takes it for gone; 0 for ever",
                min = "0",
                max = "3600000")
        int keep_alive_ms() default 10_000;

        @AttributeDefinition(
                name = "Admin timeout",
                description = "Milliseconds. An admin command that takes longer is aborted; if that does not help, the"
                        + " controller is connected to anew.",
                min = "100",
                max = "600000")
        int admin_timeout_ms() default 10_000;

        @AttributeDefinition(
                name = "I/O timeout",
                description = "Milliseconds. The same for reads, writes and their kin. 0 waits for ever.",
                min = "0",
                max = "600000")
        int io_timeout_ms() default 30_000;

        @AttributeDefinition(
                name = "Retries of I/O",
                description =
                        "Times that a command is given to a controller again which says that this may help. 0: never.",
                min = "0",
                max = "255")
        int io_retries() default 4;

        @AttributeDefinition(
                name = "Connect timeout",
                description = "Milliseconds that a connection may take until it is a queue",
                min = "100",
                max = "600000")
        int connect_timeout_ms() default 5_000;

        @AttributeDefinition(
                name = "Reconnect delay",
                description = "Milliseconds between two attempts to reach a controller that was lost",
                min = "10",
                max = "600000")
        int reconnect_delay_ms() default 2_000;

        @AttributeDefinition(
                name = "Loss timeout",
                description =
                        "Seconds. A controller that was lost for so long is gone for its users, who wait until then; it"
                                + " is still looked for.",
                min = "0",
                max = "86400")
        int loss_timeout_s() default 600;

        @AttributeDefinition(
                name = "Key",
                description = "File of this host's key for DH-HMAC-CHAP. Empty: it has none.",
                required = false)
        String dhchap_key() default "";

        @AttributeDefinition(
                name = "Key of the controller",
                description = "File of the key that the controller has to know. Empty: it is not asked.",
                required = false)
        String dhchap_controller_key() default "";

        @AttributeDefinition(
                name = "Hash functions",
                description = "sha256, sha384, sha512: those that may be used, the best first",
                required = false)
        String[] dhchap_hashes() default {"sha512", "sha384", "sha256"};

        @AttributeDefinition(
                name = "Groups",
                description = "null, ffdhe2048 to ffdhe8192: those that may be used, the best first",
                required = false)
        String[] dhchap_groups() default {"ffdhe3072", "ffdhe4096", "ffdhe6144", "ffdhe8192", "ffdhe2048"};
    }

    /** Framework property: the node's home. */
    private static final String HOME_PROPERTY = "doorbell.home";

    private final BundleContext context;
    private final Reactors reactors;
    private final VerbsDevices devices;
    private final Runnable lost = this::lost;
    private final ControllerKeeper keeper;

    @Activate
    public RdmaHostComponent(
            BundleContext context, Config config, @Reference Reactors reactors, @Reference VerbsDevices devices) {
        this.context = context;
        this.reactors = reactors;
        this.devices = devices;
        if (config.trid().isBlank()) {
            keeper = null;
            return;
        }
        var id = TransportId.parse(config.trid()).withoutNamespace();
        if (id.trtype() != TransportId.Type.RDMA || id.subnqn().isEmpty()) {
            throw new IllegalArgumentException(
                    "trid = " + config.trid()
                            + ": trtype:RDMA traddr:ADDRESS trsvcid:PORT subnqn:NAME is needed; ./doorbell discover tells names");
        }
        var options = options(config).withKeys(keys(context, config));
        var settings = new RdmaHostSettings(config.reactors(), config.memory_mib());
        LOG.debug("{} is to be reached as {}", id, options.hostNqn());
        var patience = new ControllerKeeper.Patience(
                Duration.ofMillis(Math.min(100, config.reconnect_delay_ms())), options.reconnectDelay(), 0, true);
        var from = address(config.address().strip());
        keeper = new ControllerKeeper(id.toString(), () -> open(id, options, settings, from), this::publish, patience);
    }

    private static String address(String text) {
        try {
            return text.isEmpty() ? text : InetAddress.ofLiteral(text).getHostAddress();
        } catch (IllegalArgumentException wrong) {
            throw new IllegalArgumentException("address = " + text + ": an IPv4 or IPv6 address", wrong);
        }
    }

    private DriverController open(TransportId id, FabricHostOptions options, RdmaHostSettings settings, String from) {
        var transport = new RdmaHostTransport(
                id, settings, devices.towards(id, from, lost, options.connectTimeout()), reactors);
        return FabricController.open(transport, id, options, lost);
    }

    private void lost() {
        keeper.lost();
    }

    private Runnable publish(DriverController opened) {
        return ControllerServices.publish(context, opened);
    }

    static FabricHostOptions options(Config config) {
        var hostId = HostName.id(config.host_id());
        var nqn = config.host_nqn().isBlank()
                ? FabricHostOptions.nqn(hostId)
                : config.host_nqn().strip();
        return new FabricHostOptions(
                nqn,
                hostId,
                Duration.ofMillis(config.admin_timeout_ms()),
                Duration.ofMillis(config.io_timeout_ms()),
                Duration.ofMillis(config.connect_timeout_ms()),
                Duration.ofMillis(config.keep_alive_ms()),
                32,
                config.queue_entries(),
                config.queue_pairs(),
                config.max_transfer_kib() * 1024,
                config.io_retries(),
                Duration.ofMillis(config.reconnect_delay_ms()),
                Duration.ofSeconds(config.loss_timeout_s()),
                HostKeys.NONE);
    }

    private static HostKeys keys(BundleContext context, Config config) {
        var home = context.getProperty(HOME_PROPERTY);
        return HostKeys.of(
                Path.of(home == null ? "" : home).toAbsolutePath(),
                config.dhchap_key(),
                config.dhchap_controller_key(),
                config.dhchap_hashes(),
                config.dhchap_groups(),
                "");
    }

    @Deactivate
    void deactivate() {
        if (keeper != null) {
            keeper.close();
            devices.forget(lost);
        }
    }
}
