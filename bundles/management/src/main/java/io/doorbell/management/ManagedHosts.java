package io.doorbell.management;

import io.doorbell.lease.LeaseSnapshot;
import io.doorbell.target.IoUsage;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import javax.management.MBeanServer;
import javax.management.NotificationBroadcasterSupport;

/** {@code io.doorbell:type=Hosts}. Any thread. */
final class ManagedHosts implements HostsMXBean, AutoCloseable {
    /** Hosts on PCI have no name. */
    static final String PCI = "pci";

    private final TargetServices services;
    private final Registration registration;

    ManagedHosts(TargetServices services, MBeanServer server) {
        this.services = services;
        this.registration = Registration.of(
                server,
                Registration.name("Hosts"),
                new DescribedMBean<>(this, HostsMXBean.class, new NotificationBroadcasterSupport()));
    }

    @Override
    public SortedMap<String, HostRow> getHosts() {
        var usage = usageByHost(services);
        var connections = services.leases.leases().stream()
                .map(LeaseSnapshot::host)
                .filter(host -> !host.isEmpty())
                .collect(Collectors.groupingBy(host -> host, Collectors.counting()));
        var names = new TreeSet<>(usage.keySet());
        names.addAll(connections.keySet());
        var rows = new TreeMap<String, HostRow>();
        for (var name : names) {
            SortedMap<String, IoUsage> bySubsystem = usage.getOrDefault(name, Collections.emptySortedMap());
            rows.put(name, row(name, connections.getOrDefault(name, 0L).intValue(), bySubsystem));
        }
        return rows;
    }

    /** By host, then by subsystem. */
    static SortedMap<String, SortedMap<String, IoUsage>> usageByHost(TargetServices services) {
        var hosts = new TreeMap<String, SortedMap<String, IoUsage>>();
        services.usage().forEach((nqn, usages) -> {
            for (var usage : usages) {
                var host = usage.hostNqn().isEmpty() ? PCI : usage.hostNqn();
                hosts.computeIfAbsent(host, ignored -> new TreeMap<>()).merge(nqn, usage, IoUsage::plus);
            }
        });
        return hosts;
    }

    private static HostRow row(String name, int connections, Map<String, IoUsage> bySubsystem) {
        var sum = bySubsystem.values().stream().reduce(IoUsage.none(0, name), IoUsage::plus);
        return new HostRow(
                name,
                connections,
                List.copyOf(bySubsystem.keySet()),
                sum.readCommands(),
                sum.writeCommands(),
                sum.otherCommands(),
                sum.failedCommands(),
                sum.readBytes(),
                sum.writtenBytes(),
                Latency.of(sum.readLatency()),
                Latency.of(sum.writeLatency()));
    }

    @Override
    public void close() {
        registration.close();
    }
}
