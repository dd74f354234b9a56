package io.doorbell.subsystem;

import io.doorbell.storage.BackendProvider;
import io.doorbell.target.SubsystemOperator;
import io.doorbell.target.TargetSubsystem;
import java.nio.file.Path;
import java.util.Hashtable;
import java.util.Map;
import java.util.function.Supplier;
import org.osgi.framework.BundleContext;
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

/** One subsystem for each {@code io.doorbell.subsystem~NAME.cfg}, as a {@link TargetSubsystem} service. */
@Component(
        service = {},
        configurationPid = SubsystemComponent.PID,
        configurationPolicy = ConfigurationPolicy.REQUIRE)
@Designate(ocd = SubsystemComponent.Config.class, factory = true)
public final class SubsystemComponent {
    static final String PID = "io.doorbell.subsystem";

    /** Framework property: the node's home. */
    private static final String HOME_PROPERTY = "doorbell.home";

    /** From the node's home on. */
    private static final String RESERVATION_FOLDER = "var/reservations";

    private static final String LIFE_FOLDER = "var/life";

    private static final Logger LOG = LoggerFactory.getLogger(SubsystemComponent.class);

    @ObjectClassDefinition(name = "NVM subsystem", description = "Namespaces, and the name hosts find them under")
    public @interface Config {
        @AttributeDefinition(
                name = "NQN",
                description =
                        "Qualified name: nqn.yyyy-mm.reversed.domain:anything, at most 223 bytes, unique in the node",
                min = "5",
                max = "223")
        String nqn();

        @AttributeDefinition(name = "Serial number", description = "Printable ASCII", min = "1", max = "20")
        String serial() default "DOORBELL0";

        @AttributeDefinition(name = "Model number", description = "Printable ASCII", min = "1", max = "40")
        String model() default "Doorbell NVM subsystem";

        @AttributeDefinition(
                name = "Namespaces",
                description =
                        "nsid=kind:size:format[:path][;zoned=zoneSize], or nsid=nvme:transportId for one on a controller."
                                + " nsid from 1 to 1024; kind null, memory or file;"
                                + " size in bytes or with KiB, MiB, GiB, TiB, and with ;shrink behind all if it may become less; ;ana=group behind all for its ANA group, 1 to 32; format the bytes of a block, 512 or 4096, with"
                                + " metadata if wanted: +8, +16 or +64, /pi1, /pi2 or /pi3 for protection information in it,"
                                + " /first if that is at its beginning, /extended if it is moved behind the data, as in"
                                + " 4096+8/pi1; path of a file, from the node's home on; zoneSize of a zoned namespace, which"
                                + " has no metadata, also ;capacity=size;open=zones;active=zones")
        String[] namespaces() default {};

        @AttributeDefinition(
                name = "Hosts",
                description = "Host NQNs that may connect over a network; empty for every host")
        String[] hosts() default {};

        @AttributeDefinition(
                name = "Hosts authenticate themselves",
                description =
                        "Whether a host without a key (io.doorbell.fabrics.host) is refused, whatever it calls itself")
        boolean hosts_authenticate() default false;

        @AttributeDefinition(
                name = "Hosts of namespaces",
                description =
                        "nsid=hostNqn: only the hosts that are named for a namespace see it; everybody sees the others")
        String[] namespace_hosts() default {};

        @AttributeDefinition(
                name = "Limits of namespaces",
                description =
                        "nsid=iops:NUMBER;bytes:SIZE, or one of the two: what all hosts together may do with it in a"
                                + " second. Commands that are more wait")
        String[] namespace_limits() default {};

        @AttributeDefinition(
                name = "Limits of hosts",
                description =
                        "hostNqn=iops:NUMBER;bytes:SIZE, or one of the two: what a host may do with the subsystem in a"
                                + " second; * for each that is not named")
        String[] host_limits() default {};

        @AttributeDefinition(
                name = "Creatable",
                description = "Mebibytes of namespaces in memory that hosts may create by Namespace Management",
                min = "0",
                max = "1048576")
        int creatable_mib() default 0;
    }

    private final ConfiguredSubsystem subsystem;
    private final String file;

    @Activate
    public SubsystemComponent(BundleContext context, Map<String, Object> properties, Config config) {
        file = "config/" + properties.get(Constants.SERVICE_PID) + ".cfg";
        String home = context.getProperty(HOME_PROPERTY);
        var root = Path.of(home == null ? "" : home);
        var pid = (String) properties.get(Constants.SERVICE_PID);
        subsystem = new ConfiguredSubsystem(
                made -> publish(context, made, this::operator, pid),
                root.resolve(RESERVATION_FOLDER),
                root.resolve(LIFE_FOLDER));
        modified(config);
    }

    private static Runnable publish(
            BundleContext context, NvmSubsystem subsystem, Supplier<SubsystemOperator> operator, String pid) {
        var properties = new Hashtable<String, Object>();
        properties.put(TargetSubsystem.NQN_PROPERTY, subsystem.nqn());
        var forHosts = context.registerService(TargetSubsystem.class, subsystem, properties);
        // For who writes to its file what it has become.
        properties.put(Constants.SERVICE_PID, pid);
        var forOperators = context.registerService(SubsystemOperator.class, operator.get(), properties);
        return () -> {
            forOperators.unregister();
            forHosts.unregister();
        };
    }

    private SubsystemOperator operator() {
        return subsystem;
    }

    @Modified
    void modified(Config config) {
        try {
            subsystem.apply(SubsystemSettings.parse(
                    config.nqn(),
                    config.serial(),
                    config.model(),
                    config.namespaces(),
                    HostAccess.parse(config.hosts(), config.namespace_hosts(), config.hosts_authenticate()),
                    RateLimits.Settings.parse(config.namespace_limits(), config.host_limits()),
                    config.creatable_mib()));
        } catch (IllegalArgumentException wrong) {
            LOG.error("{}: {}. Nothing was changed", file, wrong.getMessage());
        }
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void addBackend(BackendProvider backend) {
        subsystem.addBackend(backend);
    }

    void removeBackend(BackendProvider backend) {
        subsystem.removeBackend(backend);
    }

    @Deactivate
    void deactivate() {
        subsystem.close();
    }
}
