package io.doorbell.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command of the assembled distribution. What it prints is tested with the plug-in. */
class IdentifyIT {
    private static final Duration BOUND = Duration.ofSeconds(180);

    @TempDir
    private Path folder;

    private String identify(int expected, String... arguments) throws IOException, InterruptedException {
        var command = new String[arguments.length + 1];
        command[0] = "identify";
        System.arraycopy(arguments, 0, command, 1, arguments.length);
        try (var identify = NodeProcess.doorbell(folder, command)) {
            assertThat(identify.exitCode(BOUND)).as(identify.output()).isEqualTo(expected);
            return identify.output();
        }
    }

    @Test
    void printsTheEmulatedControllerOfANode() throws IOException, InterruptedException {
        assertThat(identify(Main.DONE, "-r", "trtype:EMULATED traddr:nvme0"))
                .contains("trtype:EMULATED traddr:nvme0")
                .contains("DOORBELL0", "Namespace 1: ", "Namespace 2: ", "Namespace 3: ");
    }

    @Test
    void printsADeviceInAnotherProcess() throws IOException, InterruptedException {
        var directory = folder.toRealPath().resolve("device");
        var trid = "trtype:VFIOUSER traddr:" + directory;
        try (var device = NodeProcess.doorbell(folder, "device", "--socket", directory.toString())) {
            device.awaitOutput(trid, "is there");

            assertThat(identify(Main.DONE, "-r", trid, "--json")).contains("\"Doorbell device\"", "\"nsid\" : 1");
        }
    }

    @Test
    void refusesWhatItDoesNotUnderstand() throws IOException, InterruptedException {
        assertThat(identify(2, "--nonsense")).contains("identify: ", "--nonsense");
    }
}
