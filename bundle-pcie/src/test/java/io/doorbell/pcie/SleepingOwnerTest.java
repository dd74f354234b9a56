package io.doorbell.pcie;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.Status;
import io.doorbell.platform.EventFd;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What an owner that sleeps between completions may rely on. */
class SleepingOwnerTest {
    private final EventFd sign = EventFd.create();
    private final List<Integer> statuses = new ArrayList<>();
    private QueuePairRig rig;

    private QueuePairRig rig(EventFd interrupt) {
        rig = new QueuePairRig(
                new TestAccess(),
                8,
                false,
                (token, status, result) -> statuses.add(status),
                QueuePairRig.TIMEOUT,
                interrupt);
        rig.control.own(Thread.currentThread());
        sign.drain();
        return rig;
    }

    @AfterEach
    void close() {
        rig.close();
        sign.close();
    }

    @Test
    void mayNotSleepWithCommandsInFlightWhereNothingInterrupts() {
        rig(null);
        assertThat(rig.pair.interrupts()).isFalse();
        assertThat(rig.pair.readyToPark()).isTrue();

        rig.read(0, 0);
        rig.pair.commit();

        assertThat(rig.pair.readyToPark()).isFalse();
    }

    @Test
    void maySleepWithCommandsInFlightUntilACompletionIsThere() {
        rig(sign);
        assertThat(rig.pair.interrupts()).isTrue();
        rig.read(0, 0);
        assertThat(rig.pair.readyToPark())
                .as("with a command the device has not been told of")
                .isFalse();

        rig.pair.commit();
        assertThat(rig.pair.readyToPark()).isTrue();

        rig.device.fetch().forEach(rig.device::complete);
        assertThat(rig.pair.readyToPark()).as("with a completion there").isFalse();
        rig.pair.poll(8);
        assertThat(rig.pair.readyToPark()).isTrue();
    }

    @Test
    void sleepsOnlySoLongThatTimeoutsAreNoticed() {
        rig(sign);
        assertThat(rig.pair.parkLimitNanos()).isEqualTo(Long.MAX_VALUE);

        rig.read(0, 0);
        rig.pair.commit();

        assertThat(rig.pair.parkLimitNanos()).isEqualTo(QueuePairRig.TIMEOUT_MILLIS * 1_000_000L / 10);
    }

    @Test
    void isWokenWhenItsCommandsEndWithoutTheDevice() {
        rig(sign);
        rig.read(0, 0);
        rig.pair.commit();

        rig.pair.disconnect("reset");
        assertThat(sign.await(0)).isTrue();
        sign.drain();
        rig.pair.endWith(new PcieQueuePair.Ending("reset", Status.ABORTED_BY_HOST));

        assertThat(sign.await(0)).isTrue();
        rig.pair.poll(8);
        assertThat(statuses).containsExactly(Status.ABORTED_BY_HOST);
    }

    @Test
    void isWokenByTheFence() {
        rig(sign);
        rig.read(0, 0);
        rig.pair.commit();

        rig.fence("test");

        assertThat(sign.await(0)).isTrue();
        assertThat(rig.pair.readyToPark()).isFalse();
        rig.pair.poll(8);
        assertThat(statuses).containsExactly(Status.ABORTED_SQ_DELETION);
        assertThat(rig.pair.readyToPark()).isTrue();
    }
}
