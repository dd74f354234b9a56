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
@Designate(ocd = EmulatorComponent.Config.class, factory = true)
public final class EmulatorComponent {
    private static final Logger LOG = LoggerFactory.getLogger(EmulatorComponent.class);

    /** Service properties of the function, beside its own answers. */
    static final String ADDRESS = "doorbell.pci.address";

    static final String TRANSPORT = "doorbell.pci.transport";

    @ObjectClassDefinition(
            name = "Emulated NVMe controller",
            description = "A subsystem of this node as a PCI function that an NVMe driver can claim")
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
                name = "I/O queue pairs",
                description = "The most I/O queue pairs that a driver gets",
                min = "1",
                max = "1023")
        int io_queue_pairs() default EmulatorSettings.DEFAULT_IO_QUEUE_PAIRS;

        @AttributeDefinition(
                name = "Queue entries",
                description = "The most entries of a queue (CAP.MQES + 1)",
                min = "2",
                max = "4096")
        int max_queue_entries() default EmulatorSettings.DEFAULT_MAX_QUEUE_ENTRIES;

        @AttributeDefinition(
                name = "Longest transfer",
                description = "The most bytes of one command, a power of two (MDTS)",
                min = "8192",
                max = "16777216")
        int max_transfer_bytes() default EmulatorSettings.DEFAULT_MAX_TRANSFER_BYTES;

        @AttributeDefinition(
                name = "Doorbell stride",
                description = "Doorbells are 4 << stride bytes apart (CAP.DSTRD)",
                min = "0",
                max = "6")
        int doorbell_stride() default EmulatorSettings.DEFAULT_DOORBELL_STRIDE;

        @AttributeDefinition(
                name = "Shadow doorbells",
                description =
                        "Whether Doorbell Buffer Config is offered, so that a driver rings only when the device sleeps")
        boolean shadow_doorbells() default true;

        @AttributeDefinition(
                name = "CPU",
                description =
                        "The CPU that the device's reactor runs on; -1 takes the least used, from the last one down",
                min = "-1")
        int cpu() default Reactors.ANY_CPU;

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
        static Wanted of(Config config) {
            var settings = new EmulatorSettings(
                    config.name(),
                    config.io_queue_pairs(),
                    config.max_queue_entries(),
                    config.max_transfer_bytes(),
                    config.doorbell_stride(),
                    config.shadow_doorbells(),
                    config.cpu());
            long seed = config.fault_seed() == 0 ? System.nanoTime() : config.fault_seed();
            return new Wanted(settings, config.subsystem(), FaultPlan.parse(seed, List.of(config.faults())));
        }
    }

    private final BundleContext context;
    private final Reactors reactors;
    private final SubsystemPresence presence = new SubsystemPresence();
    private String name;

    @Activate
    public EmulatorComponent(BundleContext context, Config config, @Reference Reactors reactors) {
        this.context = context;
        this.reactors = reactors;
        var wanted = Wanted.of(config);
        LOG.info("{} waits for subsystem {}", wanted.settings().name(), wanted.nqn());
        want(wanted);
    }

    /** Takes up another configuration: the device goes and comes as it is wanted now. One that cannot be changes nothing. */
    @Modified
    synchronized void modified(Config config, Map<String, ?> properties) {
        Wanted wanted;
        try {
            wanted = Wanted.of(config);
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
