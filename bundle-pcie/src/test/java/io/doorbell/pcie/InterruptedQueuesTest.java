package io.doorbell.pcie;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.host.PathOptions;
import io.doorbell.host.QueuePairOptions;
import io.doorbell.platform.EventFd;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Queues made with an interrupt, of a device that has vectors. */
class InterruptedQueuesTest {
    private final List<Integer> statuses = new ArrayList<>();

    private QueuePairOptions options(EventFd sign) {
        return new QueuePairOptions(
                8, (token, status, result) -> statuses.add(status), "test", PathOptions.DEFAULTS.withInterrupt(sign));
    }

    @Test
    void letTheirOwnerSleepUntilTheDeviceInterrupts() {
        try (var sign = EventFd.create();
                var rig = new EmulatedRig();
                var controller = PcieController.open(rig.function, PcieOptions.DEFAULTS.withAdminInterrupts(true));
                var held = new EmulatedRig.Held(controller, options(sign), 4096)) {
            assertThat(held.pair.interrupts()).isTrue();
            for (int i = 0; i < 100; i++) {
                held.pair.read(EmulatedRig.NSID, i, 1, held.data, 0, 0, i);
                held.pair.commit();
                while (held.pair.inFlight() > 0) {
                    if (held.pair.readyToPark()) {
                        assertThat(sign.await(5_000_000_000L)).as("interrupted").isTrue();
                        sign.drain();
                    }
                    held.pair.poll(8);
                }
            }
        }
        assertThat(statuses).hasSize(100).containsOnly(0);
    }

    @Test
    void arePolledWhereThereAreNone() {
        try (var sign = EventFd.create();
                var rig = new EmulatedRig();
                var controller = PcieController.open(
                        new WrappedFunction(rig.function), PcieOptions.DEFAULTS.withAdminInterrupts(true));
                var held = new EmulatedRig.Held(controller, options(sign), 4096)) {
            assertThat(held.pair.interrupts()).isFalse();
            held.pair.read(EmulatedRig.NSID, 0, 1, held.data, 0, 0, 0);
            held.pair.commit();
            held.pollUntil(() -> held.pair.inFlight() == 0);
        }
        assertThat(statuses).containsExactly(0);
    }
}
