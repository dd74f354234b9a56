package io.doorbell.management;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import javax.management.MBeanServer;
import javax.management.MBeanServerFactory;
import org.junit.jupiter.api.Test;

class ManagedEventsTest {
    private static final int TOLD = 2_000;

    private final MBeanServer server = MBeanServerFactory.newMBeanServer();

    @Test
    void theLatestAreKeptAndASlowListenerLosesSome() throws Exception {
        var name = Registration.name("Events");
        var free = new CountDownLatch(1);
        try (var events = new ManagedEvents(server)) {
            assertThat(events.getLatestId()).isZero();
            server.addNotificationListener(
                    name,
                    (_, _) -> {
                        try {
                            free.await();
                        } catch (InterruptedException e) {
                            Thread.currentThread().interrupt();
                        }
                    },
                    null,
                    null);

            for (int i = 0; i < TOLD; i++) {
                events.tell("link.up", "tcp" + i, "listens");
            }

            assertThat(server.getAttribute(name, "LatestId")).isEqualTo((long) TOLD);
            assertThat(events.getEvents()).hasSize(ManagedEvents.MAX_EVENTS);
            assertThat(events.getEvents().getLast().id()).isEqualTo(TOLD);
            assertThat(events.getEvents().getLast().subject()).isEqualTo("tcp1999");
            // As many as may wait, and the one that the listener has.
            assertThat((long) server.getAttribute(name, "DroppedNotifications"))
                    .isBetween(TOLD - 1_024L - 1, TOLD - 1_024L);
            free.countDown();
        }
    }
}
