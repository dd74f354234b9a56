/** Reactors and leases. The two exported packages are plain Java; the components around them make services of them in a container. */
module io.doorbell.resources {
    requires transitive io.doorbell.api;
    requires org.slf4j;
    requires static osgi.annotation;
    requires static osgi.core;
    requires static org.osgi.service.component;
    requires static org.osgi.service.component.annotations;
    requires static org.osgi.service.event;
    requires static org.osgi.service.metatype.annotations;

    exports io.doorbell.resources.lease;
    exports io.doorbell.resources.reactor;
}
