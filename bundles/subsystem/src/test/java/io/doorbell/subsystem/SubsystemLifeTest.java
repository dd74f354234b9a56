package io.doorbell.subsystem;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.LogPageId;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.SmartLog;
import io.doorbell.storage.NvmRequest;
import io.doorbell.storage.TestRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SubsystemLifeTest {
    private static final long MINUTE = 60_000_000_000L;

    @TempDir
    Path folder;

    private final Rig.SettableClock clock = new Rig.SettableClock();

    private SubsystemLife start() {
        return new SubsystemLife(folder, Rig.NQN, clock);
    }

    private void pass(Duration time) {
        clock.now = clock.now.plus(time);
    }

    private static List<Long> told(SubsystemLife life) {
        return List.of(life.powerCycles(), life.powerOnHours(), life.unsafeShutdowns());
    }

    @Test
    void countsStartsAndHoursOverRestarts() {
        var first = start();
        pass(Duration.ofMinutes(90));
        first.close();
        first.close();
        pass(Duration.ofDays(7));
        var second = start();
        pass(Duration.ofMinutes(90));

        assertThat(told(second)).containsExactly(2L, 3L, 0L);
        second.close();
    }

    @Test
    void anEndThatItWasNotToldOfIsUnsafe() throws IOException {
        start().close();
        var killed = start();
        killed.unsafeShutdown();
        var left = Files.readAllBytes(folder.resolve(Rig.NQN + ".json"));
        killed.close();
        Files.write(folder.resolve(Rig.NQN + ".json"), left); // As if it had not come to that.

        var next = start();

        assertThat(told(next)).as("the count that was not written is lost").containsExactly(3L, 0L, 1L);
        next.close();
    }

    @Test
    void aDamagedFileBeginsAnew() throws IOException {
        start().close();
        Files.writeString(folder.resolve(Rig.NQN + ".json"), "{}");

        var life = start();

        assertThat(told(life)).containsExactly(1L, 0L, 0L);
        life.close();
        var next = start();
        assertThat(told(next)).containsExactly(2L, 0L, 0L);
        next.close();
    }

    @Test
    void aConnectionThatEndsIsNoLossOfPower() {
        try (var rig = new Rig()) {
            var remote = rig.controllerOf("nqn.2026-11.io.doorbell:host", new Rig.Transport());
            remote.configure(Rig.ENABLE);
            remote.close();
            long after = rig.subsystem.life().unsafeShutdowns();
            rig.enabled();
            rig.controller.close();

            assertThat(after).isZero();
            assertThat(rig.subsystem.life().unsafeShutdowns()).as("on PCI").isEqualTo(1);
        }
    }

    @Test
    void aControllerIsBusyWhileItHasCommands() {
        try (var rig = new Rig().enabled()) {
            var slow = new SlowNamespace();
            rig.subsystem.addNamespace(1, slow);
            var path = rig.controller.openIoPath(rig.reactor);
            path.poll(MINUTE);
            var write = TestRequest.blocks(NvmOpcode.WRITE, 0, 1);
            assertThat(rig.run(path, write)).isEqualTo(NvmRequest.PENDING);
            path.poll(MINUTE + 1);
            path.poll(4 * MINUTE + 1); // Three minutes in flight.
            slow.release();
            path.poll(4 * MINUTE + 2);
            assertThat(write.status()).isZero();
            path.poll(60 * MINUTE); // And nothing since.
            for (int i = 1; i <= 1000; i++) {
                assertThat(rig.run(path, TestRequest.blocks(NvmOpcode.READ, 0, 1)))
                        .isZero();
                path.poll(60 * MINUTE + i * MINUTE); // A millisecond each: it ended at once.
            }

            var page = rig.logPage(LogPageId.SMART_HEALTH_INFORMATION, SmartLog.SIZE_BYTES);

            assertThat(SmartLog.CONTROLLER_BUSY_TIME.low(page)).isEqualTo(3);
            assertThat(rig.controller.busyNanos()).isBetween(3 * MINUTE, 3 * MINUTE + 1_100_000_000L);
            path.close();
            assertThat(rig.controller.busyNanos()).isGreaterThanOrEqualTo(3 * MINUTE);
        }
    }
}
