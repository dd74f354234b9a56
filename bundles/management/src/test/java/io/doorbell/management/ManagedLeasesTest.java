package io.doorbell.management;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.doorbell.lease.LeaseEvent;
import io.doorbell.lease.LeaseSnapshot;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import javax.management.MBeanServer;
import javax.management.MBeanServerFactory;
import javax.management.Notification;
import javax.management.ObjectName;
import javax.management.RuntimeMBeanException;
import javax.management.openmbean.CompositeData;
import javax.management.openmbean.TabularData;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ManagedLeasesTest {
    /** Of what takes some milliseconds, on a machine that has much else to do. */
    private static final Duration BOUND = Duration.ofSeconds(60);

    private static final ObjectName NAME = Registration.name("Leases");

    private final MBeanServer server = MBeanServerFactory.newMBeanServer();
    private final TestLeases registry = new TestLeases();
    private final ManagedLeases leases = new ManagedLeases(registry, server);

    @AfterEach
    void close() {
        leases.close();
    }

    @Test
    void showsEveryFieldOfEveryLeaseById() throws Exception {
        registry.grant(7);
        registry.grant(9);

        var table = (TabularData) server.getAttribute(NAME, "Leases");

        assertThat(table.size()).isEqualTo(2);
        var row = (CompositeData) table.get(new Object[] {9L}).get("value");
        assertThat(row.getCompositeType().keySet())
                .isEqualTo(Arrays.stream(LeaseSnapshot.class.getRecordComponents())
                        .map(component -> component.getName())
                        .collect(Collectors.toSet()));
        assertThat(row.get("id")).isEqualTo(9L);
        assertThat(row.get("controller")).isEqualTo(TestLeases.CONTROLLER);
        assertThat(row.get("state")).isEqualTo("GRANTED");
        assertThat(row.get("failed")).isEqualTo(1L);
        assertThat(server.getAttribute(NAME, "LeaseCount")).isEqualTo(2);
    }

    @Test
    void showsCapacityByController() throws Exception {
        registry.grant(7);

        var table = (TabularData) server.getAttribute(NAME, "Capacity");

        var row =
                (CompositeData) table.get(new Object[] {TestLeases.CONTROLLER}).get("value");
        assertThat(row.get("total")).isEqualTo(32);
        assertThat(row.get("leased")).isEqualTo(1);
        assertThat(row.get("guaranteed")).isEqualTo(4);
    }

    @Test
    void revokesALeaseAndReturnsTheTimeOfEachStep() throws Exception {
        registry.grant(7);
        registry.grant(9);

        var event = (CompositeData) server.invoke(NAME, "revoke", new Object[] {7L}, new String[] {"long"});

        assertThat(event.get("kind")).isEqualTo("FENCED");
        assertThat(event.get("reason")).isEqualTo("OPERATOR");
        assertThat(event.get("inFlight")).isEqualTo(5);
        assertThat(event.get("aborted")).isEqualTo(2);
        assertThat(event.get("drainNanos")).isEqualTo(1_000L);
        assertThat(event.get("abortNanos")).isEqualTo(200L);
        assertThat(event.get("deleteNanos")).isEqualTo(300L);
        assertThat(event.get("closeNanos")).isEqualTo(40L);
        assertThat(((CompositeData) event.get("lease")).get("id")).isEqualTo(7L);
        assertThat(registry.leases()).extracting(LeaseSnapshot::id).containsExactly(9L);
    }

    @Test
    void namesTheLeasesThereAreWhenOneIsNotThere() {
        registry.grant(7);
        registry.grant(9);

        assertThatThrownBy(() -> server.invoke(NAME, "revoke", new Object[] {8L}, new String[] {"long"}))
                .isInstanceOf(RuntimeMBeanException.class)
                .cause()
                .isExactlyInstanceOf(IllegalArgumentException.class)
                .hasMessage("no lease 8; leases now: 7, 9")
                .hasNoCause();
        assertThat(registry.leases()).hasSize(2);
    }

    @Test
    void tellsListenersOfEachEventWithTheSameDataAsTheHistory() throws Exception {
        var heard = new CopyOnWriteArrayList<Notification>();
        server.addNotificationListener(NAME, (notification, _) -> heard.add(notification), null, null);

        registry.grant(7);
        registry.revoke(7);

        await().atMost(BOUND).untilAsserted(() -> assertThat(heard).hasSize(2));
        assertThat(heard)
                .extracting(Notification::getType)
                .containsExactly("io.doorbell.lease.granted", "io.doorbell.lease.fenced");
        assertThat(heard).extracting(Notification::getSequenceNumber).containsExactly(1L, 2L);
        assertThat(heard.getLast().getMessage())
                .isEqualTo("FENCED: lease 7 of queue pair 7 of trtype:EMULATED traddr:nvme0,"
                        + " held by io.doorbell.bundle-perf 0.1.0; reason: OPERATOR");
        assertThat(heard).extracting(Notification::getUserData).isEqualTo(List.of((Object[])
                server.getAttribute(NAME, "History")));
    }

    @Test
    void announcesTheTypeOfEveryNotification() throws Exception {
        assertThat(server.getMBeanInfo(NAME).getNotifications()[0].getNotifTypes())
                .hasSameSizeAs(LeaseEvent.Kind.values())
                .contains("io.doorbell.lease.not_polled");
    }

    @Test
    void dropsNotificationsRatherThanWaitForASlowListener() throws Exception {
        var free = new CountDownLatch(1);
        server.addNotificationListener(
                NAME,
                (_, _) -> {
                    try {
                        free.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                },
                null,
                null);

        // More than can wait: without the bound this would never return, or take memory without end.
        for (int i = 0; i < 2_000; i++) {
            registry.grant(i);
        }

        assertThat((long) server.getAttribute(NAME, "DroppedNotifications"))
                .isBetween(2_000L - 1_024 - 1, 2_000L - 1_024);
        free.countDown();
    }

    @Test
    void isGoneWhenClosedAndHearsNothingAnyMore() {
        leases.close();
        leases.close();

        assertThat(server.isRegistered(NAME)).isFalse();
        assertThat(registry.listeners()).isZero();
    }

    @Test
    void refusesASecondOneAndLeavesTheFirst() {
        assertThatThrownBy(() -> new ManagedLeases(new TestLeases(), server))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("there is an MBean io.doorbell:type=Leases already");

        assertThat(server.isRegistered(NAME)).isTrue();
    }
}
