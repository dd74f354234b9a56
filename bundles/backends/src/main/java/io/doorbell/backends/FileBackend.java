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

/**
 * Kind {@code file}: a sparse file, made when it is not there. A second, small file beside it keeps size, block size and
 * UUID. Only one node at a time has it open. Durable after Flush, and with FUA.
 */
@Component(
        service = BackendProvider.class,
        configurationPid = "io.doorbell.backends.file",
        property = "doorbell.backend=file")
@Designate(ocd = FileBackend.Config.class)
public final class FileBackend implements BackendProvider {
    /** Framework property: where relative paths begin. */
    private static final String HOME_PROPERTY = "doorbell.home";

    private static final int DEFAULT_WORKERS = 4;
    private static final int MAX_WORKERS = 64;

    @ObjectClassDefinition(name = "Namespaces in files")
    public @interface Config {
        @AttributeDefinition(
                name = "Workers",
                description = "Threads that read and write for each file: as many transfers as go to the disk at once."
                        + " Counts for namespaces opened from now on.",
                min = "1",
                max = "64")
        int workers() default DEFAULT_WORKERS;
    }

    private final Path home;
    private final int workers;

    /** With relative paths from the working directory on. */
    public FileBackend() {
        this(Path.of(""), DEFAULT_WORKERS);
    }

    /**
     * @param home where relative paths begin
     * @param workers threads for each file, 1 to 64
     */
    public FileBackend(Path home, int workers) {
        if (workers < 1 || workers > MAX_WORKERS) {
            throw new IllegalArgumentException("workers of the file backend: " + workers + ", 1 to " + MAX_WORKERS);
        }
        this.home = home.toAbsolutePath();
        this.workers = workers;
    }

    @Activate
    public FileBackend(BundleContext context, Config config) {
        this(home(context), config.workers());
    }

    private static Path home(BundleContext context) {
        String home = context.getProperty(HOME_PROPERTY);
        return Path.of(home == null ? "" : home);
    }

    @Override
    public String kind() {
        return "file";
    }

    @Override
    public Namespace open(NamespaceSpec spec) {
        if (spec.path().isEmpty()) {
            throw new IllegalArgumentException("a file namespace needs a path: file:size:blockBytes:path");
        }
        return FileNamespace.open(home.resolve(spec.path()).normalize(), spec, workers);
    }
}
