/** NVMe over RDMA, the target's side; usable without a container by {@link io.doorbell.rdmatarget.RdmaTarget#open}. */
module io.doorbell.rdmatarget {
    requires transitive io.doorbell.fabrics;
    requires org.slf4j;
    requires static osgi.annotation;
    requires static osgi.core;
    requires static org.osgi.service.component;
    requires static org.osgi.service.component.annotations;
    requires static org.osgi.service.metatype.annotations;

    exports io.doorbell.rdmatarget;
}
