/** Reactors and leases. The two exported packages are plain Java; the components around them make services of them in a container. */
module io.doorbell.resources {
    requires transitive io.doorbell.api;
    requires org.slf4j;
    requires static osgi.annotation;

    exports io.doorbell.resources.reactor;
}
