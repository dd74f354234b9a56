/** MBeans, and Jolokia over HTTP on loopback. Nothing else knows JMX or HTTP. */
module io.doorbell.management {
    requires io.doorbell.api;
    requires java.management;
    requires java.xml;
    requires com.fasterxml.jackson.jr.ob;
    requires io.prometheus.metrics.config;
    requires io.prometheus.metrics.model;
    requires io.prometheus.writer.text;
    requires org.slf4j;
    requires static org.apache.felix.healthcheck.api;
    requires static jakarta.servlet;
    requires static jolokia.core;
    requires static jolokia.json;
    requires static jolokia.server.core;
    requires static jolokia.service.jmx;
    requires static org.osgi.service.cm;
    requires static org.osgi.service.component.annotations;
    requires static org.osgi.service.metatype.annotations;
    requires static org.osgi.service.servlet;
    requires static osgi.annotation;
    requires static osgi.core;

    // The interfaces and records of the MBeans, which JMX reads by reflection.
    exports io.doorbell.management to
            java.management;
}
