/** PCI functions as Linux shows them in sysfs, who uses them, and which driver they are bound to. Files only. */
module io.doorbell.pcibus {
    requires static osgi.annotation;

    exports io.doorbell.pcibus;
}
