package io.doorbell.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.doorbell.platform.NotifySocket;
import io.doorbell.platform.ServiceManager;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import javax.management.JMException;
import javax.management.ObjectName;
import javax.management.StandardMBean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ServiceWatchTest {
    private static final Duration BOUND = Duration.ofSeconds(30);

    @TempDir
    private Path folder;

    @Test
    void aNodeThatIsNotLiveIsSilentUntilItIsAgain() {
        var path = folder.resolve("notify").toString();
        var lives = new AtomicBoolean(false);
        var asked = new AtomicInteger();
        var manager = ServiceManager.of(Map.of("NOTIFY_SOCKET", path, "WATCHDOG_USEC", "20000"));
        try (var socket = new NotifySocket(path);
                var watch = new ServiceWatch(manager, () -> {
                    asked.incrementAndGet();
                    return lives.get();
                })) {
            watch.ready("up");
            assertThat(socket.next()).contains("READY=1\nSTATUS=up");

            await().atMost(BOUND).until(() -> asked.get() > 3);
            assertThat(socket.next()).isEmpty();

            lives.set(true);
            await().atMost(BOUND)
                    .until(() -> socket.next().filter("WATCHDOG=1"::equals).isPresent());
        }
    }

    @Test
    void withoutAManagerNothingIsToldAndNoThreadWatches() {
        try (var watch = new ServiceWatch(Optional.empty(), () -> {
            throw new AssertionError("asked");
        })) {
            watch.ready("up");
            watch.stopping();
        }
    }

    /** As management registers it. */
    public interface HealthMBean {
        boolean isLive();
    }

    /** While its bundle is replaced. */
    private static final class Going implements HealthMBean {
        @Override
        public boolean isLive() {
            throw new NoClassDefFoundError("the bundle wiring is no longer valid");
        }
    }

    @Test
    void healthThatCannotBeReadIsNoEndOfTheWatch() throws JMException {
        var name = new ObjectName("io.doorbell:type=Health");
        var server = ManagementFactory.getPlatformMBeanServer();
        server.registerMBean(new StandardMBean(new Going(), HealthMBean.class), name);
        try {
            assertThat(ServiceWatch.isLive()).isFalse();
        } finally {
            server.unregisterMBean(name);
        }
    }

    @Test
    void aNodeWithoutHealthLivesAsLongAsItRuns() {
        assertThat(ServiceWatch.isLive()).isTrue();
    }
}
