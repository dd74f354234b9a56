/** NVMe over PCI: the driver, usable without a container by {@link io.doorbell.pcie.PcieController#open}. */
module io.doorbell.pcie {
    requires transitive io.doorbell.api;
    requires transitive io.doorbell.driver;
    requires io.doorbell.pcibus;
    requires io.doorbell.vfiouser;
    requires org.slf4j;
    requires static osgi.annotation;
    requires static osgi.core;
    requires static org.osgi.service.component;
    requires static org.osgi.service.component.annotations;
    requires static org.osgi.service.metatype.annotations;

    exports io.doorbell.pcie;
    exports io.doorbell.pcie.vfio;
    exports io.doorbell.pcie.vfiouser;
}
