package io.doorbell.management;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.stream.Stream;
import javax.management.MBeanNotificationInfo;
import javax.management.MBeanServer;
import javax.management.Notification;
import javax.management.NotificationBroadcasterSupport;

/** {@code io.doorbell:type=Events}. Any thread tells of events; none waits for a listener. */
final class ManagedEvents implements EventsMXBean, AutoCloseable {
    static final String NOTIFICATION_PREFIX = "io.doorbell.event.";

    /** Events that are remembered. */
    static final int MAX_EVENTS = 512;

    private final Notifier notifier = new Notifier("event-notifications");
    private final NotificationBroadcasterSupport broadcaster;
    private final Registration registration;

    // Guarded by this.
    private final Deque<NodeEvent> events = new ArrayDeque<>();
    private long latestId;

    ManagedEvents(MBeanServer server) {
        broadcaster = new NotificationBroadcasterSupport(
                notifier.executor(),
                new MBeanNotificationInfo(
                        Stream.of(
                                        "lease.granted",
                                        "lease.refused",
                                        "lease.handed_over",
                                        "lease.revoking",
                                        "lease.released",
                                        "lease.fenced",
                                        "lease.not_polled",
                                        "link.up",
                                        "link.down",
                                        "controller.ready",
                                        "controller.resetting",
                                        "controller.failed",
                                        "controller.removed",
                                        "namespaces.changed",
                                        "bundle.started",
                                        "bundle.stopped",
                                        "alarm.raised",
                                        "alarm.cleared")
                                .map(kind -> NOTIFICATION_PREFIX + kind)
                                .toArray(String[]::new),
                        Notification.class.getName(),
                        "Something happened."));
        registration = Registration.of(
                server, Registration.name("Events"), new DescribedMBean<>(this, EventsMXBean.class, broadcaster));
    }

    void tell(String kind, String subject, String message) {
        NodeEvent event;
        synchronized (this) {
            event = new NodeEvent(++latestId, System.currentTimeMillis(), kind, subject, message);
            events.add(event);
            if (events.size() > MAX_EVENTS) {
                events.remove();
            }
        }
        var notification = new Notification(
                NOTIFICATION_PREFIX + kind,
                registration.name(),
                event.id(),
                event.timeMillis(),
                subject + ": " + message);
        notification.setUserData(OpenRecords.composite(event));
        broadcaster.sendNotification(notification);
    }

    @Override
    public synchronized List<NodeEvent> getEvents() {
        return List.copyOf(events);
    }

    @Override
    public synchronized long getLatestId() {
        return latestId;
    }

    @Override
    public long getDroppedNotifications() {
        return notifier.dropped();
    }

    @Override
    public void close() {
        registration.close();
        notifier.close();
    }
}
