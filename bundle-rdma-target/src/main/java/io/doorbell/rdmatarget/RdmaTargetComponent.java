package io.doorbell.rdmatarget;

import io.doorbell.fabrics.FabricTarget;
import io.doorbell.fabrics.ListenerKeeper;
import io.doorbell.fabrics.ListenerSettings;
import io.doorbell.lease.ResourceManager;
import io.doorbell.nvme.TransportId;
import io.doorbell.reactor.Reactors;
import io.doorbell.target.AccessStates;
import io.doorbell.target.ListenerOperator;
import io.doorbell.target.ListenerStatus;
import io.doorbell.verbs.VerbsDevice;
import io.doorbell.verbs.VerbsProvider;
import java.net.BindException;
import java.net.InetAddress;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.osgi.framework.Constants;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One listener for each {@code io.doorbell.rdma.target~NAME.cfg}: at the device that has its address or its name, as long as a provider has it.
 */
@Component(
        service = {RdmaTargetComponent.class, ListenerOperator.class},
        configurationPid = "io.doorbell.rdma.target",
        configurationPolicy = ConfigurationPolicy.REQUIRE,
        immediate = true)
@Designate(ocd = RdmaTargetComponent.Config.class, factory = true)
public final class RdmaTargetComponent implements ListenerOperator {
    private static final Logger LOG = LoggerFactory.getLogger(RdmaTargetComponent.class);

    @ObjectClassDefinition(name = "NVMe/RDMA target", description = "Where hosts reach subsystems by NVMe/RDMA")
    @interface Config {
        @AttributeDefinition(name = "Name", description = "Unique in the node", min = "1", max = "32")
        String name();

        @AttributeDefinition(
                name = "Address",
                description = "Of an RDMA device of this node, or the device's name",
                min = "2",
                max = "64")
        String address() default "soft0";

        @AttributeDefinition(name = "Port", description = "4420 is registered for NVMe", min = "1", max = "65535")
        int port() default 4420;

        @AttributeDefinition(
                name = "Subsystems",
                description = "Qualified names of the subsystems to be reached here; all where none is named",
                required = false)
        String[] subsystems() default {};

        @AttributeDefinition(
                name = "ANA states",
                description =
                        "group=state: how ANA groups of namespaces are reached here: optimized (which those are that"
                                + " are not named), non-optimized, inaccessible, persistent-loss or change",
                required = false)
        String[] ana() default {};

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

    /** The device that has an address, or the one that has a name, whatever its address is. */
    record Place(String text, InetAddress address) {
        /** As devices are called; no IPv4 address looks like that. */
        private static final Pattern NAME = Pattern.compile("[A-Za-z].*");

        /** @throws IllegalArgumentException for what is neither */
        static Place of(String configured) {
            try {
                return new Place(configured, InetAddress.ofLiteral(configured));
            } catch (IllegalArgumentException noAddress) {
                if (NAME.matcher(configured).matches()) {
                    return new Place(configured, null);
                }
                throw noAddress;
            }
        }

        boolean isAt(VerbsDevice device) {
            return address == null
                    ? device.name().equals(text)
                    : device.addresses().contains(address);
        }

        /** Of a device that is known by its name only nobody knows the address while it is not there. */
        String traddr() {
            return address == null ? "0.0.0.0" : address.getHostAddress();
        }

        String problem() {
            return address == null
                    ? "no RDMA device is called " + text
                    : "no RDMA device has the address " + address.getHostAddress();
        }
    }

    record Configured(RdmaTargetSettings settings, Place place) implements ListenerSettings.Placed {
        @Override
        public String name() {
            return settings.name();
        }

        @Override
        public ListenerStatus whileClosed() {
            return ListenerStatus.closed(
                    TransportId.Type.RDMA, place.traddr(), settings.port(), false, settings.maxConnections());
        }
    }

    private final Set<VerbsProvider> providers = ConcurrentHashMap.newKeySet();
    private final ListenerKeeper<Configured> keeper;

    /** Whose device it listens at, or listened at last. */
    private volatile VerbsProvider used;

    /** Of that device. */
    private volatile InetAddress usedAddress;

    @Activate
    public RdmaTargetComponent(
            Config config,
            @Reference FabricTarget target,
            @Reference Reactors reactors,
            @Reference ResourceManager resources) {
        keeper = new ListenerKeeper<>((wanted, states) -> {
            try {
                return RdmaTarget.open(
                        wanted.settings(), states, device(wanted.place()), target, reactors, resources::listener);
            } catch (IllegalArgumentException taken) {
                throw new BindException(taken.getMessage());
            }
        });
        keeper.configure(configured(config), config.ana());
    }

    private VerbsDevice device(Place place) throws BindException {
        for (var provider : providers) {
            for (var device : provider.devices()) {
                if (place.isAt(device)) {
                    used = provider;
                    usedAddress = device.addresses().getFirst();
                    return device;
                }
            }
        }
        var problems = providers.stream()
                .map(VerbsProvider::problem)
                .filter(problem -> !problem.isEmpty())
                .sorted()
                .collect(Collectors.joining(" "));
        throw new BindException(place.problem()
                + (problems.isEmpty() ? " (io.doorbell.rdma.soft~NAME.cfg makes one)." : ". " + problems));
    }

    private static Configured configured(Config config) {
        var settings = new RdmaTargetSettings(
                config.name(),
                config.port(),
                ListenerSettings.subsystems(config.subsystems()),
                config.reactors(),
                config.max_connections(),
                config.max_queue_entries(),
                config.max_io_queues(),
                config.in_capsule_bytes(),
                config.max_transfer_bytes(),
                config.buffer_mib());
        return new Configured(settings, Place.of(config.address()));
    }

    /**
     * Takes up another configuration: hosts lose their connections and come again, but where nothing else than ANA states changed. One
     * that cannot be changes nothing.
     */
    @Modified
    void modified(Config config, Map<String, ?> properties) {
        try {
            keeper.configure(configured(config), config.ana());
        } catch (IllegalArgumentException wrong) {
            LOG.error(
                    "config/{}.cfg: {}. Nothing was changed",
                    properties.get(Constants.SERVICE_PID),
                    wrong.getMessage());
        }
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void addProvider(VerbsProvider added) {
        providers.add(added);
        keeper.again();
    }

    void removeProvider(VerbsProvider removed) {
        providers.remove(removed);
        if (removed == used) {
            keeper.lose();
        }
    }

    @Override
    public String name() {
        return keeper.name();
    }

    @Override
    public AccessStates accessStates() {
        return keeper.accessStates();
    }

    @Override
    public ListenerStatus status() {
        var status = keeper.status();
        return status.listening() ? status.reachedAt(usedAddress.getHostAddress()) : status;
    }

    @Override
    public void accessStates(AccessStates next) {
        keeper.accessStates(next);
    }

    @Deactivate
    void deactivate() {
        keeper.close();
    }
}
