/** What stands in a home's config/ and deploy/ becomes what runs. */
module io.doorbell.deployment {
    requires io.doorbell.api;
    requires static osgi.annotation;
    requires static osgi.core;
    requires static org.apache.felix.fileinstall;
    requires static org.osgi.service.cm;
    requires static org.osgi.service.component;
    requires static org.osgi.service.component.annotations;
    requires java.xml;
    requires org.slf4j;
}
