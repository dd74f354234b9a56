package io.doorbell.rdmatarget;

import io.doorbell.fabrics.FabricTarget;
import io.doorbell.fabrics.ListenerConfig;
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
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
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

/**
 * One listener for each {@code io.doorbell.rdma.target~NAME.cfg}: at the device that has its address or its name, as long as a provider has it.
 */
@Component(
        service = {RdmaTargetComponent.class, ListenerOperator.class},
        configurationPid = "io.doorbell.rdma.target",
        configurationPolicy = ConfigurationPolicy.REQUIRE,
        immediate = true)
@Designate(ocd = RdmaTargetComponent.Options.class, factory = true)
public final class RdmaTargetComponent extends ListenerKeeper<RdmaTargetComponent.Configured> {
    /** What a file may have. */
    @ObjectClassDefinition(name = "NVMe/RDMA target", description = "Where hosts reach subsystems by NVMe/RDMA")
    interface Options extends ListenerConfig, Config {}

    @interface Config {
        @AttributeDefinition(
                name = "Address",
                description = "Of an RDMA device of this node, or the device's name",
                min = "2",
                max = "64")
        String address() default "soft0";

        @AttributeDefinition(
                name = "Reactors",
                description = "Threads that share the connections",
                min = "1",
                max = "14")
        int reactors() default 1;

        @AttributeDefinition(
                name = "Queue entries",
                description = "The most entries of a queue (CAP.MQES + 1)",
                min = "32",
                max = "1024")
        int max_queue_entries() default 128;

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

    private final FabricTarget target;
    private final Reactors reactors;
    private final ResourceManager resources;
    private final Set<VerbsProvider> providers = ConcurrentHashMap.newKeySet();

    /** Whose device it listens at, or listened at last. */
    private volatile VerbsProvider used;

    /** Of that device. */
    private volatile InetAddress usedAddress;

    @Activate
    public RdmaTargetComponent(
            ListenerConfig common,
            Config config,
            @Reference FabricTarget target,
            @Reference Reactors reactors,
            @Reference ResourceManager resources) {
        this.target = target;
        this.reactors = reactors;
        this.resources = resources;
        configure(configured(common, config), common.ana());
    }

    @Override
    protected RdmaTarget open(Configured wanted, AccessStates states) throws IOException {
        try {
            return RdmaTarget.open(
                    wanted.settings(), states, device(wanted.place()), target, reactors, resources::listener);
        } catch (IllegalArgumentException taken) {
            throw new BindException(taken.getMessage());
        }
    }

    private VerbsDevice device(Place place) throws IOException {
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
        if (problems.isEmpty()) {
            throw new NotYet(place.problem() + " (io.doorbell.rdma.soft~NAME.cfg makes one).");
        }
        throw new BindException(place.problem() + ". " + problems);
    }

    private static Configured configured(ListenerConfig common, Config config) {
        var settings = new RdmaTargetSettings(
                common.name(),
                common.port(),
                ListenerSettings.subsystems(common.subsystems()),
                config.reactors(),
                common.max_connections(),
                config.max_queue_entries(),
                common.max_io_queues(),
                config.in_capsule_bytes(),
                config.max_transfer_bytes(),
                common.buffer_mib());
        return new Configured(settings, Place.of(config.address()));
    }

    /**
     * Takes up another configuration: hosts lose their connections and come again, but where nothing else than ANA states changed. One
     * that cannot be changes nothing.
     */
    @Modified
    void modified(ListenerConfig common, Config config, Map<String, ?> properties) {
        configure(() -> configured(common, config), common.ana(), properties);
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void addProvider(VerbsProvider added) {
        providers.add(added);
        again();
    }

    void removeProvider(VerbsProvider removed) {
        providers.remove(removed);
        if (removed == used) {
            lose();
        }
    }

    @Override
    public ListenerStatus status() {
        var status = super.status();
        return status.listening() ? status.reachedAt(usedAddress.getHostAddress()) : status;
    }

    @Deactivate
    void deactivate() {
        close();
    }
}
