package io.doorbell.lab.pcie;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.host.ControllerListener;
import io.doorbell.host.ControllerState;
import io.doorbell.host.NvmCommand;
import io.doorbell.host.NvmeController;
import io.doorbell.lab.Case;
import io.doorbell.lab.guest.Guest;
import io.doorbell.lab.guest.Lane;
import io.doorbell.lease.RevocationReason;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.pcie.PcieOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

/** What goes wrong: each command ends once, whoever holds a queue pair hears why it lost it, and it goes on. */
final class TroubleCases {
    private static final int DEPTH = 32;

    /** Some of it has to have worked before it is disturbed. */
    private static final int FIRST_COMMANDS = 500;

    private static final int UNKNOWN_OPCODE = 0x7F;

    private TroubleCases() {}

    static List<Case> cases() {
        return List.of(
                Case.of("refused-commands-end-with-a-status", TroubleCases::refused),
                Case.of("reset-under-load", TroubleCases::reset),
                Case.of("killed-under-load", TroubleCases::killed),
                Case.of("commands-that-take-too-long", TroubleCases::timeout),
                Case.of("unplug-under-load-and-plug-in-again", TroubleCases::unplug));
    }

    private static void refused(Guest guest) throws IOException {
        try (var ours = Controllers.open(Slot.PLAIN);
                var lane = new Lane(ours)) {
            var namespace = Controllers.namespace(ours, 1);

            assertThat(lane.read(namespace, namespace.blockCount() - 1, 2, 0)).isEqualTo(Status.LBA_OUT_OF_RANGE);
            var unknown = new NvmCommand().reset(UNKNOWN_OPCODE, 1);
            assertThat(lane.execute(() -> lane.queuePair().submit(unknown, null, 0, 0, 0)))
                    .isEqualTo(Status.INVALID_OPCODE);
            var nobody = new NvmCommand().reset(NvmOpcode.READ, 9);
            assertThat(lane.execute(() -> lane.queuePair().submit(nobody, lane.memory(), 0, 512, 0)))
                    .isIn(Status.INVALID_NAMESPACE_OR_FORMAT, Status.INVALID_FIELD);
            assertThat(lane.read(namespace, 0, 1, 0)).isZero();
        }
    }

    private static void reset(Guest guest) throws Exception {
        try (var node = new Node(Bus.toVfio(Slot.PLAIN), PcieOptions.DEFAULTS)) {
            var controller = node.controller();
            try (var load = new Load(node.resources(), controller, DEPTH)) {
                Bus.await("load", () -> load.succeeded() > FIRST_COMMANDS);

                controller.reset("the lab asked for it");

                load.awaitOver();
                assertThat(load.awaitEnd().reason()).isEqualTo(RevocationReason.CONTROLLER_GONE);
            }
            assertThat(controller.state()).isEqualTo(ControllerState.READY);
            loadWorks(node, controller);
        }
    }

    private static void loadWorks(Node node, NvmeController controller) throws Exception {
        try (var load = new Load(node.resources(), controller, DEPTH)) {
            Bus.await("load", () -> load.succeeded() > FIRST_COMMANDS || load.isOver());
            load.stop();
            load.awaitOver();
            assertThat(load.failed()).isZero();
        }
    }

    /** Who comes after a process that was killed finds a controller that reaches no memory of the dead, and works. */
    private static void killed(Guest guest) throws Exception {
        var address = Bus.toVfio(Slot.PLAIN);
        var victim = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin/java").toString(),
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Victim.class.getName(),
                        address)
                .redirectErrorStream(true)
                .start();
        try (var said = victim.inputReader()) {
            assertThat(said.lines().peek(System.out::println).anyMatch(Victim.BUSY::equals))
                    .as("it worked before")
                    .isTrue();
        } finally {
            victim.destroyForcibly().waitFor();
        }
        try (var ours = Controllers.open(Slot.PLAIN);
                var lane = new Lane(ours)) {
            lane.fill(8, 0, 4096);
            assertThat(lane.write(Controllers.namespace(ours, 1), 0, 8, 0)).isZero();
            assertThat(lane.read(Controllers.namespace(ours, 1), 0, 8, 4096)).isZero();
            lane.requirePattern(8, 4096, 4096);
        }
        Bus.toKernel(Slot.PLAIN);
    }

    /** QEMU lets one command a second through to the disk: the others are aborted, and the controller is reset for it. */
    private static void timeout(Guest guest) throws Exception {
        var options = PcieOptions.DEFAULTS.withTimeouts(Duration.ofSeconds(20), Duration.ofSeconds(4));
        try (var node = new Node(Bus.toVfio(Slot.SLOW), options)) {
            var controller = node.controller();
            var states = new CopyOnWriteArrayList<ControllerState>();
            controller.addListener(new ControllerListener() {
                @Override
                public void stateChanged(NvmeController changed, ControllerState state, String reason) {
                    states.add(state);
                }
            });
            try (var load = new Load(node.resources(), controller, DEPTH)) {
                Bus.await("load", () -> load.succeeded() > FIRST_COMMANDS);

                commandsASecond(guest, 1);

                load.awaitOver();
                assertThat(load.failed()).isPositive();
                assertThat(load.awaitEnd().reason()).isEqualTo(RevocationReason.CONTROLLER_GONE);
            }
            commandsASecond(guest, 0);
            Bus.await(
                    "READY after a reset",
                    () -> states.contains(ControllerState.RESETTING) && states.getLast() == ControllerState.READY);
            loadWorks(node, controller);
        }
    }

    /** @param count 0 for no limit */
    private static void commandsASecond(Guest guest, int count) throws IOException {
        guest.ask(
                "block_set_io_throttle",
                Map.of(
                        "id",
                        Slot.SLOW.id(),
                        "iops",
                        count,
                        "iops_rd",
                        0,
                        "iops_wr",
                        0,
                        "bps",
                        0,
                        "bps_rd",
                        0,
                        "bps_wr",
                        0));
    }

    /** The kernel takes the function away; what comes back in its place is taken up again, with what was written before. */
    private static void unplug(Guest guest) throws Exception {
        var address = Bus.toVfio(Bus.hotAddress());
        try (var node = new Node(address, PcieOptions.DEFAULTS)) {
            var controller = node.controller();
            try (var lane = new Lane(controller)) {
                lane.fill(7, 0, 4096);
                assertThat(lane.write(Controllers.namespace(controller, 1), 64, 8, 0))
                        .isZero();
                assertThat(lane.flush(Controllers.namespace(controller, 1))).isZero();
            }
            try (var load = new Load(node.resources(), controller, DEPTH)) {
                Bus.await("load", () -> load.succeeded() > FIRST_COMMANDS);

                guest.ask("device_del", Map.of("id", Slot.HOT.id()));

                load.awaitOver();
                assertThat(load.awaitEnd().reason()).isEqualTo(RevocationReason.CONTROLLER_GONE);
            }
            Bus.await("nothing behind the port", Bus::nothingBehindPort);
            Bus.await("no controller", node::isEmpty);
            assertThat(controller.state()).isEqualTo(ControllerState.REMOVED);

            Bus.await("the device's file to be let go of", () -> plugIn(guest));
            assertThat(Bus.toVfio(Bus.hotAddress())).isEqualTo(address);
            var again = node.controller();
            try (var lane = new Lane(again)) {
                assertThat(lane.read(Controllers.namespace(again, 1), 64, 8, 0)).isZero();
                lane.requirePattern(7, 0, 4096);
            }
            loadWorks(node, again);
        }
    }

    /** Not while the device that left still has the file: QEMU says that it has gone a moment before it lets go of that. */
    private static boolean plugIn(Guest guest) {
        try {
            guest.ask("device_add", PcieMachine.hotArguments());
            return true;
        } catch (IllegalStateException refused) {
            if (refused.getMessage().contains("Permission conflict")) {
                return false;
            }
            throw refused;
        } catch (IOException silent) {
            throw new UncheckedIOException(silent);
        }
    }
}
