package io.doorbell.backends;

import io.doorbell.storage.BackendProvider;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceSpec;
import java.nio.file.Path;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** {@link FileBackend} as a service, with relative paths from the node's home on. */
@Component(configurationPid = "io.doorbell.backends.file", property = "doorbell.backend=file")
@Designate(ocd = FileBackendComponent.Config.class)
public final class FileBackendComponent implements BackendProvider {
    /** Framework property: the node's home. */
    private static final String HOME_PROPERTY = "doorbell.home";

    @ObjectClassDefinition(name = "Namespaces in files")
    public @interface Config {
        @AttributeDefinition(
                name = "Workers",
                description = "Threads that read and write for each file: as many transfers as go to the disk at once."
                        + " Counts for namespaces opened from now on.",
                min = "1",
                max = "64")
        int workers() default FileBackend.DEFAULT_WORKERS;
    }

    private final FileBackend backend;

    @Activate
    public FileBackendComponent(BundleContext context, Config config) {
        String home = context.getProperty(HOME_PROPERTY);
        backend = new FileBackend(Path.of(home == null ? "" : home), config.workers());
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
