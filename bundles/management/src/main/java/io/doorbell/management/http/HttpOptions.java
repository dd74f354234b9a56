package io.doorbell.management.http;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** {@code config/io.doorbell.management.cfg}. */
@ObjectClassDefinition(name = "Doorbell management over HTTP", description = "Jolokia, health, metrics and the page.")
public @interface HttpOptions {
    String PID = "io.doorbell.management";

    @AttributeDefinition(
            name = "HTTP",
            description = "Whether the node listens for management over HTTP, or HTTPS, at all.")
    boolean http_enabled() default true;

    @AttributeDefinition(
            name = "Address",
            description = "Literal address to listen on; one that is not loopback takes a keystore for TLS.",
            min = "1")
    String address() default "127.0.0.1";

    @AttributeDefinition(name = "Port", description = "TCP port; 0 takes any free one.", min = "0", max = "65535")
    int port() default 8181;

    @AttributeDefinition(
            name = "Keystore",
            description =
                    "PKCS12 or JKS with one key and its certificate: HTTPS takes the place of HTTP. Empty for HTTP. A"
                            + " relative path is below the node's home.")
    String tls_keystore() default "";

    @AttributeDefinition(
            name = "Password file of the keystore",
            description = "File with the password of the keystore and its key, readable by its owner only.",
            min = "1")
    String tls_keystore_password_file() default "var/management.keystore.password";

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
