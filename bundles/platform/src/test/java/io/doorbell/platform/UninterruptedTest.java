package io.doorbell.platform;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class UninterruptedTest {
    private final CountDownLatch latch = new CountDownLatch(1);

    @Test
    void waitsOnAndIsInterruptedAfterwards() {
        Thread.currentThread().interrupt();

        boolean come = Uninterrupted.until(System.nanoTime() + TimeUnit.MINUTES.toNanos(1), nanos -> {
            if (!Thread.currentThread().isInterrupted()) {
                latch.countDown();
            }
            return latch.await(nanos, TimeUnit.NANOSECONDS);
        });

        assertThat(come).isTrue();
        assertThat(Thread.interrupted()).isTrue();
    }

    @Test
    void looksOnceMoreWhenTheDeadlineHasPassed() {
        boolean come = Uninterrupted.until(System.nanoTime() - 1, nanos -> {
            assertThat(nanos).isZero();
            return latch.await(nanos, TimeUnit.NANOSECONDS);
        });

        assertThat(come).isFalse();
        assertThat(Thread.interrupted()).isFalse();
    }
}
