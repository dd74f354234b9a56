/**
 * NVMe over RDMA, the host's side; usable without a container by {@link io.doorbell.fabrics.host.FabricController#open} with a
 * {@link io.doorbell.rdmahost.RdmaHostTransport}.
 */
module io.doorbell.rdmahost {
    requires transitive io.doorbell.fabrics;
    requires org.slf4j;
    requires static osgi.annotation;
    requires static osgi.core;
    requires static org.osgi.service.component;
    requires static org.osgi.service.component.annotations;
    requires static org.osgi.service.metatype.annotations;

    exports io.doorbell.rdmahost;
}
