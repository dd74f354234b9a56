package io.doorbell.management;

import io.doorbell.lease.LeaseEvent;
import io.doorbell.lease.LeaseException;
import io.doorbell.lease.LeaseRegistry;
import io.doorbell.lease.LeaseRegistry.Capacity;
import io.doorbell.lease.LeaseSnapshot;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import javax.management.MBeanNotificationInfo;
import javax.management.MBeanServer;
import javax.management.Notification;
import javax.management.NotificationBroadcasterSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code io.doorbell:type=Leases}, from its making to {@link #close}. Any thread. */
final class ManagedLeases implements LeasesMXBean, AutoCloseable {
    static final String NOTIFICATION_PREFIX = "io.doorbell.lease.";

    private static final Logger LOG = LoggerFactory.getLogger(ManagedLeases.class);

    private final LeaseRegistry registry;
    private final AtomicLong sequence = new AtomicLong();
    private final Notifier notifier = new Notifier("lease-notifications");
    private final NotificationBroadcasterSupport broadcaster;
    private final Registration registration;
    private final AutoCloseable subscription;

    ManagedLeases(LeaseRegistry registry, MBeanServer server) {
        this.registry = registry;
        this.broadcaster = new NotificationBroadcasterSupport(
                notifier.executor(),
                new MBeanNotificationInfo(types(), Notification.class.getName(), "Something happened to a lease."));
        this.registration = Registration.of(
                server, Registration.name("Leases"), new DescribedMBean<>(this, LeasesMXBean.class, broadcaster));
        this.subscription = registry.onEvent(this::notifyOf);
    }

    @Override
    public SortedMap<Long, LeaseSnapshot> getLeases() {
        var leases = new TreeMap<Long, LeaseSnapshot>();
        registry.leases().forEach(lease -> leases.put(lease.id(), lease));
        return leases;
    }

    @Override
    public SortedMap<Long, Latency> getLatency() {
        var latencies = new TreeMap<Long, Latency>();
        registry.latencies().forEach((id, latency) -> latencies.put(id, Latency.of(latency)));
        return latencies;
    }

    @Override
    public int getLeaseCount() {
        return registry.leases().size();
    }

    @Override
    public SortedMap<String, Capacity> getCapacity() {
        var capacity = new TreeMap<String, Capacity>();
        registry.capacity().forEach(each -> capacity.put(each.controller(), each));
        return capacity;
    }

    @Override
    public List<LeaseEvent> getHistory() {
        return registry.history();
    }

    @Override
    public long getDroppedNotifications() {
        return notifier.dropped();
    }

    @Override
    public LeaseEvent revoke(long leaseId) {
        return Operation.of("take lease " + leaseId + " back", () -> {
            try {
                return registry.revoke(leaseId);
            } catch (LeaseException e) {
                throw new IllegalArgumentException(e.getMessage() + "; leases now: " + ids());
            }
        });
    }

    private String ids() {
        var leases = registry.leases();
        return leases.isEmpty()
                ? "none"
                : leases.stream().map(lease -> Long.toString(lease.id())).collect(Collectors.joining(", "));
    }

    private void notifyOf(LeaseEvent event) {
        var notification = new Notification(
                NOTIFICATION_PREFIX + lowerCase(event.kind()),
                registration.name(),
                sequence.incrementAndGet(),
                event.timeMillis(),
                words(event));
        notification.setUserData(OpenRecords.composite(event));
        broadcaster.sendNotification(notification);
    }

    static String words(LeaseEvent event) {
        var words = new StringBuilder(event.kind().name());
        var lease = event.lease();
        if (lease != null) {
            words.append(": lease ")
                    .append(lease.id())
                    .append(" of queue pair ")
                    .append(lease.queueId())
                    .append(" of ")
                    .append(lease.controller())
                    .append(", held by ")
                    .append(lease.holder());
        }
        if (event.reason() != null) {
            words.append("; reason: ").append(event.reason());
        }
        return words.toString();
    }

    private static String[] types() {
        return Arrays.stream(LeaseEvent.Kind.values())
                .map(kind -> NOTIFICATION_PREFIX + lowerCase(kind))
                .toArray(String[]::new);
    }

    private static String lowerCase(LeaseEvent.Kind kind) {
        return kind.name().toLowerCase(Locale.ROOT);
    }

    @Override
    public void close() {
        try {
            subscription.close();
        } catch (Exception e) {
            LOG.warn("the lease registry does not let go of its listener", e);
        }
        registration.close();
        notifier.close();
    }
}
