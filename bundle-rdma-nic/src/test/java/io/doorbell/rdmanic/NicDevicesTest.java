package io.doorbell.rdmanic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** A machine without an RDMA device, as most are. */
class NicDevicesTest {
    private static final Duration BOUND = Duration.ofSeconds(20);

    private static final class Lines extends AppenderBase<ILoggingEvent> {
        final List<ILoggingEvent> all = new CopyOnWriteArrayList<>();

        @Override
        protected void append(ILoggingEvent event) {
            all.add(event);
        }
    }

    @Test
    void aMachineWithoutADeviceIsToldOfOnceAndNothingElseHappens() {
        assumeThat(NicContractTest.SYSTEM.toFile().list())
                .as("RDMA devices of this machine")
                .isNullOrEmpty();
        var lines = new Lines();
        lines.start();
        var logger = (Logger) LoggerFactory.getLogger(NicDevices.class);
        logger.addAppender(lines);
        var came = new CopyOnWriteArrayList<NicDevice>();
        try (var devices = NicDevices.watch(Engine.AUTO, Set.of(), Duration.ofMillis(1), came::add, came::remove)) {
            await().atMost(BOUND).until(() -> devices.looks() > 20);
        } finally {
            logger.detachAppender(lines);
        }

        assertThat(came).isEmpty();
        assertThat(lines.all).hasSize(1).allSatisfy(line -> {
            assertThat(line.getLevel()).isEqualTo(Level.INFO);
            assertThat(line.getFormattedMessage()).contains("no RDMA device");
        });
    }
}
