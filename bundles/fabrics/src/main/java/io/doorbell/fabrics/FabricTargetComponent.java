package io.doorbell.fabrics;

import io.doorbell.nvme.TransportId;
import io.doorbell.target.TargetSubsystem;
import java.util.Arrays;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The node's {@link FabricTarget} as a service, with all its subsystems. */
@Component(
        service = {},
        configurationPid = "io.doorbell.fabrics",
        immediate = true)
@Designate(ocd = FabricTargetComponent.Config.class)
public final class FabricTargetComponent {
    private static final Logger LOG = LoggerFactory.getLogger(FabricTargetComponent.class);

    @ObjectClassDefinition(name = "NVMe over Fabrics", description = "What transports on a network share")
    @interface Config {
        @AttributeDefinition(
                name = "Referrals",
                description = "Discovery controllers elsewhere that hosts are told of: trtype:TCP traddr:ADDRESS"
                        + " trsvcid:8009",
                required = false)
        String[] referrals() default {};
    }

    private final FabricTarget target = new FabricTarget();
    private final ServiceRegistration<FabricTarget> service;

    @Activate
    public FabricTargetComponent(BundleContext context, Config config) {
        modified(config);
        service = context.registerService(FabricTarget.class, target, null);
    }

    @Modified
    void modified(Config config) {
        try {
            target.referrals(Arrays.stream(config.referrals())
                    .map(String::trim)
                    .filter(referral -> !referral.isEmpty())
                    .map(TransportId::parse)
                    .toList());
        } catch (IllegalArgumentException wrong) {
            LOG.error("config/io.doorbell.fabrics.cfg: {}. Nothing was changed", wrong.getMessage());
        }
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void addSubsystem(TargetSubsystem subsystem) {
        target.add(subsystem);
    }

    void removeSubsystem(TargetSubsystem subsystem) {
        target.remove(subsystem);
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void addHost(FabricHostComponent host) {
        if (host.host() != null) {
            target.add(host.host());
        }
    }

    void removeHost(FabricHostComponent host) {
        if (host.host() != null) {
            target.remove(host.host());
        }
    }

    @Deactivate
    void deactivate() {
        // First the service: listeners close, and their hosts go with them.
        service.unregister();
        target.close();
    }
}
