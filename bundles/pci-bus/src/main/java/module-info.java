/** PCI functions as Linux shows them in sysfs, who uses them, and which driver they are bound to. */
module io.doorbell.pcibus {
    requires io.doorbell.platform;
    requires static osgi.annotation;

    exports io.doorbell.pcibus;
}
