package io.doorbell.pcie;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.driver.RetryPolicy;
import io.doorbell.emulator.FaultPlan;
import io.doorbell.host.CompletionHandler;
import io.doorbell.nvme.Status;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Commands that are given to the device again. */
class RetryTest {
    private static final int TWICE = 2;
    private static final RetryPolicy POLICY = new RetryPolicy(TWICE, 300, 500, 100_000);
    private static final int CRD_1 = 1 << 11;
    private static final int CRD_2 = 2 << 11;
    private static final int CRD_3 = 3 << 11;

    private record End(long token, int status) {}

    private final List<End> ends = new ArrayList<>();
    private final long start = System.nanoTime();
    private QueuePairRig rig = new QueuePairRig(POLICY, 8, handler());

    RetryTest() {
        rig.control.own(Thread.currentThread());
    }

    private CompletionHandler handler() {
        return (token, status, result) -> ends.add(new End(token, status));
    }

    @AfterEach
    void close() {
        rig.close();
    }

    private RingDevice.Command submitted(long token) {
        rig.read(100, token);
        rig.pair.commit();
        return fetchOne();
    }

    private RingDevice.Command fetchOne() {
        var commands = rig.device.fetch();
        assertThat(commands).hasSize(1);
        return commands.getFirst();
    }

    private int at(int millis) {
        rig.clock.advance(start + millis * 1_000_000L);
        return rig.pair.poll(8);
    }

    @Test
    void areTheSameButForTheirId() {
        var first = submitted(7);
        rig.device.complete(first, Status.NAMESPACE_NOT_READY);
        assertThat(rig.pair.poll(8)).isZero();

        var second = fetchOne();

        assertThat(second.cid()).isNotEqualTo(first.cid());
        assertThat(second).usingRecursiveComparison().ignoringFields("cid").isEqualTo(first);
        assertThat(rig.pair.inFlight()).isEqualTo(1);
        rig.device.complete(second);
        assertThat(rig.pair.poll(8)).isEqualTo(1);
        assertThat(ends).containsExactly(new End(7, 0));
        assertThat(rig.control.counters().retried()).isEqualTo(1);
        assertThat(rig.control.counters().submitted()).isEqualTo(1);
        assertThat(rig.control.counters().failed()).isZero();
    }

    @Test
    void areRetriedSoOftenAndThenEnd() {
        var command = submitted(7);
        for (int i = 0; i < TWICE; i++) {
            rig.device.complete(command, Status.INTERNAL_PATH_ERROR);
            rig.pair.poll(8);
            command = fetchOne();
        }
        rig.device.complete(command, Status.INTERNAL_PATH_ERROR);
        rig.pair.poll(8);

        assertThat(ends).containsExactly(new End(7, Status.INTERNAL_PATH_ERROR));
        assertThat(rig.control.counters().retried()).isEqualTo(TWICE);
        // The next command in the slot begins to count anew.
        command = submitted(8);
        rig.device.complete(command, Status.INTERNAL_PATH_ERROR);
        rig.pair.poll(8);
        rig.device.complete(fetchOne());
        rig.pair.poll(8);
        assertThat(ends).last().isEqualTo(new End(8, 0));
    }

    @Test
    void areSubmittedAlsoByAPollThatHasNoRoomForMoreCompletions() {
        rig.device.complete(submitted(7), Status.COMMAND_INTERRUPTED | CRD_1);
        assertThat(at(1)).isZero();
        rig.device.complete(submitted(8));
        rig.clock.advance(start + 500 * 1_000_000L);

        assertThat(rig.pair.poll(1)).isEqualTo(1);

        assertThat(ends).containsExactly(new End(8, 0));
        rig.device.complete(fetchOne());
        assertThat(rig.pair.poll(1)).isEqualTo(1);
        assertThat(ends).last().isEqualTo(new End(7, 0));
    }

    @Test
    void areNotRetriedWhenTheDeviceSaysThatItDoesNotHelp() {
        for (int status : new int[] {
            Status.NAMESPACE_NOT_READY | Status.DNR,
            Status.LBA_OUT_OF_RANGE,
            Status.UNRECOVERED_READ_ERROR,
            Status.COMMAND_INTERRUPTED | CRD_3
        }) {
            ends.clear();
            rig.device.complete(submitted(1), status);
            rig.pair.poll(8);
            assertThat(ends).as(Status.name(status)).containsExactly(new End(1, status));
        }
        assertThat(rig.control.counters().retried()).isZero();
    }

    @Test
    void waitAsLongAsTheDeviceAsks() {
        at(1);
        rig.device.complete(submitted(1), Status.COMMAND_INTERRUPTED | CRD_1);
        at(2);
        rig.device.complete(submitted(2), Status.COMMAND_INTERRUPTED | CRD_2);
        at(3);
        assertThat(rig.pair.parkLimitNanos()).isEqualTo(10_000_000);

        at(290);
        assertThat(rig.device.fetch()).isEmpty();
        at(310);
        var first = fetchOne();
        at(490);
        assertThat(rig.device.fetch()).isEmpty();
        at(510);

        rig.device.complete(fetchOne());
        rig.device.complete(first);
        assertThat(at(511)).isEqualTo(2);
        assertThat(ends).containsExactly(new End(2, 0), new End(1, 0));
    }

    @Test
    void areNotLateWhileTheyWait() {
        at(1);
        rig.device.complete(submitted(1), Status.COMMAND_INTERRUPTED | CRD_2);
        at(2);
        at(495);
        at(510);
        fetchOne();

        at(510 + QueuePairRig.TIMEOUT_MILLIS - 10);
        assertThat(rig.timedOut).isEmpty();
        at(510 + QueuePairRig.TIMEOUT_MILLIS + 10);
        assertThat(rig.timedOut).hasSize(1);
    }

    @Test
    void arePartsOfALongerOneToo() {
        rig.pair.read(QueuePairRig.NSID, 0, 128, rig.data, 0, 0, 9);
        rig.pair.commit();
        var parts = rig.device.fetch();
        rig.device.complete(parts.get(0), Status.NAMESPACE_NOT_READY);
        rig.device.complete(parts.get(1));
        rig.pair.poll(8);
        assertThat(ends).isEmpty();

        var again = fetchOne();
        assertThat(again.slba()).isEqualTo(parts.getFirst().slba());
        rig.device.complete(again);
        rig.pair.poll(8);

        assertThat(ends).containsExactly(new End(9, 0));
    }

    @Test
    void areNotFusedOnes() {
        rig.pair.compareAndWrite(QueuePairRig.NSID, 0, 1, rig.data, 0, rig.data, 0, 3);
        rig.pair.commit();
        for (var half : rig.device.fetch()) {
            rig.device.complete(half, Status.NAMESPACE_NOT_READY);
        }
        rig.pair.poll(8);

        assertThat(ends).containsExactly(new End(3, Status.NAMESPACE_NOT_READY));
    }

    @Test
    void endWithTheirStatusWhenTheLeaseIsTakenBack() {
        at(1);
        rig.device.complete(submitted(1), Status.COMMAND_INTERRUPTED | CRD_2);
        at(2);

        rig.control.stopSubmissions();
        at(3);

        assertThat(ends).containsExactly(new End(1, Status.COMMAND_INTERRUPTED | CRD_2));
        assertThat(rig.pair.inFlight()).isZero();
    }

    @Test
    void endAsAbortedWhenTheFenceFallsWhileTheyWait() {
        at(1);
        rig.device.complete(submitted(1), Status.COMMAND_INTERRUPTED | CRD_2);
        at(2);

        rig.fence("test");
        rig.pair.poll(8);

        assertThat(ends).containsExactly(new End(1, Status.ABORTED_SQ_DELETION));
    }

    @Test
    void failTheQueuePairWhenTheDeviceEndsThemWhileTheyWait() {
        at(1);
        var command = submitted(1);
        rig.device.complete(command, Status.COMMAND_INTERRUPTED | CRD_2);
        rig.device.complete(command);
        at(2);

        assertThat(rig.failures).hasSize(1);
    }

    @Test
    void endWithTheErrorWhenTheRingHasGoneRoundSince() {
        var late = submitted(1);
        for (int i = 0; i < 8; i++) {
            rig.device.complete(submitted(10 + i));
            rig.pair.poll(8);
        }
        rig.device.complete(late, Status.NAMESPACE_NOT_READY);
        rig.pair.poll(8);

        assertThat(ends).last().isEqualTo(new End(1, Status.NAMESPACE_NOT_READY));
    }

    @Test
    void reachTheDeviceAgain() {
        try (var emulated = new EmulatedRig();
                var controller = PcieController.open(emulated.function, PcieOptions.DEFAULTS);
                var held = new EmulatedRig.Held(controller, 8, 4096, handler())) {
            emulated.function.faults(FaultPlan.parse(1, List.of("io opc=read count=3 -> status=0x082")));

            held.pair.read(EmulatedRig.NSID, 0, 1, held.data, 0, 0, 1);
            held.pair.commit();
            held.pollUntil(() -> !ends.isEmpty());

            assertThat(ends).containsExactly(new End(1, 0));
            assertThat(held.control.counters().retried()).isEqualTo(3);
        }
    }
}
