/**
 * NVMe/TCP, both sides; usable without a container by {@link io.doorbell.tcp.TcpTarget#open}, and by {@link
 * io.doorbell.fabrics.host.FabricController#open} with a {@link io.doorbell.tcp.host.TcpHostTransport}.
 */
module io.doorbell.tcp {
    requires transitive io.doorbell.fabrics;
    requires org.bouncycastle.provider;
    requires org.bouncycastle.tls;
    requires org.slf4j;
    requires static osgi.annotation;
    requires static osgi.core;
    requires static org.osgi.service.component;
    requires static org.osgi.service.component.annotations;
    requires static org.osgi.service.metatype.annotations;

    exports io.doorbell.tcp;
    exports io.doorbell.tcp.tls;
    exports io.doorbell.tcp.host;
}
