/** NVMe over Fabrics without a wire: what transports on a network share. */
module io.doorbell.fabrics {
    requires transitive io.doorbell.driver;
    requires org.slf4j;
    requires static osgi.annotation;
    requires static osgi.core;
    requires static org.osgi.service.component;
    requires static org.osgi.service.component.annotations;
    requires static org.osgi.service.metatype.annotations;

    exports io.doorbell.fabrics;
    exports io.doorbell.fabrics.auth;
    exports io.doorbell.fabrics.host;
}
