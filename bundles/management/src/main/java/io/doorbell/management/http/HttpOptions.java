package io.doorbell.management.http;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** {@code config/io.doorbell.management.cfg}. */
@ObjectClassDefinition(
        name = "Doorbell management over HTTP",
        description = "Jolokia on loopback: leases, controllers, perf runs and reactors as JSON.")
public @interface HttpOptions {
    String PID = "io.doorbell.management";

    @AttributeDefinition(
            name = "HTTP",
            description = "Whether the node listens for management over HTTP at all, on 127.0.0.1.")
    boolean http_enabled() default true;

    @AttributeDefinition(
            name = "Port",
            description = "TCP port on 127.0.0.1; 0 takes any free one.",
            min = "0",
            max = "65535")
    int port() default 8181;

    @AttributeDefinition(name = "User", description = "Who may look, and change things.", min = "1", max = "64")
    String user() default "admin";

    @AttributeDefinition(
            name = "Password file",
            description =
                    "File with the password, readable by its owner only; a relative path is below the node's home."
                            + " Made with a random password where it is missing.",
            min = "1")
    String password_file() default "var/management.password";

    @AttributeDefinition(name = "Monitor", description = "Who may look, and change nothing.", min = "1", max = "64")
    String monitor_user() default "monitor";

    @AttributeDefinition(
            name = "Password file of the monitor",
            description = "As the other one, for the user who may change nothing.",
            min = "1")
    String monitor_password_file() default "var/management.monitor.password";
}
