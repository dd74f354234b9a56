package io.doorbell.management.http;

import io.doorbell.management.NotificationStoreMBean;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import javax.management.InstanceNotFoundException;
import javax.management.JMException;
import javax.management.ListenerNotFoundException;
import javax.management.MBeanServer;
import javax.management.Notification;
import javax.management.NotificationFilterSupport;
import javax.management.NotificationListener;
import javax.management.ObjectName;
import org.jolokia.server.core.service.notification.NotificationResult;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Clients of Jolokia that want to hear of notifications, and what waits for them. Jolokia's own registry has no bounds, forgets nobody, and
 * asks no policy: so this one. Any thread; whoever tells of something never waits for a client.
 */
final class NotificationClients implements NotificationStoreMBean, AutoCloseable {
    static final int MAX_CLIENTS = 32;

    /** Of one client. */
    static final int MAX_SUBSCRIPTIONS = 16;

    /** That wait for one subscription: of more the oldest are dropped, and counted. */
    static final int MAX_ENTRIES = 256;

    /** A client that neither pings, pulls nor listens for so long is forgotten when another one comes. */
    static final Duration EXPIRY = Duration.ofMinutes(5);

    private static final int MAX_FILTERS = 32;
    private static final int MAX_HANDBACK_CHARACTERS = 1024;

    private static final Logger LOG = LoggerFactory.getLogger(NotificationClients.class);

    private final MBeanServer server;
    private final Predicate<ObjectName> readable;
    private final LongSupplier clock;

    // Guarded by this. Taken before the monitor of a client, never after it.
    private final Map<String, Client> clients = new LinkedHashMap<>();

    /** @param readable which MBeans may be listened to: those that may be read */
    NotificationClients(MBeanServer server, Predicate<ObjectName> readable, LongSupplier clock) {
        this.server = server;
        this.readable = readable;
        this.clock = clock;
    }

    /** @return the id of a new client */
    synchronized String register() {
        forgetTheSilent();
        if (clients.size() >= MAX_CLIENTS) {
            throw new IllegalStateException(
                    "there are " + MAX_CLIENTS + " clients for notifications, and no more may be:"
                            + " unregister some, or wait until one was silent for " + EXPIRY.toMinutes() + " minutes");
        }
        var client = new Client(UUID.randomUUID().toString());
        clients.put(client.id, client);
        return client.id;
    }

    private void forgetTheSilent() {
        for (var client : List.copyOf(clients.values())) {
            if (client.isSilent()) {
                forget(client);
            }
        }
    }

    private void forget(Client client) {
        clients.remove(client.id);
        client.end().forEach(this::stopListening);
    }

    synchronized void unregister(String id) {
        forget(known(id));
    }

    void ping(String id) {
        known(id);
    }

    /** @return what is known of each subscription, by its handle */
    Map<String, Subscription> subscriptions(String id) {
        return known(id).subscriptions();
    }

    /**
     * Listens for a client.
     *
     * @param name of an MBean, or a pattern: of those that are there now
     * @param filter beginnings of types; empty for all
     * @param streamed whether a stream is to have them, and not {@link #pull}
     * @return the handle of the subscription
     */
    synchronized String add(String id, ObjectName name, List<String> filter, Object handback, boolean streamed) {
        var client = known(id);
        if (filter.size() > MAX_FILTERS) {
            throw new IllegalArgumentException(
                    "filter has " + filter.size() + " types, of " + MAX_FILTERS + " at most");
        }
        if (String.valueOf(handback).length() > MAX_HANDBACK_CHARACTERS) {
            throw new IllegalArgumentException("handback is longer than " + MAX_HANDBACK_CHARACTERS + " characters");
        }
        var names = server.queryNames(name, null).stream().filter(readable).toList();
        if (names.isEmpty()) {
            throw new IllegalArgumentException("there is no MBean " + name + " that may be listened to");
        }
        var subscription = client.add(name, names, List.copyOf(filter), handback, streamed);
        try {
            listen(subscription);
        } catch (JMException | IllegalArgumentException e) {
            client.remove(subscription.handle);
            stopListening(subscription);
            throw new IllegalArgumentException(name + " cannot be listened to: " + e.getMessage());
        }
        return subscription.handle;
    }

    private void listen(Subscription subscription) throws JMException {
        var filter = new NotificationFilterSupport();
        subscription.filter.forEach(filter::enableType);
        for (var name : subscription.names) {
            server.addNotificationListener(name, subscription, subscription.filter.isEmpty() ? null : filter, null);
        }
    }

    private void stopListening(Subscription subscription) {
        for (var name : subscription.names) {
            try {
                server.removeNotificationListener(name, subscription);
            } catch (InstanceNotFoundException | ListenerNotFoundException e) {
                LOG.debug("{} is gone already", name);
            }
        }
    }

    synchronized void remove(String id, String handle) {
        stopListening(known(id).remove(handle));
    }

    @Override
    public NotificationResult pull(String clientId, String handle) {
        return known(clientId).pull(handle);
    }

    /** The client of this id, which has shown that it is there. */
    synchronized Client known(String id) {
        var client = id == null ? null : clients.get(id);
        if (client == null) {
            throw new IllegalArgumentException("there is no client '" + id
                    + "' for notifications: it never was, has unregistered, or was silent for " + EXPIRY.toMinutes()
                    + " minutes; register");
        }
        client.isThere();
        return client;
    }

    @Override
    public synchronized void close() {
        List.copyOf(clients.values()).forEach(this::forget);
    }

    /** Somebody who listens. */
    final class Client {
        private final String id;

        // Guarded by this.
        private final Map<String, Subscription> subscriptions = new LinkedHashMap<>();
        private long heardAtNanos = clock.getAsLong();
        private long handles;
        private boolean ended;
        /** Counts streams: one that is not the latest ends. */
        private long stream;

        private Client(String id) {
            this.id = id;
        }

        private synchronized void isThere() {
            heardAtNanos = clock.getAsLong();
        }

        private synchronized boolean isSilent() {
            return clock.getAsLong() - heardAtNanos > EXPIRY.toNanos();
        }

        private synchronized Map<String, Subscription> subscriptions() {
            return new LinkedHashMap<>(subscriptions);
        }

        private synchronized Subscription add(
                ObjectName pattern, List<ObjectName> names, List<String> filter, Object handback, boolean streamed) {
            if (subscriptions.size() >= MAX_SUBSCRIPTIONS) {
                throw new IllegalStateException(
                        "this client has " + MAX_SUBSCRIPTIONS + " subscriptions, and may have no more: remove some");
            }
            var handle = Long.toString(++handles);
            var subscription = new Subscription(this, handle, pattern, names, filter, handback, streamed);
            subscriptions.put(handle, subscription);
            return subscription;
        }

        private synchronized Subscription subscription(String handle) {
            var subscription = handle == null ? null : subscriptions.get(handle);
            if (subscription == null) {
                throw new IllegalArgumentException(
                        "this client has no subscription '" + handle + "'; it has " + subscriptions.keySet());
            }
            return subscription;
        }

        private synchronized Subscription remove(String handle) {
            var subscription = subscription(handle);
            subscriptions.remove(handle);
            return subscription;
        }

        private synchronized NotificationResult pull(String handle) {
            return subscription(handle).taken();
        }

        private synchronized List<Subscription> end() {
            ended = true;
            var all = List.copyOf(subscriptions.values());
            subscriptions.clear();
            notifyAll();
            return all;
        }

        private synchronized void heard(Subscription subscription, Notification notification) {
            subscription.offer(notification);
            if (subscription.streamed) {
                notifyAll();
            }
        }

        /** @return the number of a new stream, which the former one gives way to */
        synchronized long openStream() {
            stream++;
            notifyAll();
            return stream;
        }

        /**
         * Waits for what streamed subscriptions have.
         *
         * @return at most one result of each; empty when none came in time; null when this stream is to end
         */
        synchronized List<NotificationResult> awaited(long streamNumber, long millis) throws InterruptedException {
            var results = new ArrayList<NotificationResult>();
            long deadline = System.nanoTime() + millis * 1_000_000;
            while (!ended && stream == streamNumber) {
                // A stream that is read is a client that is there.
                isThere();
                subscriptions.values().stream()
                        .filter(each -> each.streamed && each.hasSomething())
                        .forEach(each -> results.add(each.taken()));
                long leftMillis = (deadline - System.nanoTime()) / 1_000_000;
                if (!results.isEmpty() || leftMillis <= 0) {
                    return results;
                }
                wait(leftMillis);
            }
            return null;
        }
    }

    /** What a client hears, and what waits for it. Its state is guarded by its client. */
    static final class Subscription implements NotificationListener {
        private final Client client;
        private final String handle;
        private final ObjectName pattern;
        private final List<ObjectName> names;
        private final List<String> filter;
        private final Object handback;
        private final boolean streamed;
        private final Deque<Notification> waiting = new ArrayDeque<>();
        private int dropped;

        private Subscription(
                Client client,
                String handle,
                ObjectName pattern,
                List<ObjectName> names,
                List<String> filter,
                Object handback,
                boolean streamed) {
            this.client = client;
            this.handle = handle;
            this.pattern = pattern;
            this.names = names;
            this.filter = filter;
            this.handback = handback;
            this.streamed = streamed;
        }

        ObjectName pattern() {
            return pattern;
        }

        List<String> filter() {
            return filter;
        }

        Object handback() {
            return handback;
        }

        @Override
        public void handleNotification(Notification notification, Object ignored) {
            client.heard(this, notification);
        }

        private void offer(Notification notification) {
            if (waiting.size() >= MAX_ENTRIES) {
                waiting.remove();
                dropped++;
            }
            waiting.add(notification);
        }

        private boolean hasSomething() {
            return !waiting.isEmpty();
        }

        private NotificationResult taken() {
            var result = new NotificationResult(handle, List.copyOf(waiting), handback, dropped);
            waiting.clear();
            dropped = 0;
            return result;
        }
    }
}
