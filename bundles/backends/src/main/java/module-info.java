/** What a namespace stores to: null, memory, file, nvme. */
module io.doorbell.backends {
    requires transitive io.doorbell.api;
    requires org.slf4j;
    requires static osgi.annotation;
    requires static osgi.core;
    requires static org.osgi.service.component;
    requires static org.osgi.service.component.annotations;
    requires static org.osgi.service.metatype.annotations;

    exports io.doorbell.backends;

    provides io.doorbell.storage.BackendProvider with
            io.doorbell.backends.NullBackend,
            io.doorbell.backends.MemoryBackend,
            io.doorbell.backends.FileBackend;
}
