package io.doorbell.lab.pcie;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.lab.Case;
import io.doorbell.lab.guest.Guest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The commands that an operator types, from the assembled distribution, each a JVM of its own. */
final class CommandCases {
    /** A node starts in there, ten times as slowly as outside, and on a machine that may have much else to do. */
    private static final Duration COMMAND_BOUND = Duration.ofMinutes(7);

    private static final Duration CASE_BOUND = Duration.ofMinutes(15);

    private CommandCases() {}

    static List<Case> cases() {
        return List.of(
                new Case("pci-bind-and-unbind-by-command", CASE_BOUND, CommandCases::binding),
                new Case("identify-of-the-distribution", CASE_BOUND, CommandCases::identify),
                new Case("perf-of-the-distribution", CASE_BOUND, CommandCases::polled),
                new Case("perf-of-the-distribution-by-interrupts", CASE_BOUND, CommandCases::interrupted));
    }

    private static void binding(Guest guest) throws Exception {
        Bus.toKernel(Slot.PLAIN);
        var address = Slot.PLAIN.address();

        doorbell(guest, "pci", "bind", address);

        assertThat(driver(address)).isEqualTo("vfio-pci");
        assertThat(doorbell(guest, "pci", "list"))
                .as("what drives " + address)
                .containsPattern("(?m)^" + address + " .* vfio-pci ");

        doorbell(guest, "pci", "unbind", address);

        assertThat(driver(address)).isEqualTo("nvme");
        assertThat(Bus.disk(Slot.PLAIN)).startsWith("/dev/nvme");
    }

    private static void identify(Guest guest) throws Exception {
        var said = doorbell(guest, "identify", "-r", "trtype:PCIE traddr:" + Bus.toVfio(Slot.PLAIN));

        assertThat(said).contains(Slot.PLAIN.serial());
    }

    private static void polled(Guest guest) throws Exception {
        var address = Bus.toVfio(Slot.PLAIN);

        assertThat(perf(guest, address, "-w", "randrw", "-M", "50", "--verify")).contains(address);
    }

    private static void interrupted(Guest guest) throws Exception {
        var address = Bus.toVfio(Slot.PLAIN);

        assertThat(perf(guest, address, "-w", "randread", "-E")).contains(address);
    }

    private static String perf(Guest guest, String address, String... workload)
            throws IOException, InterruptedException {
        var arguments = new ArrayList<>(
                List.of("perf", "-r", "trtype:PCIE traddr:" + address, "-q", "8", "-o", "4096", "-t", "2"));
        arguments.addAll(List.of(workload));
        return doorbell(guest, arguments.toArray(String[]::new));
    }

    private static String driver(String address) throws IOException {
        return Path.of("/sys/bus/pci/devices", address, "driver")
                .toRealPath()
                .getFileName()
                .toString();
    }

    /** Returns what it wrote; one that does not end well fails the case with its words. */
    private static String doorbell(Guest guest, String... arguments) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of("env", "DOORBELL_JAVA_OPTS=-XX:TieredStopAtLevel=1"));
        command.add(distribution(guest).resolve("bin/doorbell").toString());
        command.addAll(List.of(arguments));
        var said = new String(guest.run(COMMAND_BOUND, command), StandardCharsets.UTF_8);
        System.out.println(String.join(" ", arguments) + ":\n" + said);
        return said;
    }

    private static Path distribution(Guest guest) throws IOException {
        try (var found = Files.newDirectoryStream(guest.project().resolve("runtime/target"), "doorbell-*")) {
            for (var folder : found) {
                if (Files.isDirectory(folder)) {
                    return folder;
                }
            }
        }
        throw new IllegalStateException("no assembled distribution in runtime/target");
    }
}
