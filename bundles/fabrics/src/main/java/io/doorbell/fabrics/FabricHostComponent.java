package io.doorbell.fabrics;

import io.doorbell.fabrics.auth.HostKeys;
import java.io.IOException;
import java.nio.file.Path;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One host that has keys for each {@code io.doorbell.fabrics.host~NAME.cfg}. */
@Component(
        service = FabricHostComponent.class,
        configurationPid = "io.doorbell.fabrics.host",
        configurationPolicy = ConfigurationPolicy.REQUIRE,
        immediate = true)
@Designate(ocd = FabricHostComponent.Config.class, factory = true)
public final class FabricHostComponent {
    private static final Logger LOG = LoggerFactory.getLogger(FabricHostComponent.class);

    /** Framework property: the node's home. */
    private static final String HOME_PROPERTY = "doorbell.home";

    @ObjectClassDefinition(name = "Host", description = "A host on a network that shows who it is")
    @interface Config {
        @AttributeDefinition(name = "NQN", description = "Its name; empty: no host", required = false)
        String nqn() default "";

        @AttributeDefinition(
                name = "Subsystems",
                description = "Where it has to authenticate itself; every NVM subsystem where none is named",
                required = false)
        String[] subsystems() default {};

        @AttributeDefinition(
                name = "Key",
                description = "File of its DH-HMAC-CHAP key; empty: its name suffices",
                required = false)
        String dhchap_key() default "";

        @AttributeDefinition(
                name = "Key of the controller",
                description = "File of the key with which this node shows who it is to a host that asks",
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

        @AttributeDefinition(
                name = "TLS key",
                description = "File of its key for listeners with TLS; empty: it reaches none of them",
                required = false)
        String tls_key() default "";
    }

    private final FabricHost host;

    @Activate
    public FabricHostComponent(BundleContext context, Config config) {
        if (config.nqn().isEmpty()) {
            host = null;
            return;
        }
        var home = context.getProperty(HOME_PROPERTY);
        var keys = HostKeys.of(
                Path.of(home == null ? "" : home).toAbsolutePath(),
                config.dhchap_key(),
                config.dhchap_controller_key(),
                config.dhchap_hashes(),
                config.dhchap_groups(),
                config.tls_key());
        host = new FabricHost(config.nqn(), ListenerSettings.subsystems(config.subsystems()), keys);
        try {
            if (keys.key() != null) {
                keys.dhchap();
                keys.controller();
            }
            if (keys.tlsKey() != null) {
                keys.tls();
            }
        } catch (IOException wrong) {
            LOG.error("host {} cannot connect until this is mended: {}", host.nqn(), wrong.getMessage());
        }
    }

    /** Null where the file names none. */
    FabricHost host() {
        return host;
    }
}
