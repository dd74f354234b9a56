package io.doorbell.backends;

import io.doorbell.storage.BackendProvider;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceSpec;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/** {@link NullBackend} as a service. */
@Component(property = "doorbell.backend=null")
public final class NullBackendComponent implements BackendProvider {
    private final NullBackend backend = new NullBackend();

    @Activate
    public NullBackendComponent() {}

    @Override
    public String kind() {
        return backend.kind();
    }

    @Override
    public Namespace open(NamespaceSpec spec) {
        return backend.open(spec);
    }
}
