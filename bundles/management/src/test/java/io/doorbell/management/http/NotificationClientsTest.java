package io.doorbell.management.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import javax.management.MBeanServer;
import javax.management.MBeanServerFactory;
import javax.management.Notification;
import javax.management.NotificationBroadcasterSupport;
import javax.management.ObjectName;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** On an MBean server of its own, with a clock that is set. */
class NotificationClientsTest {
    private static final long SECOND = 1_000_000_000L;

    /** What JMX asks of a class, public, and a name that ends so. */
    public interface SourceMBean {}

    /** Tells of things. */
    public static final class Source extends NotificationBroadcasterSupport implements SourceMBean {
        private long sequence;

        void tell(String type) {
            sendNotification(new Notification(type, this, ++sequence, "said"));
        }
    }

    private final MBeanServer server = MBeanServerFactory.newMBeanServer();
    private final Source source = new Source();
    private final AtomicLong nanos = new AtomicLong();
    private final NotificationClients clients =
            new NotificationClients(server, name -> !name.getDomain().equals("secret"), nanos::get);

    @BeforeEach
    void register() throws Exception {
        server.registerMBean(source, new ObjectName("open:type=Source"));
        server.registerMBean(new Source(), new ObjectName("secret:type=Source"));
    }

    private String add(String client, String name, String... filter) throws Exception {
        return clients.add(client, new ObjectName(name), List.of(filter), "back", false);
    }

    private List<String> pulled(String client, String handle) {
        return clients.pull(client, handle).getNotifications().stream()
                .map(Notification::getType)
                .toList();
    }

    @Test
    void whatIsAskedForWaitsAndIsHandedOutOnce() throws Exception {
        var client = clients.register();
        var some = add(client, "open:type=Source", "a.b", "c");
        var all = add(client, "*:*");

        source.tell("a.b.c");
        source.tell("a.c");
        source.tell("c");

        assertThat(pulled(client, some)).containsExactly("a.b.c", "c");
        assertThat(pulled(client, some)).isEmpty();
        assertThat(pulled(client, all)).contains("a.b.c", "a.c", "c");
        assertThat(clients.pull(client, all).getHandback()).isEqualTo("back");

        clients.remove(client, some);
        assertThatThrownBy(() -> clients.pull(client, some)).hasMessageContaining("no subscription '" + some);
        clients.unregister(client);
        assertThatThrownBy(() -> clients.pull(client, all)).hasMessageContaining("there is no client");
    }

    @Test
    void whatMayNotBeReadIsNotListenedTo() {
        var client = clients.register();

        assertThatThrownBy(() -> add(client, "secret:type=Source")).hasMessageContaining("may be listened to");
        assertThatThrownBy(() -> add(client, "open:type=Nothing")).hasMessageContaining("open:type=Nothing");
        assertThat(clients.subscriptions(client)).isEmpty();
    }

    @Test
    void ofMoreThanIsKeptTheOldestAreDroppedAndCounted() throws Exception {
        var client = clients.register();
        var handle = add(client, "open:type=Source");

        for (int i = 0; i < NotificationClients.MAX_ENTRIES + 3; i++) {
            source.tell("n" + i);
        }

        var result = clients.pull(client, handle);
        assertThat(result.getDropped()).isEqualTo(3);
        assertThat(result.getNotifications()).hasSize(NotificationClients.MAX_ENTRIES);
        assertThat(result.getNotifications().getFirst().getType()).isEqualTo("n3");
        assertThat(clients.pull(client, handle).getDropped()).isZero();
    }

    @Test
    void clientsAndSubscriptionsAreBoundedAndTheSilentMakeRoom() throws Exception {
        var first = clients.register();
        for (int i = 0; i < NotificationClients.MAX_SUBSCRIPTIONS; i++) {
            add(first, "open:type=Source");
        }
        assertThatThrownBy(() -> add(first, "open:type=Source")).hasMessageContaining("may have no more");
        for (int i = 1; i < NotificationClients.MAX_CLIENTS; i++) {
            clients.register();
        }
        assertThatThrownBy(clients::register).hasMessageContaining("and no more may be");

        nanos.addAndGet(NotificationClients.EXPIRY.toNanos());
        clients.ping(first);
        nanos.addAndGet(SECOND);
        var late = clients.register();

        assertThat(clients.subscriptions(first)).hasSize(NotificationClients.MAX_SUBSCRIPTIONS);
        assertThat(clients.subscriptions(late)).isEmpty();
        for (int i = 2; i < NotificationClients.MAX_CLIENTS; i++) {
            clients.register();
        }
        assertThatThrownBy(clients::register).hasMessageContaining("and no more may be");
    }

    @Test
    @Timeout(60)
    void aStreamGetsWhatIsStreamedAndEndsForANewOneAndWithItsClient() throws Exception {
        var id = clients.register();
        clients.add(id, new ObjectName("open:type=Source"), List.of(), null, true);
        var client = clients.known(id);
        var stream = client.openStream();
        var teller = Thread.ofVirtual().start(() -> source.tell("streamed"));

        var results = client.awaited(stream, Duration.ofSeconds(30).toMillis());

        assertThat(results).hasSize(1);
        assertThat(results.getFirst().getNotifications().getFirst().getType()).isEqualTo("streamed");
        teller.join();
        assertThat(client.awaited(stream, 1)).isEmpty();
        var next = client.openStream();
        assertThat(client.awaited(stream, Duration.ofSeconds(30).toMillis())).isNull();
        var ending = Thread.ofVirtual().start(() -> clients.unregister(id));
        assertThat(client.awaited(next, Duration.ofSeconds(30).toMillis())).isNull();
        ending.join();
    }

    @Test
    void whenAllEndsNobodyListens() throws Exception {
        var client = clients.register();
        var handle = add(client, "open:type=Source");

        clients.close();
        source.tell("late");

        assertThatThrownBy(() -> clients.pull(client, handle)).hasMessageContaining("there is no client");
    }
}
