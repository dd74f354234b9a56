package io.doorbell.management;

import io.doorbell.workload.WorkloadRunner;
import java.lang.management.ManagementFactory;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/** Has an MBean of perf runs while a plug-in runs workloads. */
@Component(service = {})
public final class PerfManagement {
    private final ManagedPerfRuns bean;

    @Activate
    public PerfManagement(@Reference WorkloadRunner service) {
        bean = new ManagedPerfRuns(service, ManagementFactory.getPlatformMBeanServer());
    }

    @Deactivate
    void deactivate() {
        bean.close();
    }
}
