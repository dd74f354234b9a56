/** NVMe/TCP, the target's side; usable without a container by {@link io.doorbell.tcp.TcpTarget#open}. */
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
}
