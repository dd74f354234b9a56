package io.doorbell.pcie;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.doorbell.emulator.FaultPlan;
import io.doorbell.host.CommandTimeout;
import io.doorbell.host.PathOptions;
import io.doorbell.host.QueuePairOptions;
import io.doorbell.nvme.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

/** What a queue pair's own timeout does; the driver's is in {@link PcieQueuePairTest} and {@link FaultsTest}. */
class CommandTimeoutTest {
    private static final Duration SHORT = Duration.ofMillis(50);

    private final List<Integer> statuses = new ArrayList<>();

    /** Its clock begins at {@code start}, however long it took to make. */
    private QueuePairRig rig(CommandTimeout.Action action, long start) {
        var rig = new QueuePairRig(
                new TestAccess(),
                8,
                false,
                (token, status, result) -> statuses.add(status),
                new CommandTimeout(SHORT, action),
                null);
        rig.clock.advance(start);
        rig.control.own(Thread.currentThread());
        rig.read(0, 0);
        rig.pair.commit();
        return rig;
    }

    private static void after(QueuePairRig rig, long start, int millis) {
        rig.clock.advance(start + millis * 1_000_000L);
        rig.pair.poll(8);
    }

    @Test
    void asksForAResetAtOnce() {
        long start = System.nanoTime();
        try (var rig = rig(CommandTimeout.Action.RESET, start)) {
            after(rig, start, 40);
            assertThat(rig.stuck).isEmpty();

            after(rig, start, 60);

            assertThat(rig.timedOut).hasSize(1);
            assertThat(rig.stuck).hasSize(1);
        }
    }

    @Test
    void tellsOnceAndDoesNothing() {
        long start = System.nanoTime();
        try (var rig = rig(CommandTimeout.Action.TELL, start)) {
            after(rig, start, 60);
            after(rig, start, 600);
            after(rig, start, 900);

            assertThat(rig.timedOut).hasSize(1);
            assertThat(rig.stuck).isEmpty();
            assertThat(rig.pair.abortsLate()).isFalse();
            rig.device.fetch().forEach(rig.device::complete);
            rig.pair.poll(8);
            assertThat(statuses).containsExactly(0);
        }
    }

    @Test
    void isTheLeasesOwnAndToldToItsHolder() {
        var told = new CopyOnWriteArrayList<Integer>();
        try (var rig = new EmulatedRig();
                var controller = PcieController.open(rig.function, PcieOptions.DEFAULTS);
                var patient = new EmulatedRig.Held(controller, options(SHORT, CommandTimeout.Action.TELL), 4096);
                var strict = new EmulatedRig.Held(
                        controller, options(SHORT, CommandTimeout.Action.ABORT_THEN_RESET), 4096)) {
            patient.control.onTimeout(told::add);
            rig.function.faults(FaultPlan.parse(1, List.of("io opc=read -> delay=20s")));

            patient.pair.read(EmulatedRig.NSID, 0, 1, patient.data, 0, 0, 1);
            strict.pair.read(EmulatedRig.NSID, 0, 1, strict.data, 0, 0, 2);
            patient.pair.commit();
            strict.pair.commit();
            strict.pollUntil(() -> !statuses.isEmpty());
            patient.pollUntil(() -> !told.isEmpty());

            assertThat(statuses).extracting(Status::code).containsExactly(Status.ABORTED_BY_REQUEST);
            assertThat(told).containsExactly(1);
            assertThat(patient.pair.inFlight()).isEqualTo(1);
        }
    }

    private QueuePairOptions options(Duration after, CommandTimeout.Action action) {
        return new QueuePairOptions(
                8,
                (token, status, result) -> statuses.add(status),
                "test",
                PathOptions.DEFAULTS.withTimeout(new CommandTimeout(after, action)));
    }

    @Test
    void isWholeMillisecondsOrNone() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new CommandTimeout(Duration.ofNanos(10), CommandTimeout.Action.TELL));
        assertThat(new CommandTimeout(Duration.ZERO, CommandTimeout.Action.TELL).after())
                .isZero();
    }
}
