package io.doorbell.management;

import io.doorbell.configuration.ConfigurationFiles;
import io.doorbell.lease.LeaseRegistry;
import io.doorbell.target.ListenerOperator;
import io.doorbell.target.SubsystemOperator;
import io.doorbell.target.TargetSubsystem;
import io.doorbell.verbs.VerbsProvider;
import java.lang.management.ManagementFactory;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import org.osgi.framework.Constants;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Has the MBeans of what hosts reach: subsystems, namespaces, hosts, listeners, connections, transports; and of configuration. */
@Component(service = TargetManagement.class)
public final class TargetManagement {
    private static final Logger LOG = LoggerFactory.getLogger(TargetManagement.class);

    private final TargetServices services;
    private final Deque<AutoCloseable> beans = new ArrayDeque<>();

    @Activate
    public TargetManagement(@Reference LeaseRegistry leases, @Reference ConfigurationFiles files) {
        services = new TargetServices(leases, files);
        var server = ManagementFactory.getPlatformMBeanServer();
        beans.push(new ManagedSubsystems(services, server));
        beans.push(new ManagedNamespaces(services, server));
        beans.push(new ManagedHosts(services, server));
        beans.push(new ManagedListeners(services, server));
        beans.push(new ManagedConnections(services, server));
        beans.push(ManagedCounters.ofTcp(services, server));
        beans.push(ManagedCounters.ofRdma(services, server));
        beans.push(new ManagedConfiguration(files, server));
    }

    TargetServices services() {
        return services;
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void addSubsystem(TargetSubsystem subsystem) {
        services.add(subsystem);
    }

    void removeSubsystem(TargetSubsystem subsystem) {
        services.remove(subsystem);
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void addOperator(SubsystemOperator operator, Map<String, ?> properties) {
        services.add(operator, pid(properties));
    }

    void removeOperator(SubsystemOperator operator) {
        services.remove(operator);
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void addListener(ListenerOperator listener, Map<String, ?> properties) {
        services.add(listener, pid(properties));
    }

    void removeListener(ListenerOperator listener) {
        services.remove(listener);
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void addVerbs(VerbsProvider provider) {
        services.add(provider);
    }

    void removeVerbs(VerbsProvider provider) {
        services.remove(provider);
    }

    private static String pid(Map<String, ?> properties) {
        return String.valueOf(properties.get(Constants.SERVICE_PID));
    }

    @Deactivate
    void deactivate() {
        while (!beans.isEmpty()) {
            try {
                beans.pop().close();
            } catch (Exception e) {
                LOG.warn("an MBean does not go in order", e);
            }
        }
    }
}
