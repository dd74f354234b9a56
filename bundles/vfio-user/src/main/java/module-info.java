/** The vfio-user protocol: a PCI function in another process. Messages as data, and the channel that carries them. */
module io.doorbell.vfiouser {
    requires transitive io.doorbell.platform;
    requires com.fasterxml.jackson.jr.ob;
    requires org.slf4j;
    requires static osgi.annotation;

    exports io.doorbell.vfiouser;
}
