package io.doorbell.pcie;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.doorbell.driver.ControllerKeeper;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ControllerKeeperTest {
    private static final Duration BOUND = Duration.ofSeconds(60);
    private static final ControllerKeeper.Patience PATIENCE =
            new ControllerKeeper.Patience(Duration.ofMillis(1), Duration.ofMillis(100), 0, true);

    @Test
    void aControllerThatIsLostAndDoesNotEndWellIsOpenedAnewAllTheSame() {
        var published = new AtomicInteger();
        try (var rig = new EmulatedRig();
                var keeper = new ControllerKeeper(
                        "nvme0",
                        () -> PcieController.open(rig.function, PcieOptions.DEFAULTS),
                        _ -> {
                            int number = published.incrementAndGet();
                            return () -> {
                                if (number == 1) {
                                    throw new IllegalStateException("the service is gone already");
                                }
                            };
                        },
                        PATIENCE)) {
            await().atMost(BOUND).until(() -> published.get() == 1);

            keeper.lost();

            await().atMost(BOUND).until(() -> published.get() == 2);
        }
    }

    /** Whoever closes lets the bundle go next, with the classes of whoever is still at it. */
    @Test
    void closingWaitsForTheEndOfAControllerThatWasJustLost() throws InterruptedException {
        var published = new AtomicInteger();
        var goes = new CountDownLatch(1);
        var goOn = new CountDownLatch(1);
        try (var rig = new EmulatedRig()) {
            var keeper = new ControllerKeeper(
                    "nvme0",
                    () -> PcieController.open(rig.function, PcieOptions.DEFAULTS),
                    _ -> {
                        published.incrementAndGet();
                        return () -> {
                            goes.countDown();
                            within(goOn);
                        };
                    },
                    PATIENCE);
            await().atMost(BOUND).until(() -> published.get() == 1);
            keeper.lost();
            within(goes);

            var closer = Thread.ofVirtual().start(keeper::close);

            assertThat(closer.join(Duration.ofMillis(300)))
                    .as("closed while another thread lets the controller go")
                    .isFalse();
            goOn.countDown();
            assertThat(closer.join(BOUND)).isTrue();
            assertThat(published).hasValue(1);
        }
    }

    private static void within(CountDownLatch latch) {
        try {
            assertThat(latch.await(BOUND.toSeconds(), TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
