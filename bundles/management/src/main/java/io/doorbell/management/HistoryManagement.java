package io.doorbell.management;

import io.doorbell.target.IoUsage;
import io.doorbell.target.SubsystemOperator;
import java.lang.management.ManagementFactory;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;

/** Has an MBean of the last hour. */
@Component(service = {})
public final class HistoryManagement {
    private final Set<SubsystemOperator> subsystems = ConcurrentHashMap.newKeySet();
    private final ManagedHistory bean;

    @Activate
    public HistoryManagement() {
        bean = new ManagedHistory(this::total, ManagedHistory.INTERVAL, ManagementFactory.getPlatformMBeanServer());
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void addSubsystem(SubsystemOperator subsystem) {
        subsystems.add(subsystem);
    }

    void removeSubsystem(SubsystemOperator subsystem) {
        subsystems.remove(subsystem);
    }

    private IoUsage total() {
        return subsystems.stream()
                .flatMap(subsystem -> subsystem.usage().stream())
                .reduce(IoUsage.none(0, ""), IoUsage::plus);
    }

    @Deactivate
    void deactivate() {
        bean.close();
    }
}
