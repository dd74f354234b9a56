/** The launcher: an embedded Felix, the command line, and the distribution around them. */
module io.doorbell.runtime {
    requires static osgi.annotation;
    requires java.management;
    requires com.fasterxml.jackson.jr.ob;
    requires info.picocli;
    requires jolokia.client.java;
    requires jolokia.json;
    requires java.net.http;
    requires io.doorbell.nvme;
    requires io.doorbell.pcibus;
    requires io.doorbell.platform;
    requires org.apache.felix.framework;
    requires org.osgi.service.log;
    requires org.slf4j;
    requires ch.qos.logback.classic;

    opens io.doorbell.runtime to
            info.picocli;
    opens io.doorbell.runtime.doctor to
            info.picocli;
    opens io.doorbell.runtime.remote to
            info.picocli;
}
