package io.doorbell.management;

import io.doorbell.lease.LeaseSnapshot;
import io.doorbell.statistics.LatencySnapshot;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import javax.management.MBeanServer;
import javax.management.NotificationBroadcasterSupport;

/** {@code io.doorbell:type=Connections}. Any thread. */
final class ManagedConnections implements ConnectionsMXBean, AutoCloseable {
    private final TargetServices services;
    private final Registration registration;

    ManagedConnections(TargetServices services, MBeanServer server) {
        this.services = services;
        this.registration = Registration.of(
                server,
                Registration.name("Connections"),
                new DescribedMBean<>(this, ConnectionsMXBean.class, new NotificationBroadcasterSupport()));
    }

    private List<LeaseSnapshot> connections() {
        return services.leases.leases().stream()
                .filter(lease -> !lease.host().isEmpty())
                .toList();
    }

    @Override
    public SortedMap<Long, ConnectionRow> getConnections() {
        var rows = new TreeMap<Long, ConnectionRow>();
        var latencies = services.leases.latencies();
        for (var lease : connections()) {
            rows.put(
                    lease.id(),
                    new ConnectionRow(
                            lease.id(),
                            lease.controller(),
                            lease.host(),
                            lease.label(),
                            lease.queueId(),
                            lease.depth(),
                            lease.inFlight(),
                            lease.submitted(),
                            lease.ownerThread(),
                            lease.grantedAtMillis(),
                            Latency.of(latencies.getOrDefault(lease.id(), LatencySnapshot.EMPTY))));
        }
        return rows;
    }

    @Override
    public int getConnectionCount() {
        return connections().size();
    }

    @Override
    public void disconnect(long leaseId) {
        Operation.of("end the connection of lease " + leaseId, () -> {
            if (connections().stream().noneMatch(lease -> lease.id() == leaseId)) {
                throw new IllegalArgumentException("no connection has the lease " + leaseId + "; there are "
                        + connections().stream().map(LeaseSnapshot::id).toList());
            }
            services.leases.revoke(leaseId);
        });
    }

    @Override
    public void close() {
        registration.close();
    }
}
