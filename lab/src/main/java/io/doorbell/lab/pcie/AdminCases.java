package io.doorbell.lab.pcie;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.host.NvmeNamespace;
import io.doorbell.host.admin.AdminCommands;
import io.doorbell.host.admin.NamespaceManagement;
import io.doorbell.lab.Case;
import io.doorbell.lab.guest.Guest;
import io.doorbell.lab.guest.Lane;
import io.doorbell.nvme.FormatSettings;
import io.doorbell.pcie.PcieController;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** What admin commands change while I/O is possible. */
final class AdminCases {
    private static final Duration BOUND = Duration.ofSeconds(120);

    /** LBA formats of QEMU's namespaces, by index. */
    private static final int FORMAT_512 = 0;

    private static final int FORMAT_4096 = 4;

    /** Not attached to anybody at first. */
    private static final int LOOSE = 2;

    private AdminCases() {}

    static List<Case> cases() {
        return List.of(
                Case.of("namespace-attach-and-detach", AdminCases::attach), Case.of("format", AdminCases::format));
    }

    /** Two controllers of a subsystem: what the one changes for the other, the other hears by itself. */
    private static void attach(Guest guest) throws IOException {
        try (var a = Controllers.open(Slot.SHARED_A);
                var b = Controllers.open(Slot.SHARED_B);
                var laneA = new Lane(a);
                var laneB = new Lane(b)) {
            assertThat(a.namespaces()).extracting(NvmeNamespace::nsid).containsExactly(1);
            assertThat(a.info().controllerId()).isNotEqualTo(b.info().controllerId());
            var admin = new AdminCommands(a, BOUND);
            assertThat(admin.allocatedNamespaces()).containsExactly(1, LOOSE);
            var management = new NamespaceManagement(admin);

            management.attach(LOOSE);
            var namespace = Controllers.namespace(a, LOOSE);
            laneA.fill(9, 0, 4096);
            assertThat(laneA.write(namespace, 0, 8, 0)).isZero();
            assertThat(has(b, LOOSE)).as("the other one has it").isFalse();

            management.attach(LOOSE, b.info().controllerId());
            Bus.await("the other one hears that it has it", () -> has(b, LOOSE));
            assertThat(laneB.read(Controllers.namespace(b, LOOSE), 0, 8, 0)).isZero();
            laneB.requirePattern(9, 0, 4096);
            assertThat(admin.controllers(LOOSE))
                    .containsExactlyInAnyOrder(a.info().controllerId(), b.info().controllerId());

            management.detach(LOOSE, b.info().controllerId());
            Bus.await("the other one hears that it has it no more", () -> !has(b, LOOSE));
            management.detach(LOOSE);
            assertThat(has(a, LOOSE)).isFalse();
        }
    }

    private static boolean has(PcieController controller, int nsid) {
        return controller.namespaces().stream().anyMatch(namespace -> namespace.nsid() == nsid);
    }

    /** Another size of block while the queue pair stays; the kernel sees the same afterwards. */
    private static void format(Guest guest) throws Exception {
        try (var ours = Controllers.open(Slot.MANY);
                var lane = new Lane(ours)) {
            var management = new NamespaceManagement(new AdminCommands(ours, BOUND));
            long bytes = Controllers.namespace(ours, 2).byteSize();
            lane.fill(1, 0, 8192);
            assertThat(lane.write(Controllers.namespace(ours, 5), 0, 2, 0)).isZero();
            assertThat(lane.write(Controllers.namespace(ours, 2), 0, 2, 0)).isZero();

            management.format(2, FormatSettings.ofIndex(FORMAT_512), BOUND);

            var formatted = Controllers.namespace(ours, 2);
            assertThat(formatted.blockBytes()).isEqualTo(512);
            assertThat(formatted.byteSize()).isEqualTo(bytes);
            assertThat(lane.read(formatted, 0, 16, 0)).isZero();
            assertThat(lane.bytes(0, 8192)).containsOnly(0);
            lane.fill(2, 0, 512);
            assertThat(lane.write(formatted, formatted.blockCount() - 1, 1, 0)).isZero();
            assertThat(lane.read(Controllers.namespace(ours, 5), 0, 2, 0)).isZero();
            lane.requirePattern(1, 0, 8192);
        }
        var kernel = Bus.toKernel(Slot.MANY);
        Bus.await(
                "a disk of 512 bytes a block",
                () -> Bus.read(Path.of("/sys/class/block", kernel + "n2", "queue/logical_block_size"))
                        .equals("512"));
        try (var ours = Controllers.open(Slot.MANY)) {
            new NamespaceManagement(new AdminCommands(ours, BOUND))
                    .format(2, FormatSettings.ofIndex(FORMAT_4096), BOUND);
            assertThat(Controllers.namespace(ours, 2).blockBytes()).isEqualTo(4096);
        }
    }
}
