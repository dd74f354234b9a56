package io.doorbell.backends;

import io.doorbell.storage.BackendProvider;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceSpec;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** {@link MemoryBackend} as a service. */
@Component(configurationPid = "io.doorbell.backends.memory", property = "doorbell.backend=memory")
@Designate(ocd = MemoryBackendComponent.Config.class)
public final class MemoryBackendComponent implements BackendProvider {
    @ObjectClassDefinition(name = "Namespaces in memory")
    public @interface Config {
        @AttributeDefinition(
                name = "Resident",
                description = "Mebibytes up to which a namespace has all of its memory from the start. Counts for"
                        + " namespaces opened from now on",
                min = "0",
                max = "1048576")
        int resident_mib() default MemoryBackend.DEFAULT_RESIDENT_MIB;
    }

    private final MemoryBackend backend;

    @Activate
    public MemoryBackendComponent(Config config) {
        backend = new MemoryBackend((long) config.resident_mib() << 20);
    }

    @Override
    public String kind() {
        return backend.kind();
    }

    @Override
    public Namespace open(NamespaceSpec spec) {
        return backend.open(spec);
    }
}
