package io.doorbell.lab.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.fabrics.host.FabricController;
import io.doorbell.host.ControllerState;
import io.doorbell.host.NvmeNamespace;
import io.doorbell.lab.guest.Lane;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Supplier;

/** What our initiator does with the target of Linux, whatever carries it: bodies of cases. */
public final class InitiatorScenarios {
    private static final long NAMESPACE_BYTES = 32 << 20;

    /** Of what is written at once: below and above what goes along with a command, and what the target splits. */
    private static final int[] SIZES = {4096, 8192, 64 << 10, 512 << 10, 1 << 20};

    /** Makes a target, without a namespace yet. */
    @FunctionalInterface
    public interface Targets {
        KernelTarget make() throws Exception;
    }

    private InitiatorScenarios() {}

    public static void data(Targets targets, Supplier<FabricController> connect) throws Exception {
        try (var target = targets.make()) {
            var file = target.addNamespace(1, NAMESPACE_BYTES);
            try (var controller = connect.get()) {
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

    public static void namespaces(Targets targets, Supplier<FabricController> connect) throws Exception {
        try (var target = targets.make()) {
            target.addNamespace(1, NAMESPACE_BYTES);
            try (var controller = connect.get()) {
                target.addNamespace(2, NAMESPACE_BYTES);
                KernelHost.await("namespace 2", () -> controller.namespaces().size() == 2);
                target.removeNamespace(1);
                KernelHost.await(
                        "the end of namespace 1", () -> controller.namespaces().size() == 1);
                assertThat(controller.namespaces().getFirst().nsid()).isEqualTo(2);
            }
        }
    }

    public static void lostAndRegained(Targets targets, Supplier<FabricController> connect) throws Exception {
        try (var target = targets.make()) {
            target.addNamespace(1, NAMESPACE_BYTES);
            try (var controller = connect.get()) {
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
