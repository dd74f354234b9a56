package io.doorbell.backends;

import io.doorbell.platform.NativeMemory;
import io.doorbell.storage.BackendProvider;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceSpec;
import org.osgi.service.component.annotations.Component;

/**
 * Kind {@code memory}: memory of this process, up to 1 TiB. Linux gives pages as blocks are first written and takes them
 * back as they are deallocated, so a namespace costs what is in it. The data ends with the namespace.
 */
@Component(service = BackendProvider.class, property = "doorbell.backend=memory")
public final class MemoryBackend implements BackendProvider {
    public MemoryBackend() {}

    @Override
    public String kind() {
        return "memory";
    }

    @Override
    public Namespace open(NamespaceSpec spec) {
        if (!spec.path().isEmpty()) {
            throw new IllegalArgumentException("a memory namespace has no path, but one was given: " + spec.path());
        }
        if (spec.byteSize() > NativeMemory.MAX_BYTES) {
            throw new IllegalArgumentException("size " + spec.byteSize() + " of a memory namespace: at most "
                    + NativeMemory.MAX_BYTES + " bytes (1 TiB)");
        }
        return new MemoryNamespace(spec.blockBytes(), spec.blockCount());
    }
}
