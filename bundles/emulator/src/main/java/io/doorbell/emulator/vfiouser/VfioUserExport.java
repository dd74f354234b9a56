package io.doorbell.emulator.vfiouser;

import io.doorbell.emulator.EmulatedFunction;
import io.doorbell.emulator.EmulatorConfig;
import io.doorbell.emulator.EmulatorSettings;
import io.doorbell.emulator.SubsystemPresence;
import io.doorbell.platform.PlatformException;
import io.doorbell.reactor.Reactors;
import io.doorbell.target.TargetSubsystem;
import io.doorbell.vfiouser.DeviceDirectory;
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
@Designate(ocd = VfioUserExport.Options.class, factory = true)
public final class VfioUserExport {
    private static final Logger LOG = LoggerFactory.getLogger(VfioUserExport.class);

    /** A file {@code config/io.doorbell.emulator.vfiouser~NAME.cfg}. */
    @ObjectClassDefinition(
            name = "Emulated NVMe controller for other processes",
            description = "A subsystem of this node as a PCI function that a driver in another process can claim")
    interface Options extends EmulatorConfig, Config {}

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
    }

    /** What a configuration says, checked. No directory: nothing is exported. */
    private record Wanted(EmulatorSettings settings, Path directory, String nqn) {
        static Wanted of(EmulatorConfig common, Config config) {
            var directory = DeviceDirectory.parse(config.path());
            var settings = EmulatorSettings.of("vfio-user-" + directory.getFileName(), common);
            return new Wanted(settings, directory, config.subsystem().strip());
        }
    }

    private final Reactors reactors;
    private final SubsystemPresence presence = new SubsystemPresence();
    private Path directory;

    @Activate
    public VfioUserExport(EmulatorConfig common, Config config, @Reference Reactors reactors) {
        this.reactors = reactors;
        want(Wanted.of(common, config));
    }

    /** Takes up another configuration: clients lose their device, and find the other. One that cannot be changes nothing. */
    @Modified
    synchronized void modified(EmulatorConfig common, Config config, Map<String, ?> properties) {
        Wanted wanted;
        try {
            wanted = Wanted.of(common, config);
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
