package io.doorbell.tcp;

import io.doorbell.fabrics.FabricTarget;
import io.doorbell.fabrics.ListenerConfig;
import io.doorbell.fabrics.ListenerKeeper;
import io.doorbell.fabrics.ListenerSettings;
import io.doorbell.lease.ResourceManager;
import io.doorbell.platform.PlatformException;
import io.doorbell.platform.PortHolder;
import io.doorbell.reactor.Reactors;
import io.doorbell.target.AccessStates;
import io.doorbell.target.ListenerOperator;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.util.Map;
import java.util.Optional;
import org.osgi.framework.Constants;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.osgi.service.metatype.annotations.Option;

/**
 * One listener for each {@code io.doorbell.tcp.target~NAME.cfg}. An address that is taken is tried again until it is not: another node may be
 * about to end.
 */
@Component(
        service = {TcpTargetComponent.class, ListenerOperator.class},
        configurationPid = "io.doorbell.tcp.target",
        configurationPolicy = ConfigurationPolicy.REQUIRE,
        immediate = true)
@Designate(ocd = TcpTargetComponent.Options.class, factory = true)
public final class TcpTargetComponent extends ListenerKeeper<TcpTargetSettings> {
    /** What a file may have. */
    @ObjectClassDefinition(name = "NVMe/TCP target", description = "Where hosts reach subsystems by NVMe/TCP")
    interface Options extends ListenerConfig, Config {}

    @interface Config {
        @AttributeDefinition(
                name = "Address",
                description = "An IPv4 or IPv6 address of this node; 0.0.0.0 or :: for all",
                min = "2",
                max = "64")
        String address() default "127.0.0.1";

        @AttributeDefinition(
                name = "Reactors",
                description = "Threads that share the connections",
                min = "1",
                max = "64")
        int reactors() default 1;

        @AttributeDefinition(
                name = "Queue entries",
                description = "The most entries of a queue (CAP.MQES + 1)",
                min = "32",
                max = "4096")
        int max_queue_entries() default 128;

        @AttributeDefinition(
                name = "In-capsule data",
                description = "Bytes that a command may bring along, a multiple of 512",
                min = "0",
                max = "8192")
        int in_capsule_bytes() default 8192;

        @AttributeDefinition(
                name = "Longest transfer",
                description = "The most bytes of one command, a power of two (MDTS)",
                min = "8192",
                max = "1048576")
        int max_transfer_bytes() default 131_072;

        @AttributeDefinition(
                name = "Header digest",
                description = "Whether hosts that ask for it get a checksum of each header")
        boolean header_digest() default true;

        @AttributeDefinition(
                name = "Data digest",
                description = "Whether hosts that ask for it get a checksum of all data")
        boolean data_digest() default true;

        @AttributeDefinition(
                name = "TLS",
                description = "off; or required: TLS 1.3 with a key of the host",
                options = {@Option(label = "off", value = "off"), @Option(label = "required", value = "required")})
        String tls() default "off";
    }

    /** Without its suffix. */
    private final String file;

    private final FabricTarget target;
    private final Reactors reactors;
    private final ResourceManager resources;

    @Activate
    public TcpTargetComponent(
            ListenerConfig common,
            Config config,
            @Reference FabricTarget target,
            @Reference Reactors reactors,
            @Reference ResourceManager resources,
            Map<String, ?> properties) {
        file = String.valueOf(properties.get(Constants.SERVICE_PID));
        this.target = target;
        this.reactors = reactors;
        this.resources = resources;
        configure(settings(common, config), common.ana());
    }

    @Override
    protected TcpTarget open(TcpTargetSettings settings, AccessStates states) throws IOException {
        try {
            return TcpTarget.open(settings, states, target, reactors, resources::listener);
        } catch (PlatformException taken) {
            throw new BindException(problem(settings, taken));
        }
    }

    private String problem(TcpTargetSettings settings, PlatformException taken) {
        var holder = taken.isAddressInUse()
                ? PortHolder.tcp(InetAddress.ofLiteral(settings.address()), settings.port())
                : Optional.<PortHolder>empty();
        var who = holder.map(each -> each + " has it")
                .orElse("'ip address' says which addresses there are, 'sudo ss -ltnp sport = :" + settings.port()
                        + "' who has the port");
        return "TCP port " + settings.port() + " of " + settings.address() + " cannot be had: " + taken.getMessage()
                + ". " + who + ". To listen elsewhere: doorbell config " + file + " port NUMBER, or address ADDRESS.";
    }

    private static TcpTargetSettings settings(ListenerConfig common, Config config) {
        return new TcpTargetSettings(
                common.name(),
                config.address(),
                common.port(),
                ListenerSettings.subsystems(common.subsystems()),
                config.reactors(),
                common.max_connections(),
                config.max_queue_entries(),
                common.max_io_queues(),
                config.in_capsule_bytes(),
                config.max_transfer_bytes(),
                common.buffer_mib(),
                config.header_digest(),
                config.data_digest(),
                isRequired(config.tls()));
    }

    private static boolean isRequired(String tls) {
        return switch (tls) {
            case "off" -> false;
            case "required" -> true;
            default -> throw new IllegalArgumentException("tls = " + tls + ": off or required");
        };
    }

    /**
     * Takes up another configuration: hosts lose their connections and come again, but where nothing else than ANA states changed. One
     * that cannot be changes nothing.
     */
    @Modified
    void modified(ListenerConfig common, Config config, Map<String, ?> properties) {
        configure(() -> settings(common, config), common.ana(), properties);
    }

    @Deactivate
    void deactivate() {
        close();
    }
}
