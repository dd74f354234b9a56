package io.doorbell.management;

import io.doorbell.configuration.ConfigurationFiles;
import io.doorbell.reactor.Reactors;
import java.lang.management.ManagementFactory;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/** Has an MBean of the reactors while there are any. */
@Component(service = {})
public final class ReactorManagement {
    private final ManagedReactors bean;

    @Activate
    public ReactorManagement(@Reference Reactors service, @Reference ConfigurationFiles files) {
        bean = new ManagedReactors(service, files, ManagementFactory.getPlatformMBeanServer());
    }

    @Deactivate
    void deactivate() {
        bean.close();
    }
}
