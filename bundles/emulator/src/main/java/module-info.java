/** A subsystem behind a PCI face. */
module io.doorbell.emulator {
    requires transitive io.doorbell.api;
    requires io.doorbell.vfiouser;
    requires org.slf4j;
    requires static org.osgi.service.component;
    requires static org.osgi.service.component.annotations;
    requires static org.osgi.service.metatype.annotations;
    requires static osgi.annotation;
    requires static osgi.core;

    exports io.doorbell.emulator;
    exports io.doorbell.emulator.vfiouser;
}
