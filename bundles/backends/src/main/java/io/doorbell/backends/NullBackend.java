package io.doorbell.backends;

import io.doorbell.storage.BackendProvider;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceSpec;

/**
 * Kind {@code null}: the path to a namespace without the namespace. Reads succeed and leave the host's buffer as it is,
 * writes vanish, Compare finds everything equal. Ranges of a Dataset Management are checked as everywhere.
 */
public final class NullBackend implements BackendProvider {
    public NullBackend() {}

    @Override
    public String kind() {
        return "null";
    }

    @Override
    public Namespace open(NamespaceSpec spec) {
        if (!spec.path().isEmpty()) {
            throw new IllegalArgumentException("a null namespace has no path, but one was given: " + spec.path());
        }
        return new NullNamespace(spec.format(), spec.blockCount());
    }
}
