package io.doorbell.emulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.platform.EventFd;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** MSI-X: a batch of completions signals whom its queue's vector is routed to. */
class InterruptsTest extends DeviceTest {
    private static final long BOUND_NANOS = TimeUnit.SECONDS.toNanos(60);

    private final EventFd sign = EventFd.create();
    private final EventFd other = EventFd.create();
    private long page;

    @BeforeEach
    void enable() {
        host.enable();
        page = host.pages(1).address();
    }

    @AfterEach
    void closeSigns() {
        sign.close();
        other.close();
    }

    /** Everything that was posted in the cycle before has been told of when this returns. */
    private void afterTheCycle() {
        onDevice(() -> null);
        onDevice(() -> null);
    }

    @Test
    void hasAVectorForEachQueuePairAndOneForTheAdminQueues() {
        assertThat(host.access.interruptVectors()).isEqualTo(settings().ioQueuePairs() + 1);
        assertThatExceptionOfType(IndexOutOfBoundsException.class)
                .isThrownBy(() -> host.access.routeInterrupt(8, sign));
        assertThatExceptionOfType(IndexOutOfBoundsException.class)
                .isThrownBy(() -> host.access.routeInterrupt(-1, sign));
    }

    @Test
    void signalsOnceForABatch() {
        var queue = host.createInterruptingQueue(1, 32, 3);
        host.access.routeInterrupt(3, sign);

        for (int i = 0; i < 20; i++) {
            queue.stageIo(NvmOpcode.READ, i, 1, page, 0);
        }
        queue.ring();

        assertThat(sign.await(BOUND_NANOS)).isTrue();
        queue.await(20);
        afterTheCycle();
        assertThat(sign.drain()).isEqualTo(1);
    }

    @Test
    void tellsOnlyThoseWhoseQueueHasInterruptsAndWhoseVectorItIs() {
        var polled = host.createQueue(1, 32);
        var interrupting = host.createInterruptingQueue(2, 32, 2);
        host.access.routeInterrupt(1, other);
        host.access.routeInterrupt(2, sign);

        polled.io(NvmOpcode.READ, 0, 1, page, 0);
        interrupting.io(NvmOpcode.READ, 0, 1, page, 0);
        afterTheCycle();

        assertThat(sign.drain()).isEqualTo(1);
        assertThat(other.drain()).isZero();
    }

    @Test
    void signalsForCommandsThatEndLater() {
        subsystem.keepPending = true;
        var queue = host.createInterruptingQueue(1, 32, 1);
        host.access.routeInterrupt(1, sign);
        queue.stageIo(NvmOpcode.READ, 0, 1, page, 0);
        queue.ring();
        awaitPending(1);
        assertThat(sign.await(0)).isFalse();

        onDevice(() -> {
            subsystem.keepPending = false;
            return null;
        });
        function.reactor().wake();

        queue.await();
        assertThat(sign.await(BOUND_NANOS)).isTrue();
    }

    @Test
    void theAdminQueuesHaveVectorZero() {
        host.access.routeInterrupt(0, sign);

        host.admin(AdminOpcode.KEEP_ALIVE, 0, 0, 0, 0);

        assertThat(sign.await(BOUND_NANOS)).isTrue();
    }

    @Test
    void tellsNobodyAnyMoreWhenRoutedNowhereOrWhenTheClaimEnds() {
        var queue = host.createInterruptingQueue(1, 32, 1);
        host.access.routeInterrupt(1, sign);
        host.access.routeInterrupt(1, null);

        queue.io(NvmOpcode.READ, 0, 1, page, 0);
        afterTheCycle();

        assertThat(sign.drain()).isZero();
        host.access.routeInterrupt(0, sign);
        afterTheCycle();
        sign.drain();
        host.close();
        host = new RawHost(function, 1 << 20);
        host.enable();
        host.admin(AdminOpcode.KEEP_ALIVE, 0, 0, 0, 0);
        afterTheCycle();
        assertThat(sign.drain()).isZero();
    }

    @Test
    void aRouteOutlivesTheResetOfTheController() {
        host.access.routeInterrupt(1, sign);
        host.disable();
        host.enable();

        host.createInterruptingQueue(1, 32, 1).io(NvmOpcode.READ, 0, 1, page, 0);

        assertThat(sign.await(BOUND_NANOS)).isTrue();
    }

    @Test
    void aSignThatItsOwnerClosedIsNotTheEndOfTheDevice() {
        var queue = host.createInterruptingQueue(1, 32, 1);
        host.access.routeInterrupt(1, sign);
        sign.close();

        for (int i = 0; i < 3; i++) {
            assertThat(queue.io(NvmOpcode.READ, 0, 1, page, 0).status()).isZero();
            afterTheCycle();
        }
    }

    @Test
    void everyBatchIsSignalledWhenTheRingComesRound() {
        var queue = host.createInterruptingQueue(1, 2, 1);
        host.access.routeInterrupt(1, sign);

        for (int i = 0; i < 10; i++) {
            queue.stageIo(NvmOpcode.READ, 0, 1, page, 0);
            queue.ring();
            assertThat(sign.await(BOUND_NANOS)).as("batch %d", i).isTrue();
            sign.drain();
            queue.await();
        }
    }
}
