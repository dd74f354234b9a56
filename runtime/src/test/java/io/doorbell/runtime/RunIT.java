package io.doorbell.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.doorbell.platform.NotifySocket;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The assembled distribution as a process of its own. */
class RunIT {
    private static final Duration COMMAND_BOUND = Duration.ofSeconds(180);

    @TempDir
    private Path folder;

    @Test
    void aNodeComesUpWithAllItsBundlesAndEndsOnSigtermInTimeWithExitCodeZero()
            throws IOException, InterruptedException {
        var home = folder.resolve("a home");
        try (var node = NodeProcess.run(folder, home)) {
            assertThat(node.output()).doesNotContain("not active").doesNotContain("ERROR");

            node.terminate();

            assertThat(node.exitCode(Node.STOP_BOUND.plus(COMMAND_BOUND)))
                    .as("0: it kept the bound of a stop")
                    .isZero();
            assertThat(node.output()).endsWith("stopped\n");
            assertThat(Files.readString(home.resolve("var/log/doorbell.log"))).contains("up after");
        }
    }

    @Test
    void aBundleThatDoesNotStopIsNamedAndTheNodeEndsAllTheSame() throws IOException, InterruptedException {
        var home = folder.resolve("home");
        NodeProcess.managementAt(0, home);
        StuckActivator.bundle(Files.createDirectories(home.resolve("deploy")).resolve("stuck.jar"));
        var command = List.of(
                NodeProcess.distribution().resolve("bin/doorbell").toString(), "run", "--home", home.toString());
        try (var node = NodeProcess.start(folder, command, "-Ddoorbell.stop.seconds=6")) {
            node.awaitOutput("up after");

            node.terminate();

            assertThat(node.exitCode(COMMAND_BOUND)).isEqualTo(Main.FAILED);
            assertThat(node.output())
                    .contains("not stopped after 6 s: stuck 0.0.0")
                    .contains("halted");
        }
    }

    @Test
    void aServiceManagerIsToldThatTheNodeIsUpThatItLivesAndThatItStops() throws IOException, InterruptedException {
        var home = folder.resolve("home");
        NodeProcess.managementAt(0, home);
        var path = folder.resolve("notify").toString();
        var command = List.of(
                NodeProcess.distribution().resolve("bin/doorbell").toString(), "run", "--home", home.toString());
        var environment = Map.of("NOTIFY_SOCKET", path, "WATCHDOG_USEC", "4000000");
        try (var manager = new NotifySocket(path);
                var node = NodeProcess.start(folder, command, environment)) {
            var told = new ArrayList<String>();
            await().atMost(NodeProcess.START_BOUND)
                    .until(() -> hears(manager, told).contains("WATCHDOG=1"));
            assertThat(told.getFirst()).isEqualTo("READY=1\nSTATUS=up");

            node.terminate();

            await().atMost(NodeProcess.START_BOUND)
                    .until(() -> hears(manager, told).contains("STOPPING=1"));
            assertThat(node.exitCode(COMMAND_BOUND)).isZero();
        }
    }

    /** All that has come: the socket holds a few datagrams, and a node drops what finds no place there. */
    private static List<String> hears(NotifySocket manager, List<String> told) {
        for (var next = manager.next(); next.isPresent(); next = manager.next()) {
            told.add(next.get());
        }
        return told;
    }

    @Test
    void aSecondNodeInTheSameHomeIsRefused() throws IOException, InterruptedException {
        var home = folder.resolve("home");
        try (var _ = NodeProcess.run(folder, home);
                var second = NodeProcess.doorbell(folder, "run", "--home", home.toString())) {
            assertThat(second.exitCode(COMMAND_BOUND)).isEqualTo(Main.FAILED);
            assertThat(second.output()).hasLineCount(1).contains("another node runs in " + home, "--home DIR");
        }
    }

    @Test
    void aJvmWithoutNativeAccessIsToldTheFlagInOneLine() throws IOException, InterruptedException {
        var command = List.of(
                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "-cp",
                NodeProcess.distribution().resolve("lib") + "/*",
                "io.doorbell.runtime.Main",
                "run",
                "--home",
                folder.resolve("home").toString());
        try (var node = NodeProcess.start(folder, command)) {
            assertThat(node.exitCode(COMMAND_BOUND)).isEqualTo(Main.FAILED);
            assertThat(node.output()).hasLineCount(1).contains("--enable-native-access=ALL-UNNAMED");
        }
    }

    @Test
    void aHomeThatCannotBeWrittenIsOneLineWithTheRemedy() throws IOException, InterruptedException {
        try (var node = NodeProcess.doorbell(folder, "run", "--home", "/proc/doorbell")) {
            assertThat(node.exitCode(COMMAND_BOUND)).isEqualTo(Main.FAILED);
            assertThat(node.output()).hasLineCount(1).contains("/proc/doorbell", "--home DIR");
        }
    }

    @Test
    void theScriptAnswersFromAnywhereThroughALinkBeforeItBuildsAnything() throws IOException, InterruptedException {
        var link = Files.createSymbolicLink(
                Files.createDirectory(folder.resolve("a b")).resolve("door bell"),
                NodeProcess.REPOSITORY.resolve("doorbell"));
        for (var wrong : List.of(List.<String>of(), List.of("fly"), List.of("--fly"), List.of("test", "--fly"))) {
            var command = new ArrayList<>(List.of(link.toString()));
            command.addAll(wrong);
            try (var script = NodeProcess.start(folder, command)) {
                assertThat(script.exitCode(COMMAND_BOUND))
                        .as("exit code of " + wrong)
                        .isEqualTo(2);
                assertThat(script.output()).contains("Usage: ./doorbell").doesNotContain("building");
            }
        }
    }

    @Test
    void optionsOfTheNodeAreNotThoseOfCommandsThatAskIt() throws IOException, InterruptedException {
        var script = NodeProcess.distribution().resolve("bin/doorbell").toString();
        var options = Map.of("DOORBELL_NODE_JAVA_OPTS", "-XX:NoSuchOption");
        try (var command = NodeProcess.start(folder, List.of(script, "--version"), options);
                var node = NodeProcess.start(
                        folder,
                        List.of(script, "run", "--home", folder.resolve("none").toString()),
                        options)) {
            assertThat(command.exitCode(COMMAND_BOUND)).as(command.output()).isZero();
            assertThat(node.exitCode(COMMAND_BOUND)).isNotZero();
            assertThat(node.output()).contains("NoSuchOption");
        }
        assertThat(folder.resolve("none")).doesNotExist();
    }

    @Test
    void aContainerCopiesAndRunsWhatTheDistributionHas() throws IOException {
        var distribution = NodeProcess.distribution();
        var file = Files.readString(SourceSizeTest.ROOT.resolve("Dockerfile"));
        var programs = Pattern.compile("\"/opt/doorbell/([^\"]+)\"")
                .matcher(file)
                .results()
                .toList();

        assertThat(file).contains("COPY runtime/target/doorbell-*/ /opt/doorbell/");
        assertThat(programs)
                .hasSize(2)
                .allSatisfy(
                        each -> assertThat(distribution.resolve(each.group(1))).isExecutable());
    }
}
