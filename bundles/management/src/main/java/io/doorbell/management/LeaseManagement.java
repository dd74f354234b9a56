package io.doorbell.management;

import io.doorbell.lease.LeaseRegistry;
import java.lang.management.ManagementFactory;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/** Has an MBean of the leases while there is a lease registry. */
@Component(service = {})
public final class LeaseManagement {
    private final ManagedLeases bean;

    @Activate
    public LeaseManagement(@Reference LeaseRegistry service) {
        bean = new ManagedLeases(service, ManagementFactory.getPlatformMBeanServer());
    }

    @Deactivate
    void deactivate() {
        bean.close();
    }
}
