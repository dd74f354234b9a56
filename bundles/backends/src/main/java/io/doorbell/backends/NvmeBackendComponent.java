package io.doorbell.backends;

import io.doorbell.host.NvmeController;
import io.doorbell.lease.ResourceManager;
import io.doorbell.storage.BackendProvider;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceSpec;
import java.time.Duration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** {@link NvmeBackend} as a service, with this bundle's leases. */
@Component(configurationPid = "io.doorbell.backends.nvme", property = "doorbell.backend=nvme")
@Designate(ocd = NvmeBackendComponent.Config.class)
public final class NvmeBackendComponent implements BackendProvider {
    @ObjectClassDefinition(name = "Namespaces on NVMe controllers")
    public @interface Config {
        @AttributeDefinition(
                name = "Pause",
                description = "Milliseconds that a command waits at most while its controller is not there. Then its"
                        + " host is told of a problem of the path, and tries again",
                min = "0",
                max = "3600000")
        int pause_ms() default 20_000;

        @AttributeDefinition(
                name = "Queue entries",
                description = "Of the queue pair of each namespace and reactor; a controller may have fewer",
                min = "4",
                max = "65536")
        int queue_entries() default 256;

        @AttributeDefinition(
                name = "Buffer",
                description = "Mebibytes for data on their way, of each queue pair",
                min = "1",
                max = "1024")
        int buffer_mib() default 8;

        @AttributeDefinition(
                name = "Interrupts",
                description = "Whether a reactor may sleep until a completion interrupts, where the controller can,"
                        + " instead of polling while commands are out")
        boolean interrupts() default false;
    }

    private final NvmeBackend backend;

    @Activate
    public NvmeBackendComponent(@Reference ResourceManager resources, Config config) {
        backend = new NvmeBackend(
                resources,
                new NvmeBackendOptions(
                        Duration.ofMillis(config.pause_ms()),
                        config.queue_entries(),
                        config.buffer_mib() << 20,
                        config.interrupts()));
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void addController(NvmeController controller) {
        backend.add(controller);
    }

    void removeController(NvmeController controller) {
        backend.remove(controller);
    }

    @Override
    public String kind() {
        return backend.kind();
    }

    @Override
    public boolean isThere(NamespaceSpec spec) {
        return backend.isThere(spec);
    }

    @Override
    public AutoCloseable onChange(Runnable changed) {
        return backend.onChange(changed);
    }

    @Override
    public Namespace open(NamespaceSpec spec) {
        return backend.open(spec);
    }
}
