package io.doorbell.lab.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.fabrics.host.FabricController;
import io.doorbell.fabrics.host.FabricHostOptions;
import io.doorbell.host.ControllerState;
import io.doorbell.host.NvmeNamespace;
import io.doorbell.lab.Case;
import io.doorbell.lab.guest.Guest;
import io.doorbell.lab.guest.Lane;
import io.doorbell.lab.kernel.KernelHost;
import io.doorbell.lab.kernel.KernelTarget;
import io.doorbell.nvme.TransportId;
import io.doorbell.tcp.host.TcpHostSettings;
import io.doorbell.tcp.host.TcpHostTransport;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;

/** Our initiator on the target of Linux. */
final class InitiatorCases {
    private static final long NAMESPACE_BYTES = 32 << 20;

    /** Of what is written at once: below and above what goes along with a command, and what the target splits. */
    private static final int[] SIZES = {4096, 8192, 64 << 10, 512 << 10, 1 << 20};

    private static final UUID HOST = UUID.fromString("0f5ef4b4-3c0c-4f3e-9d5e-5a2b9d0e0001");

    private InitiatorCases() {}

    static List<Case> cases() {
        return List.of(
                Case.of("our-host-writes-to-the-kernels-target", guest -> data(guest, false)),
                Case.of("our-host-and-the-kernels-target-with-digests", guest -> data(guest, true)),
                Case.of("our-host-hears-of-the-kernels-namespaces", InitiatorCases::namespaces),
                Case.of("our-host-loses-the-kernels-target-and-regains-it", InitiatorCases::lostAndRegained));
    }

    private static FabricController connect(boolean digests) {
        var id = new TransportId(
                TransportId.Type.TCP, "127.0.0.1", Integer.toString(KernelTarget.PORT), KernelTarget.NQN, 0);
        var options = FabricHostOptions.of(HOST)
                .withTimes(
                        Duration.ofSeconds(10), Duration.ofSeconds(15), Duration.ofMillis(500), Duration.ofMinutes(2));
        var memory = TcpHostSettings.DEFAULTS.memoryMebibytes();
        return FabricController.open(
                new TcpHostTransport(id, new TcpHostSettings(digests, digests, memory)), id, options, () -> {});
    }

    private static void data(Guest guest, boolean digests) throws Exception {
        try (var target = new KernelTarget(guest)) {
            var file = target.addNamespace(1, NAMESPACE_BYTES);
            try (var controller = connect(digests)) {
                assertThat(controller.info().model()).isEqualTo("Linux");
                assertThat(controller.namespaces()).hasSize(1);
                var namespace = controller.namespaces().getFirst();
                assertThat(namespace.blockBytes()).isEqualTo(KernelTarget.BLOCK_BYTES);
                assertThat(namespace.blockCount() * namespace.blockBytes()).isEqualTo(NAMESPACE_BYTES);
                try (var lane = new Lane(controller)) {
                    for (int bytes : SIZES) {
                        writtenIsInTheFile(lane, namespace, file, bytes);
                        writtenElsewhereIsRead(lane, namespace, file, bytes);
                    }
                    assertThat(lane.flush(namespace)).isZero();
                }
            }
        }
    }

    private static void writtenIsInTheFile(Lane lane, NvmeNamespace namespace, Path file, int bytes) throws Exception {
        lane.fill(bytes, 0, bytes);
        assertThat(lane.write(namespace, 3, bytes / KernelTarget.BLOCK_BYTES, 0))
                .as("write of " + bytes)
                .isZero();
        int at = 3 * KernelTarget.BLOCK_BYTES;
        Lane.requirePattern(bytes, Arrays.copyOfRange(Files.readAllBytes(file), at, at + bytes));
    }

    private static void writtenElsewhereIsRead(Lane lane, NvmeNamespace namespace, Path file, int bytes)
            throws Exception {
        var content = Files.readAllBytes(file);
        System.arraycopy(Lane.pattern(-bytes, bytes), 0, content, KernelTarget.BLOCK_BYTES, bytes);
        Files.write(file, content);
        assertThat(lane.read(namespace, 1, bytes / KernelTarget.BLOCK_BYTES, 0))
                .as("read of " + bytes)
                .isZero();
        lane.requirePattern(-bytes, 0, bytes);
    }

    private static void namespaces(Guest guest) throws Exception {
        try (var target = new KernelTarget(guest)) {
            target.addNamespace(1, NAMESPACE_BYTES);
            try (var controller = connect(false)) {
                target.addNamespace(2, NAMESPACE_BYTES);
                KernelHost.await("namespace 2", () -> controller.namespaces().size() == 2);
                target.removeNamespace(1);
                KernelHost.await(
                        "the end of namespace 1", () -> controller.namespaces().size() == 1);
                assertThat(controller.namespaces().getFirst().nsid()).isEqualTo(2);
            }
        }
    }

    private static void lostAndRegained(Guest guest) throws Exception {
        try (var target = new KernelTarget(guest)) {
            target.addNamespace(1, NAMESPACE_BYTES);
            try (var controller = connect(false)) {
                try (var lane = new Lane(controller)) {
                    lane.fill(5, 0, 64 << 10);
                    assertThat(lane.write(controller.namespaces().getFirst(), 0, 16, 0))
                            .isZero();
                    target.goes();
                    KernelHost.await("the loss", () -> controller.state() != ControllerState.READY);
                }
                target.comes();
                KernelHost.await("the target again", () -> controller.state() == ControllerState.READY);
                try (var lane = new Lane(controller)) {
                    assertThat(lane.read(controller.namespaces().getFirst(), 0, 16, 0))
                            .isZero();
                    lane.requirePattern(5, 0, 64 << 10);
                }
            }
        }
    }
}
