/** The controller side of NVMe, without a transport. */
module io.doorbell.subsystem {
    requires transitive io.doorbell.api;
    requires com.fasterxml.jackson.jr.ob;
    requires org.slf4j;
    requires static osgi.annotation;
    requires static osgi.core;
    requires static org.osgi.service.component;
    requires static org.osgi.service.component.annotations;
    requires static org.osgi.service.metatype.annotations;

    exports io.doorbell.subsystem;
}
