/** What stands in a home's config/ and deploy/ becomes what runs. */
module io.doorbell.deployment {
    requires static osgi.annotation;
    requires static osgi.core;
    requires java.xml;
    requires org.slf4j;
}
