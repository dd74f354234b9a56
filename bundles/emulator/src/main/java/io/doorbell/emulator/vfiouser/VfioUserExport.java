package io.doorbell.emulator.vfiouser;

import io.doorbell.emulator.EmulatedFunction;
import io.doorbell.emulator.EmulatorSettings;
import io.doorbell.emulator.SubsystemPresence;
import io.doorbell.platform.PlatformException;
import io.doorbell.reactor.Reactors;
import io.doorbell.target.TargetSubsystem;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Map;
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

/** In a container: a controller of a subsystem for drivers in other processes, while the subsystem is there. */
@Component(
        service = VfioUserExport.class,
        configurationPid = "io.doorbell.emulator.vfiouser",
        configurationPolicy = ConfigurationPolicy.REQUIRE,
        immediate = true)
@Designate(ocd = VfioUserExport.Config.class, factory = true)
public final class VfioUserExport {
    private static final Logger LOG = LoggerFactory.getLogger(VfioUserExport.class);

    /** A file {@code config/io.doorbell.emulator.vfiouser~NAME.cfg}. */
    @ObjectClassDefinition(
            name = "Emulated NVMe controller for other processes",
            description = "A subsystem of this node as a PCI function that a driver in another process can claim")
    @interface Config {
        @AttributeDefinition(
                name = "Directory",
                description = "Absolute path of the directory in which the socket \"cntrl\" is made, as traddr in"
                        + " trtype:VFIOUSER traddr:PATH. Empty: none is.")
        String path() default "";

        @AttributeDefinition(
                name = "Subsystem",
                description = "The NVMe Qualified Name of the subsystem whose controller it is")
        String subsystem() default "";

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
    }

    /** What a configuration says, checked. No directory: nothing is exported. */
    private record Wanted(EmulatorSettings settings, Path directory, String nqn) {
        static Wanted of(Config config) {
            var directory = Path.of(config.path().strip()).normalize();
            if (!directory.toString().isEmpty() && !directory.isAbsolute()) {
                throw new IllegalArgumentException(
                        "path \"" + config.path() + "\" is not absolute, as in /run/doorbell/nvme0");
            }
            var settings = new EmulatorSettings(
                    "vfio-user-" + directory.getFileName(),
                    config.io_queue_pairs(),
                    config.max_queue_entries(),
                    config.max_transfer_bytes(),
                    config.doorbell_stride(),
                    config.shadow_doorbells(),
                    config.cpu());
            return new Wanted(settings, directory, config.subsystem().strip());
        }
    }

    private final Reactors reactors;
    private final SubsystemPresence presence = new SubsystemPresence();
    private Path directory;

    @Activate
    public VfioUserExport(Config config, @Reference Reactors reactors) {
        this.reactors = reactors;
        want(Wanted.of(config));
    }

    /** Takes up another configuration: clients lose their device, and find the other. One that cannot be changes nothing. */
    @Modified
    synchronized void modified(Config config, Map<String, ?> properties) {
        Wanted wanted;
        try {
            wanted = Wanted.of(config);
        } catch (IllegalArgumentException wrong) {
            LOG.error(
                    "configuration {} is not taken up, what is served at {} stays as it is: {}",
                    properties.get(Constants.SERVICE_PID),
                    directory,
                    wrong.getMessage());
            return;
        }
        want(wanted);
    }

    private void want(Wanted wanted) {
        directory = wanted.directory();
        boolean nowhere = directory.toString().isEmpty();
        presence.want(nowhere ? null : wanted.nqn(), subsystem -> export(wanted, subsystem));
    }

    /** A subsystem has come. Ours makes a function of it, behind a socket. */
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

    private Runnable export(Wanted wanted, TargetSubsystem subsystem) {
        var function = EmulatedFunction.create(wanted.settings(), subsystem, reactors);
        try {
            var server = new VfioUserServer(function, wanted.directory());
            return () -> {
                // The client sees the end of its connection, as if this process had died.
                server.close();
                function.close();
            };
        } catch (PlatformException | UncheckedIOException | IllegalArgumentException refused) {
            function.close();
            LOG.error("{} cannot be served at {}: {}", wanted.nqn(), wanted.directory(), refused.getMessage());
            return null;
        }
    }
}
