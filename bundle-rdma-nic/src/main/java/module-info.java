/** RDMA NICs as a provider of verbs; usable without a container by {@link io.doorbell.rdmanic.NicDevices#watch}. */
module io.doorbell.rdmanic {
    requires transitive io.doorbell.api;
    requires org.slf4j;
    requires static disni;
    requires static osgi.annotation;
    requires static osgi.core;
    requires static org.osgi.service.component;
    requires static org.osgi.service.component.annotations;
    requires static org.osgi.service.metatype.annotations;

    exports io.doorbell.rdmanic;
}
