package io.doorbell.rdmatarget;

import io.doorbell.fabrics.FabricTarget;
import io.doorbell.reactor.Reactors;
import io.doorbell.verbs.VerbsDevice;
import io.doorbell.verbs.VerbsProvider;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One listener for each {@code io.doorbell.rdma.target~NAME.cfg}: at the device that has its address, as soon as a provider has it. A changed
 * configuration makes a new one.
 */
@Component(
        service = RdmaTargetComponent.class,
        configurationPid = "io.doorbell.rdma.target",
        configurationPolicy = ConfigurationPolicy.REQUIRE,
        immediate = true)
@Designate(ocd = RdmaTargetComponent.Config.class, factory = true)
public final class RdmaTargetComponent {
    private static final Logger LOG = LoggerFactory.getLogger(RdmaTargetComponent.class);

    @ObjectClassDefinition(name = "NVMe/RDMA target", description = "Where hosts reach subsystems by NVMe/RDMA")
    @interface Config {
        @AttributeDefinition(name = "Name", description = "Unique in the node", min = "1", max = "32")
        String name();

        @AttributeDefinition(
                name = "Address",
                description = "An address of an RDMA device of this node",
                min = "2",
                max = "64")
        String address() default "127.0.0.1";

        @AttributeDefinition(name = "Port", description = "4420 is registered for NVMe", min = "1", max = "65535")
        int port() default 4420;

        @AttributeDefinition(
                name = "Subsystems",
                description = "Qualified names of the subsystems to be reached here; all where none is named",
                required = false)
        String[] subsystems() default {};

        @AttributeDefinition(
                name = "Reactors",
                description = "Threads that share the connections",
                min = "1",
                max = "14")
        int reactors() default 1;

        @AttributeDefinition(
                name = "Connections",
                description = "The most connections of all hosts; each queue of a host is one",
                min = "1",
                max = "4096")
        int max_connections() default 256;

        @AttributeDefinition(
                name = "Queue entries",
                description = "The most entries of a queue (CAP.MQES + 1)",
                min = "32",
                max = "1024")
        int max_queue_entries() default 128;

        @AttributeDefinition(
                name = "I/O queues",
                description = "The most I/O queues of a controller",
                min = "1",
                max = "1024")
        int max_io_queues() default 64;

        @AttributeDefinition(
                name = "In-capsule data",
                description = "Bytes that a command may bring along, a multiple of 512",
                min = "0",
                max = "16384")
        int in_capsule_bytes() default 4096;

        @AttributeDefinition(
                name = "Longest transfer",
                description = "The most bytes of one command, a power of two (MDTS)",
                min = "8192",
                max = "262144")
        int max_transfer_bytes() default 131_072;

        @AttributeDefinition(
                name = "Buffer",
                description = "Mebibytes for data on their way, for each reactor",
                min = "4",
                max = "1024")
        int buffer_mib() default 64;
    }

    private final FabricTarget target;
    private final Reactors reactors;
    private final RdmaTargetSettings settings;
    private final InetAddress address;

    // Guarded by this.
    private VerbsProvider provider;
    private RdmaTarget open;

    @Activate
    public RdmaTargetComponent(Config config, @Reference FabricTarget target, @Reference Reactors reactors) {
        this.target = target;
        this.reactors = reactors;
        address = InetAddress.ofLiteral(config.address());
        settings = new RdmaTargetSettings(
                config.name(),
                config.port(),
                Arrays.stream(config.subsystems())
                        .map(String::trim)
                        .filter(nqn -> !nqn.isEmpty())
                        .collect(Collectors.toSet()),
                config.reactors(),
                config.max_connections(),
                config.max_queue_entries(),
                config.max_io_queues(),
                config.in_capsule_bytes(),
                config.max_transfer_bytes(),
                config.buffer_mib());
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    synchronized void addProvider(VerbsProvider added) {
        for (var device : added.devices()) {
            if (open == null && device.addresses().contains(address)) {
                listen(added, device);
            }
        }
    }

    private void listen(VerbsProvider added, VerbsDevice device) {
        try {
            open = RdmaTarget.open(settings, device, target, reactors);
            provider = added;
        } catch (IllegalArgumentException | IllegalStateException refused) {
            LOG.error("{} does not listen at {}: {}", settings.name(), device.name(), refused.getMessage());
        }
    }

    synchronized void removeProvider(VerbsProvider removed) {
        if (removed == provider) {
            end();
        }
    }

    private void end() {
        provider = null;
        if (open != null) {
            open.close();
            open = null;
        }
    }

    @Deactivate
    synchronized void deactivate() {
        end();
    }
}
