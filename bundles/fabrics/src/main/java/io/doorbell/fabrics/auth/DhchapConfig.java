package io.doorbell.fabrics.auth;

import org.osgi.service.metatype.annotations.AttributeDefinition;

/** Options by which a host and a controller know each other: a part of the configuration of either side. */
public @interface DhchapConfig {
    @AttributeDefinition(
            name = "Key",
            description = "File of the host's key for DH-HMAC-CHAP. Empty: it has none.",
            required = false)
    String dhchap_key() default "";

    @AttributeDefinition(
            name = "Key of the controller",
            description = "File of the key by which the controller shows the host who it is. Empty: it has none.",
            required = false)
    String dhchap_controller_key() default "";

    @AttributeDefinition(
            name = "Hash functions",
            description = "sha256, sha384, sha512: those that may be used, the best first",
            required = false)
    String[] dhchap_hashes() default {"sha512", "sha384", "sha256"};

    @AttributeDefinition(
            name = "Groups",
            description = "null, ffdhe2048 to ffdhe8192: those that may be used, the best first",
            required = false)
    String[] dhchap_groups() default {"ffdhe3072", "ffdhe4096", "ffdhe6144", "ffdhe8192", "ffdhe2048"};
}
