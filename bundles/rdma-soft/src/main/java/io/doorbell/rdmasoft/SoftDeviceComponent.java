package io.doorbell.rdmasoft;

import io.doorbell.platform.PlatformException;
import io.doorbell.platform.PortHolder;
import io.doorbell.verbs.VerbsDevice;
import io.doorbell.verbs.VerbsProvider;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A device for each {@code io.doorbell.rdma.soft~NAME.cfg}. It has its device as soon as its port can be had, which is tried again until then: another
 * node may be about to end.
 */
@Component(
        service = SoftDeviceComponent.class,
        configurationPid = "io.doorbell.rdma.soft",
        configurationPolicy = ConfigurationPolicy.REQUIRE,
        immediate = true)
@Designate(ocd = SoftDeviceComponent.Config.class, factory = true)
public final class SoftDeviceComponent {
    private static final Logger LOG = LoggerFactory.getLogger(SoftDeviceComponent.class);

    private static final Duration RETRY = Duration.ofSeconds(5);

    @ObjectClassDefinition(name = "Software RDMA device", description = "A RoCEv2 endpoint over UDP")
    @interface Config {
        @AttributeDefinition(name = "Name", description = "Unique in the node", min = "1", max = "32")
        String name();

        @AttributeDefinition(
                name = "Address",
                description = "An IPv4 or IPv6 address of this node, by which peers reach it; no wildcard",
                min = "2",
                max = "64")
        String address() default "127.0.0.1";

        @AttributeDefinition(
                name = "Path MTU",
                description = "The longest piece of a message in a packet: 1024, 2048 or 4096",
                min = "1024",
                max = "4096")
        int path_mtu() default 4096;

        @AttributeDefinition(
                name = "Socket buffer",
                description = "Kibibytes wanted for each socket, each way",
                min = "64",
                max = "1048576")
        int socket_buffer_kib() default 8192;
    }

    private final BundleContext context;
    private final SoftSettings settings;
    private final Thread opening;

    // Guarded by this.
    private SoftDevice device;
    private ServiceRegistration<VerbsProvider> service;
    private boolean ended;

    @Activate
    public SoftDeviceComponent(BundleContext context, Config config) {
        this.context = context;
        settings = new SoftSettings(
                config.name(),
                InetAddress.ofLiteral(config.address()),
                Headers.UDP_PORT,
                config.path_mtu(),
                config.socket_buffer_kib() << 10);
        opening = Thread.ofVirtual().name("open " + settings.name()).start(this::open);
    }

    private void open() {
        boolean told = false;
        while (!tryToOpen(told)) {
            told = true;
            try {
                Thread.sleep(RETRY);
            } catch (InterruptedException over) {
                return;
            }
        }
    }

    private synchronized boolean tryToOpen(boolean told) {
        if (ended) {
            return true;
        }
        try {
            device = SoftDevice.open(settings);
        } catch (PlatformException taken) {
            if (!told) {
                var problem = problem(taken);
                LOG.warn("{} Tried again every {} s", problem, RETRY.toSeconds());
                service = context.registerService(VerbsProvider.class, provider(List.of(), problem), null);
            }
            return false;
        }
        LOG.info("{} is RoCEv2 at {}", settings.name(), settings.address().getHostAddress());
        if (service != null) {
            service.unregister();
        }
        service = context.registerService(VerbsProvider.class, provider(List.of(device), ""), null);
        return true;
    }

    private String problem(PlatformException taken) {
        var port = "UDP port " + Headers.UDP_PORT + " of " + settings.address().getHostAddress();
        var remedy = rxeIsLoaded()
                ? "The kernel's rdma_rxe is loaded and has that port: 'sudo modprobe -r rdma_rxe', or run the node in a"
                        + " network namespace of its own."
                : PortHolder.udp(settings.address(), Headers.UDP_PORT)
                        .map(holder -> holder + " has it.")
                        .orElse("'sudo ss -lunp sport = :" + Headers.UDP_PORT + "' says who has it.");
        return settings.name() + " cannot have " + port + ": " + taken.getMessage() + ". " + remedy
                + " Where no host comes by RDMA, delete this device's file and those of its listeners in config/.";
    }

    /** It has the port of the first network namespace, whatever the address. */
    private static boolean rxeIsLoaded() {
        try (var modules = Files.lines(Path.of("/proc/modules"))) {
            return modules.anyMatch(line -> line.startsWith("rdma_rxe "));
        } catch (IOException noProc) {
            return false; // Nobody can say.
        }
    }

    private VerbsProvider provider(List<VerbsDevice> devices, String problem) {
        var name = settings.name();
        return new VerbsProvider() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public List<VerbsDevice> devices() {
                return devices;
            }

            @Override
            public String problem() {
                return problem;
            }
        };
    }

    @Deactivate
    void deactivate() {
        synchronized (this) {
            ended = true;
        }
        opening.interrupt();
        // First the service: who listens at the device lets it go.
        if (service != null) {
            service.unregister();
        }
        if (device != null) {
            device.close();
        }
    }
}
