package io.doorbell.runtime;

import io.doorbell.platform.PlatformException;
import io.doorbell.platform.ServiceManager;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import javax.management.AttributeNotFoundException;
import javax.management.InstanceNotFoundException;
import javax.management.JMException;
import javax.management.ObjectName;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells systemd that the node is up, that it lives, and that it stops. It says that the node lives only as long as the node's own
 * health check says so: a node that is stuck is started anew.
 */
final class ServiceWatch implements AutoCloseable {
    /** systemd.service(5) WatchdogSec: half of it, so that one that comes late does no harm. */
    private static final int TIMES_PER_WATCHDOG = 2;

    private static final Duration END_BOUND = Duration.ofSeconds(2);
    private static final Logger LOG = LoggerFactory.getLogger(ServiceWatch.class);

    private final Optional<ServiceManager> manager;
    private final BooleanSupplier lives;
    private Thread watch;

    ServiceWatch(Optional<ServiceManager> manager, BooleanSupplier lives) {
        this.manager = manager;
        this.lives = lives;
    }

    /** What the node's health says; a node without it lives as long as it runs. */
    static boolean isLive() {
        try {
            return !Boolean.FALSE.equals(ManagementFactory.getPlatformMBeanServer()
                    .getAttribute(new ObjectName("io.doorbell:type=Health"), "Live"));
        } catch (InstanceNotFoundException | AttributeNotFoundException e) {
            return true;
        } catch (JMException | RuntimeException e) {
            // JMX wraps what an MBean throws, and its bundle may be replaced at this moment.
            LOG.warn("the node's health cannot be read: {}", e.toString());
            return false;
        }
    }

    void ready(String status) {
        tell("READY=1\nSTATUS=" + status);
        manager.map(ServiceManager::watchdog)
                .filter(Duration::isPositive)
                .ifPresent(watchdog -> watch = Thread.ofPlatform()
                        .name("doorbell-watchdog")
                        .daemon()
                        .start(() -> watch(watchdog.dividedBy(TIMES_PER_WATCHDOG))));
    }

    private void watch(Duration interval) {
        var silent = false;
        try {
            while (true) {
                if (lives.getAsBoolean()) {
                    tell("WATCHDOG=1");
                    silent = false;
                } else if (!silent) {
                    LOG.error("the node is not live, so the service manager will end it: see health");
                    silent = true;
                }
                Thread.sleep(interval);
            }
        } catch (InterruptedException e) {
            // The node stops, which takes no longer than its own bound.
        }
    }

    void stopping() {
        tell("STOPPING=1");
    }

    private void tell(String lines) {
        manager.ifPresent(each -> {
            try {
                each.tell(lines);
            } catch (PlatformException e) {
                LOG.warn(
                        "the service manager cannot be told {}: {}",
                        lines.lines().findFirst().orElse(""),
                        e.getMessage());
            }
        });
    }

    @Override
    public void close() {
        if (watch != null) {
            watch.interrupt();
            try {
                watch.join(END_BOUND);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
