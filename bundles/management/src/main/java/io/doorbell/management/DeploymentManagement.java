package io.doorbell.management;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Arrays;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;

/** Has an MBean of what stands in {@code deploy/}. */
@Component(service = {})
public final class DeploymentManagement {
    /** What plug-ins are installed from; everything else is of the distribution. */
    private static final String PLUG_IN_LOCATION = "deploy:";

    private final ManagedDeployment bean;

    @Activate
    public DeploymentManagement(BundleContext context) {
        bean = new ManagedDeployment(
                Path.of(context.getProperty("doorbell.home")),
                name -> Arrays.stream(context.getBundles())
                        .anyMatch(bundle -> name.equals(bundle.getSymbolicName())
                                && !bundle.getLocation().startsWith(PLUG_IN_LOCATION)),
                ManagementFactory.getPlatformMBeanServer());
    }

    @Deactivate
    void deactivate() {
        bean.close();
    }
}
