package io.doorbell.subsystem;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.ControllerCapabilities;
import io.doorbell.nvme.ControllerConfiguration;
import io.doorbell.nvme.ControllerStatus;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.LogPageId;
import io.doorbell.nvme.SmartLog;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.Version;
import io.doorbell.reactor.Reactor;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceSession;
import io.doorbell.storage.NamespaceShape;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ControllerPropertiesTest {
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    private final Rig rig = new Rig();

    @AfterEach
    void close() {
        rig.close();
    }

    private ControllerStatus status() {
        return new ControllerStatus(rig.controller.status());
    }

    private static ControllerConfiguration enable() {
        return new ControllerConfiguration(Rig.ENABLE);
    }

    @Test
    void tellsItsCapabilities() {
        var cap = rig.controller.capabilities();

        assertThat(cap.maxQueueEntries()).isEqualTo(1024);
        assertThat(cap.cqr()).isTrue();
        assertThat(cap.css()).isEqualTo(ControllerCapabilities.CSS_NVM | ControllerCapabilities.CSS_IO_COMMAND_SETS);
        assertThat(cap.minPageBytes()).isEqualTo(4096);
        assertThat(cap.maxPageBytes()).isEqualTo(4096);
        assertThat(cap.crwms()).isTrue();
        assertThat(cap.timeoutMillis()).isPositive();
        assertThat(rig.controller.readyTimeouts() & 0xFFFF).isEqualTo(cap.timeoutMillis() / 500);
        assertThat(rig.controller.version()).isEqualTo(Version.NVME_2_0.raw());
    }

    @Test
    void becomesReadyWhenTheTransportServesItsAdminQueue() {
        rig.transport.answers = false;

        rig.controller.configure(Rig.ENABLE);
        boolean before = status().rdy();
        rig.controller.ready();

        assertThat(rig.transport.calls).containsExactly("enabled");
        assertThat(before).isFalse();
        assertThat(status().rdy()).isTrue();
        assertThat(rig.controller.configuration()).isEqualTo(Rig.ENABLE);
    }

    @Test
    void entrySizesMayBeSetLater() {
        rig.controller.configure(ControllerConfiguration.DISABLED.withEn(true).raw());
        rig.controller.configure(Rig.ENABLE);

        assertThat(status().rdy()).isTrue();
        assertThat(new ControllerConfiguration(rig.controller.configuration()).iosqes())
                .isEqualTo(6);
    }

    @Test
    void failsWhenEnabledWithWhatItCannotDo() {
        var cannot = new ControllerConfiguration[] {
            enable().withMps(1),
            enable().withCss(1),
            enable().withCss(ControllerConfiguration.CSS_ADMIN_ONLY),
            enable().withAms(1),
            enable().withIosqes(7),
            enable().withIocqes(5),
            enable().withCrime(true)
        };
        for (var configuration : cannot) {
            rig.transport.calls.clear();

            rig.controller.configure(configuration.raw());

            assertThat(status().cfs()).as(configuration.toString()).isTrue();
            assertThat(status().rdy()).isFalse();
            assertThat(rig.transport.calls).hasSize(1).first().asString().startsWith("fatal: CC.");
            rig.controller.configure(0);
            assertThat(status()).isEqualTo(ControllerStatus.NOT_READY);
        }
    }

    @Test
    void resetEndsReadyAndBringsTheDefaultsBack() {
        rig.enabled();
        rig.setFeature(FeatureId.NUMBER_OF_QUEUES, 1 << 16 | 1);
        assertThat(rig.controller.grantedIoQueuePairs()).isEqualTo(2);
        var event = rig.eventRequest();

        rig.controller.configure(0);

        assertThat(rig.transport.calls).containsExactly("enabled", "reset");
        assertThat(status()).isEqualTo(ControllerStatus.NOT_READY);
        assertThat(rig.controller.grantedIoQueuePairs()).isEqualTo(Rig.MAX_QUEUE_PAIRS);
        assertThat(rig.controller.abort(event)).as("still pending").isFalse();
        rig.enabled();
        assertThat(status().rdy()).isTrue();
    }

    @Test
    void readyIsNotSaidToAHostThatHasTurnedAway() {
        rig.transport.answers = false;
        rig.controller.configure(Rig.ENABLE);
        rig.controller.configure(0);
        rig.controller.disabled();

        rig.controller.ready();

        assertThat(status().rdy()).isFalse();
    }

    @Test
    void keepsPageSizeCommandSetAndArbitrationWhileEnabled() {
        rig.enabled();

        rig.controller.configure(enable().withMps(3).withCss(6).withAms(1).raw());

        assertThat(rig.controller.configuration()).isEqualTo(Rig.ENABLE);
        assertThat(status().rdy()).isTrue();
        assertThat(rig.transport.calls).containsExactly("enabled");
    }

    @ParameterizedTest
    @ValueSource(ints = {ControllerConfiguration.SHN_NORMAL, ControllerConfiguration.SHN_ABRUPT})
    void shutsDownAndStartsAgainAfterAReset(int shn) {
        rig.enabled();
        rig.transport.answers = false;

        rig.controller.configure(enable().withShn(shn).raw());
        int during = status().shst();
        rig.controller.shutdownComplete();

        assertThat(rig.transport.calls).containsExactly("enabled", "shutdown");
        assertThat(during).isEqualTo(ControllerStatus.SHST_OCCURRING);
        assertThat(status().shst()).isEqualTo(ControllerStatus.SHST_COMPLETE);
        rig.transport.answers = true;
        rig.controller.configure(0);
        rig.enabled();
        assertThat(status()).isEqualTo(ControllerStatus.NOT_READY.withRdy(true));
    }

    @Test
    void shutsDownOnlyOnceForOneNotification() {
        rig.enabled();
        int shutdown = enable().withShn(ControllerConfiguration.SHN_NORMAL).raw();

        rig.controller.configure(shutdown);
        rig.controller.configure(shutdown);

        assertThat(rig.transport.calls).containsExactly("enabled", "shutdown");
    }

    @Test
    void shutdownIsCompleteWhenTheCachesAreFlushed() throws InterruptedException {
        var flushing = new CountDownLatch(1);
        var mayFlush = new CountDownLatch(1);
        rig.subsystem.addNamespace(1, new CachedNamespace(flushing, mayFlush));
        rig.enabled();

        rig.controller.configure(
                enable().withShn(ControllerConfiguration.SHN_NORMAL).raw());
        boolean began = flushing.await(60, TimeUnit.SECONDS);
        int during = status().shst();
        mayFlush.countDown();

        assertThat(began).isTrue();
        assertThat(during).isEqualTo(ControllerStatus.SHST_OCCURRING);
        long startNanos = System.nanoTime();
        while (status().shst() != ControllerStatus.SHST_COMPLETE) {
            assertThat(System.nanoTime() - startNanos).isLessThan(10 * SECOND);
            Thread.onSpinWait();
        }
    }

    @Test
    void aFlushThatEndsAfterAResetDoesNotShutTheControllerDown() throws InterruptedException {
        var flushing = new CountDownLatch(1);
        var mayFlush = new CountDownLatch(1);
        var namespace = new CachedNamespace(flushing, mayFlush);
        rig.subsystem.addNamespace(1, namespace);
        rig.enabled();
        rig.controller.configure(
                enable().withShn(ControllerConfiguration.SHN_NORMAL).raw());
        assertThat(flushing.await(60, TimeUnit.SECONDS)).isTrue();
        rig.controller.configure(0);
        rig.enabled();

        mayFlush.countDown();
        assertThat(namespace.flushed.await(60, TimeUnit.SECONDS)).isTrue();

        assertThat(status()).isEqualTo(ControllerStatus.NOT_READY.withRdy(true));
    }

    @Test
    void fatalStatusStaysUntilAReset() {
        rig.enabled();

        rig.controller.fatal("a test wants it");

        assertThat(status().cfs()).isTrue();
        assertThat(rig.transport.calls).as("the transport said it itself").containsExactly("enabled");
        rig.controller.configure(0);
        rig.enabled();
        assertThat(status().cfs()).isFalse();
    }

    @Test
    void aHostThatFallsSilentIsFatalAfterItsKeepAliveTimeout() {
        rig.enabled();
        rig.setFeature(FeatureId.KEEP_ALIVE_TIMER, 2000);
        rig.controller.tick(0);

        rig.controller.tick(2 * SECOND);
        boolean atTimeout = status().cfs();
        rig.admin(Rig.command(AdminOpcode.KEEP_ALIVE, 0, 0, 0));
        rig.controller.tick(3 * SECOND);
        rig.controller.tick(5 * SECOND);
        boolean keptAlive = status().cfs();
        rig.controller.tick(5 * SECOND + NvmController.KEEP_ALIVE_SLACK_NANOS);
        assertThat(status().cfs()).isFalse();
        rig.controller.tick(5 * SECOND + NvmController.KEEP_ALIVE_SLACK_NANOS + 1);

        assertThat(atTimeout).isFalse();
        assertThat(keptAlive).isFalse();
        assertThat(status().cfs()).isTrue();
        assertThat(rig.transport.calls).last().asString().startsWith("fatal: the host did not show itself");
        assertThat(rig.controller.errors().count()).isEqualTo(1);
    }

    @Test
    void activityCountsAsKeepAliveWhereTheTransportSaysSo() {
        rig.enabled();
        rig.setFeature(FeatureId.KEEP_ALIVE_TIMER, 1000);
        rig.controller.tick(0);

        rig.controller.hostActivity(SECOND);
        rig.controller.tick(2 * SECOND);

        assertThat(status().cfs()).isFalse();
    }

    @Test
    void withoutAKeepAliveTimeoutAHostMayBeSilent() {
        rig.enabled();

        rig.controller.tick(0);
        rig.controller.tick(1_000_000 * SECOND);

        assertThat(status().cfs()).isFalse();
    }

    @Test
    void aControllerThatGoesWhileReadyIsAnUnsafeShutdown() {
        rig.enabled();
        var before = SmartLog.UNSAFE_SHUTDOWNS.low(rig.logPage(LogPageId.SMART_HEALTH_INFORMATION, 512));

        rig.controller.close();
        rig.controller.close();

        assertThat(before).isZero();
        assertThat(rig.subsystem.life().unsafeShutdowns()).isEqualTo(1);
        assertThat(rig.subsystem.controllersFrom(0, null)).isEmpty();
    }

    @Test
    void controllerIdsAreUniqueAndComeBack() {
        var second = rig.controller("second", true, true, new Rig.Transport());
        var third = rig.controller("third", true, true, new Rig.Transport());
        second.close();

        var fourth = rig.controller("fourth", true, true, new Rig.Transport());

        assertThat(rig.controller.controllerId()).isEqualTo(1);
        assertThat(third.controllerId()).isEqualTo(3);
        assertThat(fourth.controllerId()).isEqualTo(2);
    }

    @Test
    void refusesAdminCommandsItDoesNotHave() {
        for (int opc : new int[] {
            AdminOpcode.DIRECTIVE_SEND,
            AdminOpcode.LOCKDOWN,
            AdminOpcode.CREATE_IO_SUBMISSION_QUEUE,
            AdminOpcode.ABORT,
            0xC0
        }) {
            int status = rig.admin(Rig.command(opc, 0, 0, 0));

            assertThat(status).isEqualTo(Status.INVALID_OPCODE | Status.DNR);
        }
    }

    @Test
    void refusesFusedAdminCommands() {
        var request = Rig.command(AdminOpcode.KEEP_ALIVE, 0, 0, 0).fuse(1);

        assertThat(rig.admin(request)).isEqualTo(Status.INVALID_FIELD | Status.DNR);
    }

    /** A namespace whose flush waits to be let through. */
    private static final class CachedNamespace implements Namespace {
        private final CountDownLatch flushing;
        private final CountDownLatch mayFlush;
        final CountDownLatch flushed = new CountDownLatch(1);

        CachedNamespace(CountDownLatch flushing, CountDownLatch mayFlush) {
            this.flushing = flushing;
            this.mayFlush = mayFlush;
        }

        @Override
        public NamespaceShape shape() {
            return new NamespaceShape(512, 8, new UUID(1, 2), true, false, true, "test");
        }

        @Override
        public NamespaceSession open(Reactor reactor) {
            throw new IllegalStateException("no I/O here");
        }

        @Override
        public void flush() {
            flushing.countDown();
            try {
                assertThat(mayFlush.await(60, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            flushed.countDown();
        }

        @Override
        public void close() {}
    }
}
