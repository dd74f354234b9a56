/** What drivers of NVMe controllers share, whatever carries the commands. */
module io.doorbell.driver {
    requires transitive io.doorbell.api;
    requires org.slf4j;
    requires static osgi.annotation;
    requires static osgi.core;

    exports io.doorbell.driver;
}
