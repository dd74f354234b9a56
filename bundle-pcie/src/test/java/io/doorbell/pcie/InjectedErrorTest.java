package io.doorbell.pcie;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.driver.RetryPolicy;
import io.doorbell.host.InjectedError;
import io.doorbell.host.PathOptions;
import io.doorbell.host.QueuePairOptions;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class InjectedErrorTest {
    private static final int ERROR = Status.UNRECOVERED_READ_ERROR | Status.DNR;

    private record End(long token, int status) {}

    private final List<End> ends = new ArrayList<>();
    private final long start = System.nanoTime();
    private QueuePairRig rig;

    private void rig(InjectedError... errors) {
        rig = new QueuePairRig(
                RetryPolicy.NONE, 8, (token, status, result) -> ends.add(new End(token, status)), errors);
        rig.control.own(Thread.currentThread());
    }

    @AfterEach
    void close() {
        if (rig != null) {
            rig.close();
        }
    }

    private int at(int millis) {
        rig.clock.advance(start + millis * 1_000_000L);
        return rig.pair.poll(8);
    }

    private static InjectedError error(boolean submitted, int delayMillis, int count) {
        return new InjectedError(NvmOpcode.READ, submitted, Duration.ofMillis(delayMillis), count, ERROR);
    }

    @Test
    void endsCommandsThatTheDeviceNeverHearsOf() {
        rig(error(false, 0, 2));
        for (int i = 0; i < 4; i++) {
            assertThat(rig.read(i, i)).isZero();
        }
        rig.pair.commit();

        var commands = rig.device.fetch();
        assertThat(commands).extracting(RingDevice.Command::slba).containsExactly(2L, 3L);
        assertThat(rig.pair.poll(8)).isEqualTo(2);
        assertThat(ends).containsExactly(new End(0, ERROR), new End(1, ERROR));
        commands.forEach(rig.device::complete);
        assertThat(rig.pair.poll(8)).isEqualTo(2);
        assertThat(rig.failures).isEmpty();
    }

    @Test
    void keepsThemUntilTheirDelayIsOver() {
        rig(error(false, 200, 1));
        at(1);
        rig.read(0, 0);
        rig.pair.commit();

        assertThat(at(190)).isZero();
        assertThat(rig.pair.inFlight()).isEqualTo(1);
        assertThat(at(210)).isEqualTo(1);
        assertThat(ends).containsExactly(new End(0, ERROR));
    }

    @Test
    void replacesTheOutcomeOfSubmittedOnes() {
        rig(error(true, 0, 1));
        rig.read(0, 0);
        rig.read(1, 1);
        rig.pair.commit();
        assertThat(rig.pair.poll(8)).isZero();

        rig.device.fetch().forEach(rig.device::complete);
        rig.pair.poll(8);

        assertThat(ends).containsExactly(new End(0, ERROR), new End(1, 0));
    }

    @Test
    void delaysSubmittedOnesWithTheirOwnOutcome() {
        rig(new InjectedError(NvmOpcode.READ, true, Duration.ofMillis(200), 1, 0));
        at(1);
        rig.read(0, 0);
        rig.pair.commit();
        rig.device.complete(rig.device.fetch().getFirst(), Status.LBA_OUT_OF_RANGE);

        assertThat(at(190)).isZero();
        assertThat(at(400)).isEqualTo(1);
        assertThat(ends).containsExactly(new End(0, Status.LBA_OUT_OF_RANGE));
    }

    @Test
    void isOfAnOpcodeAndOfWholeCommands() {
        rig(error(false, 0, 1));
        rig.pair.write(QueuePairRig.NSID, 0, 1, rig.data, 0, 0, 1);
        rig.pair.read(QueuePairRig.NSID, 0, 192, rig.data, 0, 0, 2);
        rig.pair.commit();

        assertThat(rig.device.fetch()).singleElement().satisfies(rig.device::complete);
        rig.pair.poll(8);

        assertThat(ends).containsExactlyInAnyOrder(new End(1, 0), new End(2, ERROR));
        assertThat(rig.pair.inFlight()).isZero();
    }

    @Test
    void endsOnceWhenTheFenceFalls() {
        rig(error(false, 10_000, 1), error(true, 10_000, 1));
        rig.read(0, 0);
        rig.read(1, 1);
        rig.pair.commit();
        rig.device.fetch().forEach(rig.device::complete);
        at(1);
        assertThat(rig.pair.inFlight()).isEqualTo(2);

        rig.fence("test");
        rig.pair.poll(8);

        assertThat(ends)
                .containsExactlyInAnyOrder(
                        new End(0, Status.ABORTED_SQ_DELETION), new End(1, Status.ABORTED_SQ_DELETION));
    }

    @Test
    void isAskedForWithTheQueuePair() {
        try (var emulated = new EmulatedRig();
                var controller = PcieController.open(emulated.function, PcieOptions.DEFAULTS);
                var held = new EmulatedRig.Held(
                        controller,
                        new QueuePairOptions(
                                8,
                                (token, status, result) -> ends.add(new End(token, status)),
                                "test",
                                PathOptions.DEFAULTS.withInjected(error(false, 20, 1), error(true, 0, 1))),
                        4096)) {
            for (int i = 0; i < 3; i++) {
                held.pair.read(EmulatedRig.NSID, 0, 1, held.data, 0, 0, i);
            }
            held.pair.commit();
            held.pollUntil(() -> ends.size() == 3);

            assertThat(ends).containsExactlyInAnyOrder(new End(0, ERROR), new End(1, ERROR), new End(2, 0));
        }
    }
}
