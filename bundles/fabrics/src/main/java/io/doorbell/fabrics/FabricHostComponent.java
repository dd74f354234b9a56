package io.doorbell.fabrics;

import io.doorbell.fabrics.auth.DhchapConfig;
import io.doorbell.fabrics.auth.HostKeys;
import java.io.IOException;
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
@Designate(ocd = FabricHostComponent.Options.class, factory = true)
public final class FabricHostComponent {
    private static final Logger LOG = LoggerFactory.getLogger(FabricHostComponent.class);

    /** What a file may have. */
    @ObjectClassDefinition(name = "Host", description = "A host on a network that shows who it is")
    interface Options extends DhchapConfig, Config {}

    public @interface Config {
        @AttributeDefinition(name = "NQN", description = "Its name; empty: no host", required = false)
        String nqn() default "";

        @AttributeDefinition(
                name = "Subsystems",
                description = "Where it has to authenticate itself; every NVM subsystem where none is named",
                required = false)
        String[] subsystems() default {};

        @AttributeDefinition(
                name = "TLS key",
                description = "File of its key for listeners with TLS; empty: it reaches none of them",
                required = false)
        String tls_key() default "";
    }

    private final FabricHost host;

    @Activate
    public FabricHostComponent(BundleContext context, DhchapConfig dhchap, Config config) {
        if (config.nqn().isEmpty()) {
            host = null;
            return;
        }
        var keys = HostKeys.of(context, dhchap, config.tls_key());
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
