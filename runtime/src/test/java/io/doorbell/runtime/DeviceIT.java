package io.doorbell.runtime;

import static io.doorbell.runtime.LocalNode.BOUND;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Devices in processes of their own, beside a node that drives them. */
class DeviceIT {
    private static final Duration COMMAND_BOUND = Duration.ofSeconds(60);

    @TempDir
    private Path folder;

    private Path directory;
    private String trid;

    @BeforeEach
    void choose() throws IOException {
        // As a real path: that is what the node prints.
        directory = folder.toRealPath().resolve("device");
        trid = "trtype:VFIOUSER traddr:" + directory;
    }

    private NodeProcess device(String... more) throws IOException {
        var arguments = new String[more.length + 3];
        arguments[0] = "device";
        arguments[1] = "--socket";
        arguments[2] = directory.toString();
        System.arraycopy(more, 0, arguments, 3, more.length);
        var device = NodeProcess.doorbell(folder, arguments);
        device.awaitOutput(trid, "is there");
        return device;
    }

    private LocalNode node() throws IOException {
        var home = folder.resolve("home");
        var config = Files.createDirectories(home.resolve("config"));
        Files.writeString(config.resolve("io.doorbell.pcie.vfiouser~device.cfg"), "path = " + directory + "\n");
        return new LocalNode(home);
    }

    @Test
    void perfReachesADeviceByTheDirectoryOfItsSocket() throws IOException, InterruptedException {
        try (var device = device("--namespace", "file:16MiB:4096:disk.img", "--namespace", "null:1TiB:512");
                var perf = NodeProcess.doorbell(
                        folder, "perf", "-q", "8", "-o", "4096", "-w", "randwrite", "-t", "1", "-r", trid)) {
            assertThat(perf.exitCode(COMMAND_BOUND)).as(perf.output()).isZero();
            assertThat(perf.output()).contains("NSID 1", "NSID 2");
            assertThat(folder.resolve("disk.img")).exists();

            device.terminate();

            assertThat(device.exitCode(COMMAND_BOUND)).as("ended by SIGTERM").isEqualTo(128 + 15);
            assertThat(directory.resolve("cntrl")).doesNotExist();
        }
    }

    @Test
    void aNodeTakesADeviceUpAgainThatWasKilledUnderLoad() throws IOException, InterruptedException {
        try (var node = node()) {
            LocalNode.Perf load = null;
            for (int life = 0; life < 3; life++) {
                try (var device = device()) {
                    await().atMost(BOUND)
                            .untilAsserted(() -> assertThat(node.node().trids()).contains(trid));
                    if (load == null) {
                        load = node.perf(
                                "-q",
                                "16",
                                "-o",
                                "4096",
                                "-w",
                                "randrw",
                                "-M",
                                "50",
                                "-t",
                                "120",
                                "--resume",
                                "60",
                                "-r",
                                trid);
                    }
                    await().atMost(BOUND).until(() -> LocalNode.leases() > 0);
                    assertThat(device.output()).doesNotContain("ERROR");
                    // Closing kills: SIGKILL.
                }
                await().atMost(BOUND).untilAsserted(() -> {
                    assertThat(LocalNode.leases()).as("leases").isZero();
                    assertThat(node.node().trids()).doesNotContain(trid);
                });
            }
            assertThat(node.node().notActive()).isEmpty();
        }
    }

    @Test
    void aNamespaceThatIsNoneIsSaid() throws IOException, InterruptedException {
        try (var device = NodeProcess.doorbell(
                folder, "device", "--socket", directory.toString(), "--namespace", "memory:1MiB:77")) {
            assertThat(device.exitCode(COMMAND_BOUND)).isEqualTo(Main.FAILED);
            assertThat(device.output()).contains("512 or 4096", "nothing is served at " + directory);
        }
    }
}
