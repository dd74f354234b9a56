package io.doorbell.management;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.doorbell.statistics.LatencyRecorder;
import io.doorbell.target.IoUsage;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import javax.management.MBeanServer;
import javax.management.MBeanServerFactory;
import javax.management.openmbean.CompositeData;
import org.assertj.core.data.Offset;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

class ManagedHistoryTest {
    private static final Duration BOUND = Duration.ofSeconds(30);

    private final MBeanServer server = MBeanServerFactory.newMBeanServer();

    private static IoUsage usage(long reads, long writes, LatencyRecorder readLatency) {
        return new IoUsage(
                1,
                "",
                reads,
                writes,
                reads / 10,
                reads / 100,
                reads * 4096,
                writes * 512,
                readLatency.snapshot(),
                new LatencyRecorder().snapshot());
    }

    @Test
    void aSampleIsWhatEndedInItsIntervalAndNothingBefore() {
        var latency = new LatencyRecorder();
        latency.record(1_000_000_000);
        var former = usage(100, 50, latency);
        for (int i = 0; i < 100; i++) {
            latency.record(10_000);
        }

        var sample = ManagedHistory.sample(former, usage(1_100, 70, latency), 2, 77);

        assertThat(sample.timeMillis()).isEqualTo(77);
        assertThat(sample.readIops()).isEqualTo(500);
        assertThat(sample.writeIops()).isEqualTo(10);
        assertThat(sample.otherIops()).isEqualTo(50);
        assertThat(sample.failedIops()).isEqualTo(5);
        assertThat(sample.readBytesPerSecond()).isEqualTo(500 * 4096);
        assertThat(sample.writtenBytesPerSecond()).isEqualTo(10 * 512);
        assertThat(sample.readMeanMicros()).isCloseTo(10, Offset.offset(0.1));
        assertThat(sample.readP99Micros()).isCloseTo(10, Percentage.withPercentage(7));
        assertThat(sample.writeP99Micros()).isZero();
    }

    @Test
    void countersOfASubsystemThatWentAreNothingLess() {
        var sample = ManagedHistory.sample(
                usage(1_000, 10, new LatencyRecorder()), usage(10, 10, new LatencyRecorder()), 1, 0);

        assertThat(sample.readIops()).isZero();
        assertThat(sample.readBytesPerSecond()).isZero();
    }

    /** From the first look on. */
    @Test
    void whatGoesWhileItIsAskedEndsNothing() throws Exception {
        var asked = new AtomicLong();
        try (var history = new ManagedHistory(
                () -> {
                    switch ((int) asked.incrementAndGet()) {
                        case 1 -> throw new IllegalStateException("stopped");
                        case 3 -> throw new NoClassDefFoundError("its bundle was replaced");
                        default -> {
                            return usage(asked.get(), 0, new LatencyRecorder());
                        }
                    }
                },
                Duration.ofMillis(1),
                server)) {
            await().atMost(BOUND).until(() -> history.getSamples().size() > 1);

            assertThat(history.getSamples())
                    .allSatisfy(sample -> assertThat(sample.readIops()).isPositive());
        }
    }

    @Test
    void theLatestIsTheLastOfThemAndAnHourIsTheMost() throws Exception {
        var reads = new AtomicLong();
        var name = Registration.name("History");
        try (var history = new ManagedHistory(
                () -> usage(reads.addAndGet(10), 0, new LatencyRecorder()), Duration.ofMillis(1), server)) {
            await().atMost(BOUND).until(() -> history.getSamples().size() == ManagedHistory.SAMPLES);

            assertThat(history.getSamples())
                    .hasSizeLessThanOrEqualTo(ManagedHistory.SAMPLES)
                    .allSatisfy(sample -> assertThat(sample.readIops()).isPositive());
            assertThat(((CompositeData) server.getAttribute(name, "Latest")).get("readIops"))
                    .isInstanceOf(Double.class);
            assertThat((CompositeData[]) server.getAttribute(name, "Samples")).hasSize(ManagedHistory.SAMPLES);
        }
        assertThat(server.isRegistered(name)).isFalse();
    }
}
