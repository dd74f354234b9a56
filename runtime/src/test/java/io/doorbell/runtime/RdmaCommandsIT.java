package io.doorbell.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A running node, and commands that reach it by RDMA, each in a process of its own. */
class RdmaCommandsIT {
    private static final Duration BOUND = Duration.ofSeconds(180);
    private static final String SUBSYSTEM = "nqn.2026-11.io.doorbell:nvme0";

    @TempDir
    private Path folder;

    private String command(String... arguments) throws IOException, InterruptedException {
        try (var process = NodeProcess.doorbell(folder, arguments)) {
            assertThat(process.exitCode(BOUND)).as(process.output()).isZero();
            return process.output();
        }
    }

    @Test
    void discoverIdentifyAndPerfReachANode() throws IOException, InterruptedException {
        var home = folder.resolve("home");
        var config = Files.createDirectories(home.resolve("config"));
        // Its own: other nodes of this machine have the port at other addresses. The listener of the defaults is where
        // the device is.
        var address = NamedDevices.loopback(3 * ProcessHandle.current().pid() + 1);
        Files.writeString(
                config.resolve("io.doorbell.rdma.soft~soft0.cfg"), "name = soft0\naddress = " + address + "\n");
        var place = "trtype:RDMA traddr:" + address + " trsvcid:4420";
        try (var node = NodeProcess.run(folder, home)) {
            node.awaitOutput("rdma0 listens at");

            assertThat(command("discover", "-r", place)).contains("RDMA", address, SUBSYSTEM);
            assertThat(command("identify", "-r", place + " subnqn:" + SUBSYSTEM))
                    .contains("Namespace 1: ");
            var json = folder.resolve("perf.json");
            command(
                    "perf",
                    "-q",
                    "8",
                    "-o",
                    "4096",
                    "-w",
                    "randrw",
                    "-M",
                    "50",
                    "-t",
                    "1",
                    "-r",
                    place + " subnqn:" + SUBSYSTEM,
                    "--json",
                    json.toString());
            assertThat(PerfResult.read(Files.readString(json))).isNotEmpty().allSatisfy(result -> {
                assertThat(result.iops()).isPositive();
                assertThat(result.failed()).isZero();
            });
        }
    }
}
