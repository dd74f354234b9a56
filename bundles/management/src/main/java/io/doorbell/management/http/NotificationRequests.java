package io.doorbell.management.http;

import io.doorbell.management.NotificationStoreMBean;
import io.doorbell.management.http.NotificationClients.Client;
import io.doorbell.management.http.NotificationClients.Subscription;
import java.io.IOException;
import java.io.StringWriter;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.management.AttributeNotFoundException;
import javax.management.InstanceNotFoundException;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.MalformedObjectNameException;
import javax.management.ObjectName;
import javax.management.StandardMBean;
import org.jolokia.core.service.serializer.SerializeOptions;
import org.jolokia.json.JSONObject;
import org.jolokia.json.JSONStructure;
import org.jolokia.server.core.http.BackChannel;
import org.jolokia.server.core.http.BackChannelHolder;
import org.jolokia.server.core.request.EmptyResponseException;
import org.jolokia.server.core.request.JolokiaNotificationRequest;
import org.jolokia.server.core.request.JolokiaRequest;
import org.jolokia.server.core.request.notification.AddCommand;
import org.jolokia.server.core.request.notification.ClientCommand;
import org.jolokia.server.core.request.notification.NotificationCommand;
import org.jolokia.server.core.request.notification.OpenCommand;
import org.jolokia.server.core.request.notification.RemoveCommand;
import org.jolokia.server.core.service.api.DataUpdater;
import org.jolokia.server.core.service.api.JolokiaContext;
import org.jolokia.server.core.service.notification.NotificationResult;
import org.jolokia.server.core.service.request.AbstractRequestHandler;
import org.jolokia.server.core.service.request.RequestHandler;
import org.jolokia.server.core.service.request.RequestInterceptor;
import org.jolokia.server.core.service.serializer.Serializer;
import org.jolokia.server.core.util.RequestType;
import org.jolokia.service.jmx.api.CacheKeyProvider;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Jolokia's requests for notifications, as its clients make them: by {@code pull}, or by {@code sse}, a stream of events (HTML Living
 * Standard §9.2 "Server-sent events"). They change nothing, so who may look may make them. Jolokia 2.6 asks the policy about every
 * type of request but this one; {@link NotificationClients} asks it for each MBean.
 */
final class NotificationRequests extends AbstractRequestHandler {
    /** As Jolokia's own is called. */
    static final ObjectName STORE = name("jolokia:type=NotificationStore,agent=doorbell");

    static final String PULL = "pull";
    private static final String SSE = "sse";

    /** Before Jolokia's own handlers, which count from 0 up. */
    private static final int FIRST = -1;

    /** Often enough for the idle timeout of connections, ours and those of proxies. */
    private static final long HEARTBEAT_MILLIS = 10_000;

    /** Before the servlet container ends it, which it does as an error; browsers open it again. */
    private static final Duration STREAM_BOUND = Duration.ofMinutes(50);

    private static final Logger LOG = LoggerFactory.getLogger(NotificationRequests.class);

    private final MBeanServer server = ManagementFactory.getPlatformMBeanServer();
    private final NotificationClients clients;

    NotificationRequests(JolokiaPolicy policy) {
        super("doorbell", FIRST);
        clients = new NotificationClients(server, name -> !policy.isObjectNameHidden(name), System::nanoTime);
        try {
            server.registerMBean(new StandardMBean(clients, NotificationStoreMBean.class, false), STORE);
        } catch (JMException e) {
            throw new IllegalStateException("the MBean " + STORE + " cannot be registered", e);
        }
    }

    private static ObjectName name(String name) {
        try {
            return new ObjectName(name);
        } catch (MalformedObjectNameException e) {
            throw new IllegalArgumentException(name, e);
        }
    }

    /**
     * Has Jolokia look once for the services of each kind that requests ask it for. It begins to track a kind when it is first asked, in a map
     * that is no map for several threads, and puts the tracker there before it is open: of two requests that come first, and at once,
     * one would find no services, and fail.
     */
    void lookAround() {
        var context = getJolokiaContext();
        context.getServices(RequestHandler.class);
        context.getServices(RequestInterceptor.class);
        context.getServices(Serializer.class);
        context.getServices(DataUpdater.class);
        context.getServices(CacheKeyProvider.class);
    }

    @Override
    public boolean canHandle(JolokiaRequest request) {
        return request.getType() == RequestType.NOTIFICATION;
    }

    @Override
    public <R extends JolokiaRequest> Object handleRequest(R request, Object previousResult)
            throws IOException, EmptyResponseException {
        NotificationCommand command = ((JolokiaNotificationRequest) request).getCommand();
        var id = command instanceof ClientCommand ofClient ? ofClient.getClient() : null;
        switch (command.getType()) {
            case REGISTER -> {
                return registered(clients.register());
            }
            case UNREGISTER -> clients.unregister(id);
            case ADD -> {
                return added((AddCommand) command);
            }
            case REMOVE -> clients.remove(id, ((RemoveCommand) command).getHandle());
            case PING -> clients.ping(id);
            case LIST -> {
                return listed(clients.subscriptions(id));
            }
            case OPEN -> {
                mode(((OpenCommand) command).getMode(), SSE);
                open(clients.known(id));
                throw new EmptyResponseException();
            }
        }
        return null;
    }

    private static JSONObject registered(String id) {
        var answer = new JSONObject();
        answer.put("id", id);
        answer.put(
                "backend",
                Map.of(
                        PULL,
                        Map.of("store", STORE.toString(), "maxEntries", NotificationClients.MAX_ENTRIES),
                        SSE,
                        Map.of(BackChannel.CONTENT_TYPE, "text/event-stream", BackChannel.ENCODING, "UTF-8")));
        return answer;
    }

    private String added(AddCommand command) {
        mode(command.getMode(), PULL, SSE);
        var filter = command.getFilter();
        return clients.add(
                command.getClient(),
                command.getObjectName(),
                filter == null ? List.of() : filter,
                command.getHandback(),
                command.getMode().equalsIgnoreCase(SSE));
    }

    private static void mode(String mode, String... allowed) {
        for (var each : allowed) {
            if (each.equalsIgnoreCase(mode)) {
                return;
            }
        }
        throw new IllegalArgumentException("mode " + mode + " is none of " + String.join(", ", allowed));
    }

    private static JSONObject listed(Map<String, Subscription> subscriptions) {
        var answer = new JSONObject();
        subscriptions.forEach((handle, subscription) -> {
            var fields = new LinkedHashMap<String, Object>();
            fields.put("mbean", subscription.pattern().toString());
            if (!subscription.filter().isEmpty()) {
                fields.put("filter", subscription.filter());
            }
            if (subscription.handback() != null) {
                fields.put("handback", subscription.handback());
            }
            answer.put(handle, fields);
        });
        return answer;
    }

    /** The request's thread has its answer then; a thread of the stream's own goes on. */
    private void open(Client client) throws IOException {
        var channel = BackChannelHolder.get();
        channel.open(Map.of(BackChannel.CONTENT_TYPE, "text/event-stream", BackChannel.ENCODING, "UTF-8"));
        long number = client.openStream();
        Thread.ofVirtual().name("notification-stream").start(() -> stream(client, number, channel));
    }

    private void stream(Client client, long number, BackChannel channel) {
        long until = System.nanoTime() + STREAM_BOUND.toNanos();
        try {
            for (var results = client.awaited(number, 0);
                    results != null && until - System.nanoTime() > 0;
                    results = client.awaited(number, HEARTBEAT_MILLIS)) {
                var text = new StringBuilder();
                for (var result : results) {
                    text.append(events(result));
                }
                var out = channel.getOutputStream();
                out.write((text.isEmpty() ? ":\r\n" : text.toString()).getBytes(StandardCharsets.UTF_8));
                out.flush();
            }
        } catch (IOException | AttributeNotFoundException | IllegalStateException e) {
            LOG.debug("a stream of notifications has ended", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            close(channel);
        }
    }

    private static void close(BackChannel channel) {
        try {
            channel.close();
        } catch (IllegalStateException gone) {
            LOG.debug("a stream of notifications was ended by its client", gone);
        }
    }

    /** One event for each notification, as Jolokia's clients expect it. */
    private String events(NotificationResult result) throws AttributeNotFoundException, IOException {
        JolokiaContext context = getJolokiaContext();
        var serializer = context.getMandatoryService(Serializer.class);
        var events = new StringBuilder();
        int dropped = result.getDropped();
        for (var notification : result.getNotifications()) {
            var one = new NotificationResult(result.getHandle(), List.of(notification), result.getHandback(), dropped);
            dropped = 0;
            var json = new StringWriter();
            ((JSONStructure) serializer.serialize(one, null, SerializeOptions.DEFAULT)).writeJSONString(json);
            // Written by Jolokia in one line: a line break in a text is escaped.
            events.append("id: ")
                    .append(notification.getSequenceNumber())
                    .append("\r\ndata: ")
                    .append(json)
                    .append("\r\n\r\n");
        }
        return events.toString();
    }

    @Override
    public void destroy() throws Exception {
        clients.close();
        try {
            server.unregisterMBean(STORE);
        } catch (InstanceNotFoundException e) {
            LOG.debug("{} is gone already", STORE);
        } catch (JMException e) {
            LOG.warn("{} cannot be unregistered", STORE, e);
        }
        super.destroy();
    }
}
