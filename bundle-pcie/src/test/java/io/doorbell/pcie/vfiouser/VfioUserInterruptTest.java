package io.doorbell.pcie.vfiouser;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.doorbell.host.PathOptions;
import io.doorbell.host.QueuePairOptions;
import io.doorbell.pcie.PcieController;
import io.doorbell.pcie.PcieOptions;
import io.doorbell.platform.EventFd;
import io.doorbell.platform.MemoryView;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Interrupts of a device behind a socket. */
class VfioUserInterruptTest {
    private static final Duration BOUND = Duration.ofSeconds(60);

    @TempDir
    Path directory;

    @Test
    void reachTheOwnerOfAQueue() {
        List<Integer> statuses = new ArrayList<>();
        var arena = Arena.ofShared();
        try (var sign = EventFd.create();
                var _ = new DeviceRig(directory);
                var function = VfioUserFunction.connect(directory, BOUND);
                var controller = PcieController.open(function, PcieOptions.DEFAULTS.withAdminInterrupts(true))) {
            var control = controller.createQueuePair(
                    new QueuePairOptions(
                            8,
                            (token, status, result) -> statuses.add(status),
                            "test",
                            PathOptions.DEFAULTS.withInterrupt(sign)),
                    arena);
            var allocation = controller.allocateDma(4096, arena);
            var pair = control.queuePair();
            control.own(Thread.currentThread());
            assertThat(pair.interrupts()).isTrue();
            for (int i = 0; i < 20; i++) {
                pair.read(DeviceRig.NSID, i, 1, allocation.memory(), 0, 0, i);
                pair.commit();
                while (pair.inFlight() > 0) {
                    if (pair.readyToPark()) {
                        assertThat(sign.await(BOUND.toNanos()))
                                .as("interrupted")
                                .isTrue();
                        sign.drain();
                    }
                    pair.poll(8);
                }
            }
            control.stopSubmissions();
            control.delete(BOUND);
            MemoryView.close(arena, BOUND);
            control.fenced("over");
            allocation.close();
        }
        assertThat(statuses).hasSize(20).containsOnly(0);
    }

    @Test
    void areOfVectorsThatThereAre() {
        try (var _ = new DeviceRig(directory);
                var function = VfioUserFunction.connect(directory, BOUND);
                var access = function.open("test");
                var sign = EventFd.create()) {
            assertThat(access.interruptVectors()).isPositive();
            access.routeInterrupt(0, sign);
            access.routeInterrupt(0, null);
            assertThatExceptionOfType(IndexOutOfBoundsException.class)
                    .isThrownBy(() -> access.routeInterrupt(access.interruptVectors(), sign));
        }
    }
}
