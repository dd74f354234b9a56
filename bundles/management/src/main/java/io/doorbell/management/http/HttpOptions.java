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

    @AttributeDefinition(name = "User", description = "Who may log in.", min = "1", max = "64")
    String user() default "admin";

    @AttributeDefinition(
            name = "Password file",
            description =
                    "File with the password, readable by its owner only; a relative path is below the node's home."
                            + " Made with a random password where it is missing.",
            min = "1")
    String password_file() default "var/management.password";
}
