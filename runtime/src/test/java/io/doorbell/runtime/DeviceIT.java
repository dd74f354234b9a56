package io.doorbell.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Devices in processes of their own, beside a node that drives them. */
class DeviceIT {
    private static final Duration COMMAND_BOUND = Duration.ofSeconds(180);

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
    void aNamespaceThatIsNoneIsSaid() throws IOException, InterruptedException {
        try (var device = NodeProcess.doorbell(
                folder, "device", "--socket", directory.toString(), "--namespace", "memory:1MiB:77")) {
            assertThat(device.exitCode(COMMAND_BOUND)).isEqualTo(Main.FAILED);
            assertThat(device.output()).contains("512 or 4096", "nothing is served at " + directory);
        }
    }
}
