package io.doorbell.backends;

import io.doorbell.storage.BackendProvider;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceSpec;
import java.nio.file.Path;

/**
 * Kind {@code file}: a sparse file, made when it is not there; a plain image where blocks have no metadata. A second, small file beside it keeps size, block size and
 * UUID. Only one node at a time has it open. Durable after Flush, and with FUA.
 */
public final class FileBackend implements BackendProvider {
    static final int DEFAULT_WORKERS = 4;
    private static final int MAX_WORKERS = 64;

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
