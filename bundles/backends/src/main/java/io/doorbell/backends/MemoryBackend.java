package io.doorbell.backends;

import io.doorbell.platform.NativeMemory;
import io.doorbell.storage.BackendProvider;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceSpec;

/**
 * Kind {@code memory}: memory of this process, up to 1 TiB. The data ends with the namespace.
 *
 * <p>A small namespace has all of its memory from the start, so that no command waits for Linux to bring a page. A larger
 * one takes pages as blocks are first written and gives them back as blocks are deallocated, so it costs what is in it.
 */
public final class MemoryBackend implements BackendProvider {
    static final int DEFAULT_RESIDENT_MIB = 256;

    private final long residentBytes;

    /** Namespaces of up to 256 MiB are resident. */
    public MemoryBackend() {
        this((long) DEFAULT_RESIDENT_MIB << 20);
    }

    /** @param residentBytes up to which a namespace has all of its memory from the start */
    public MemoryBackend(long residentBytes) {
        this.residentBytes = residentBytes;
    }

    @Override
    public String kind() {
        return "memory";
    }

    @Override
    public Namespace open(NamespaceSpec spec) {
        if (!spec.path().isEmpty()) {
            throw new IllegalArgumentException("a memory namespace has no path, but one was given: " + spec.path());
        }
        long storedBytes = spec.blockCount() * spec.format().storedBytes();
        if (storedBytes > NativeMemory.MAX_BYTES) {
            throw new IllegalArgumentException("size " + spec.byteSize() + " of a memory namespace: at most "
                    + NativeMemory.MAX_BYTES + " bytes (1 TiB)");
        }
        return new MemoryNamespace(spec.format(), spec.blockCount(), storedBytes <= residentBytes);
    }
}
