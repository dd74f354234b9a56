package io.doorbell.emulator;

import io.doorbell.pci.PciFunction;
import io.doorbell.reactor.Reactors;
import io.doorbell.target.TargetSubsystem;
import java.util.Dictionary;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
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

/** One emulated device of the configuration: there while its subsystem is. */
@Component(
        service = EmulatorComponent.class,
        configurationPid = "io.doorbell.emulator",
        configurationPolicy = ConfigurationPolicy.REQUIRE,
        immediate = true)
@Designate(ocd = EmulatorComponent.Options.class, factory = true)
public final class EmulatorComponent {
    private static final Logger LOG = LoggerFactory.getLogger(EmulatorComponent.class);

    /** Service properties of the function, beside its own answers. */
    static final String ADDRESS = "doorbell.pci.address";

    static final String TRANSPORT = "doorbell.pci.transport";

    /** What a file may have. */
    @ObjectClassDefinition(
            name = "Emulated NVMe controller",
            description = "A subsystem of this node as a PCI function that an NVMe driver can claim")
    interface Options extends EmulatorConfig, Config {}

    @interface Config {
        @AttributeDefinition(
                name = "Name",
                description = "Its address, as traddr in trtype:EMULATED traddr:NAME",
                min = "1",
                max = "64")
        String name();

        @AttributeDefinition(
                name = "Subsystem",
                description = "The NVMe Qualified Name of the subsystem whose controller it is",
                min = "1",
                max = "223")
        String subsystem();

        @AttributeDefinition(
                name = "Faults",
                description = "What the device does wrong, as rules 'match -> action', for tests of what drives it")
        String[] faults() default {};

        @AttributeDefinition(
                name = "Seed of faults",
                description = "What the chances of faults are drawn from; 0 takes a new one, which the log tells")
        long fault_seed() default 0;
    }

    /** What a configuration says, checked. */
    private record Wanted(EmulatorSettings settings, String nqn, FaultPlan faults) {
        static Wanted of(EmulatorConfig common, Config config) {
            var settings = EmulatorSettings.of(config.name(), common);
            long seed = config.fault_seed() == 0 ? System.nanoTime() : config.fault_seed();
            return new Wanted(settings, config.subsystem(), FaultPlan.parse(seed, List.of(config.faults())));
        }
    }

    private final BundleContext context;
    private final Reactors reactors;
    private final SubsystemPresence presence = new SubsystemPresence();
    private String name;

    @Activate
    public EmulatorComponent(
            BundleContext context, EmulatorConfig common, Config config, @Reference Reactors reactors) {
        this.context = context;
        this.reactors = reactors;
        var wanted = Wanted.of(common, config);
        LOG.info("{} waits for subsystem {}", wanted.settings().name(), wanted.nqn());
        want(wanted);
    }

    /** Takes up another configuration: the device goes and comes as it is wanted now. One that cannot be changes nothing. */
    @Modified
    synchronized void modified(EmulatorConfig common, Config config, Map<String, ?> properties) {
        Wanted wanted;
        try {
            wanted = Wanted.of(common, config);
        } catch (IllegalArgumentException wrong) {
            LOG.error(
                    "configuration {} is not taken up, {} stays as it is: {}",
                    properties.get(Constants.SERVICE_PID),
                    name,
                    wrong.getMessage());
            return;
        }
        want(wanted);
    }

    private void want(Wanted wanted) {
        name = wanted.settings().name();
        presence.want(wanted.nqn(), subsystem -> register(wanted, subsystem));
    }

    /** A subsystem has come. Ours makes a function of it. */
    @Reference(
            service = TargetSubsystem.class,
            cardinality = ReferenceCardinality.MULTIPLE,
            policy = ReferencePolicy.DYNAMIC,
            unbind = "subsystemGoes")
    void subsystemComes(TargetSubsystem subsystem, Map<String, ?> properties) {
        presence.comes(subsystem, properties);
    }

    void subsystemGoes(TargetSubsystem subsystem) {
        presence.goes(subsystem);
    }

    @Deactivate
    void close() {
        presence.end();
    }

    private Runnable register(Wanted wanted, TargetSubsystem subsystem) {
        var function = EmulatedFunction.create(wanted.settings(), subsystem, reactors);
        function.faults(wanted.faults());
        Dictionary<String, Object> about = new Hashtable<>();
        about.put(ADDRESS, function.address());
        about.put(TRANSPORT, function.transport());
        var service = context.registerService(PciFunction.class, function, about);
        LOG.info("{} is a controller of {}", wanted.settings().name(), wanted.nqn());
        return () -> {
            // First the service: the driver lets go while the device still answers.
            try {
                service.unregister();
            } catch (IllegalStateException alreadyGone) {
                // The framework has unregistered it: the bundle stops.
            }
            function.close();
        };
    }
}
