package io.doorbell.rdmasoft;

import io.doorbell.platform.PlatformException;
import io.doorbell.verbs.VerbsDevice;
import io.doorbell.verbs.VerbsProvider;
import java.net.InetAddress;
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
 * A device for each {@code io.doorbell.rdma.soft~NAME.cfg}. It is a service as soon as its port can be had, which is tried again until then: another
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
                LOG.warn(
                        "{}: {} Linux's rdma_rxe, where it is loaded, has UDP port {} of the first network namespace."
                                + " Tried again every {} s",
                        settings.name(),
                        taken.getMessage(),
                        Headers.UDP_PORT,
                        RETRY.toSeconds());
            }
            return false;
        }
        LOG.info("{} is RoCEv2 at {}", settings.name(), settings.address().getHostAddress());
        service = context.registerService(VerbsProvider.class, provider(device), null);
        return true;
    }

    private static VerbsProvider provider(SoftDevice device) {
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
