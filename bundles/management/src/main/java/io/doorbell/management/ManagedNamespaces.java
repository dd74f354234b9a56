package io.doorbell.management;

import io.doorbell.target.IoUsage;
import io.doorbell.target.TargetSubsystem.AllocatedNamespace;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import javax.management.MBeanServer;
import javax.management.NotificationBroadcasterSupport;

/** {@code io.doorbell:type=Namespaces}. Any thread. */
final class ManagedNamespaces implements NamespacesMXBean, AutoCloseable {
    private static final Pattern GROUP = Pattern.compile(".*;ana=(\\d+).*");

    private final TargetServices services;
    private final Registration registration;

    ManagedNamespaces(TargetServices services, MBeanServer server) {
        this.services = services;
        this.registration = Registration.of(
                server,
                Registration.name("Namespaces"),
                new DescribedMBean<>(this, NamespacesMXBean.class, new NotificationBroadcasterSupport()));
    }

    @Override
    public SortedMap<String, NamespaceRow> getNamespaces() {
        var rows = new TreeMap<String, NamespaceRow>();
        var usage = services.usage();
        var operators = services.operators();
        services.subsystems().forEach((nqn, subsystem) -> {
            var operator = operators.get(nqn);
            if (operator == null) {
                return; // On its way out.
            }
            var spelled = operator.configuration();
            for (var namespace : subsystem.namespaces()) {
                rows.put(
                        nqn + "/" + namespace.nsid(), row(nqn, namespace, spelled, usage.getOrDefault(nqn, List.of())));
            }
        });
        return rows;
    }

    private static NamespaceRow row(
            String nqn, AllocatedNamespace namespace, Map<String, Object> spelled, List<IoUsage> usage) {
        int nsid = namespace.nsid();
        var shape = namespace.shape();
        var sum = usage.stream().filter(each -> each.nsid() == nsid).reduce(IoUsage.none(nsid, ""), IoUsage::plus);
        var group = GROUP.matcher(entry(ManagedSubsystems.list(spelled, "namespaces"), nsid));
        return new NamespaceRow(
                nqn,
                nsid,
                shape.backend(),
                shape.blockCount(),
                shape.blockBytes(),
                shape.byteSize(),
                group.matches() ? Integer.parseInt(group.group(1)) : 1,
                entry(ManagedSubsystems.list(spelled, "namespace.limits"), nsid),
                sum.readCommands(),
                sum.writeCommands(),
                sum.otherCommands(),
                sum.failedCommands(),
                sum.readBytes(),
                sum.writtenBytes(),
                Latency.of(sum.readLatency()),
                Latency.of(sum.writeLatency()));
    }

    /** What stands behind {@code nsid=}, or nothing. */
    private static String entry(List<String> entries, int nsid) {
        var key = nsid + "=";
        return entries.stream()
                .filter(each -> each.startsWith(key))
                .map(each -> each.substring(key.length()))
                .findFirst()
                .orElse("");
    }

    @Override
    public int getNamespaceCount() {
        return services.subsystems().values().stream()
                .mapToInt(subsystem -> subsystem.namespaces().size())
                .sum();
    }

    @Override
    public void close() {
        registration.close();
    }
}
