package io.doorbell.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A process of the assembled distribution, with what it wrote. Ended at the latest by {@link #close}. */
final class NodeProcess implements AutoCloseable {
    static final Path REPOSITORY = SourceSizeTest.ROOT;

    /** Starts take about a second; the machine of a test may have much else to do. */
    static final Duration START_BOUND = Duration.ofSeconds(180);

    private final Process process;
    private final Path output;

    private NodeProcess(Process process, Path output) {
        this.process = process;
        this.output = output;
    }

    static Path distribution() {
        return REPOSITORY.resolve("runtime/target/doorbell-" + version());
    }

    static String version() {
        var named = System.getProperty("doorbell.version");
        assertThat(named)
                .as("the version, which the root pom.xml hands to the tests")
                .isNotNull();
        return named;
    }

    /** Starts {@code bin/doorbell} of the distribution. */
    static NodeProcess doorbell(Path folder, String... arguments) throws IOException {
        var command =
                new ArrayList<>(List.of(distribution().resolve("bin/doorbell").toString()));
        command.addAll(List.of(arguments));
        return start(folder, command);
    }

    static NodeProcess start(Path folder, List<String> command) throws IOException {
        return start(folder, command, "");
    }

    static NodeProcess start(Path folder, List<String> command, String javaOptions) throws IOException {
        return start(folder, command, Map.of("DOORBELL_JAVA_OPTS", javaOptions));
    }

    static NodeProcess start(Path folder, List<String> command, Map<String, String> environment) throws IOException {
        var output = Files.createTempFile(folder, "output", ".txt");
        var builder = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().put("DOORBELL_JAVA_OPTS", "");
        builder.environment().putAll(environment);
        return new NodeProcess(builder.start(), output);
    }

    /** A node that runs, with its start level reached. Its port is any free one, unless the home says another. */
    static NodeProcess run(Path folder, Path home) throws IOException {
        if (Files.notExists(home.resolve("config/io.doorbell.management.cfg"))) {
            managementAt(0, home);
        }
        var node = doorbell(folder, "run", "--home", home.toString());
        node.awaitOutput("RunCommand", "up after");
        return node;
    }

    /** The default port may be another node's, on a machine with more than one. */
    static Path managementAt(int port, Path home) throws IOException {
        var configuration = Files.createDirectories(home.resolve("config")).resolve("io.doorbell.management.cfg");
        return Files.writeString(configuration, "port = " + port + "\n");
    }

    /** Listeners at a free port, and at an address of their own for RDMA, whose UDP port may be another node's. */
    static void listenersOf(Path home) throws IOException {
        var config = Files.createDirectories(home.resolve("config"));
        long pid = ProcessHandle.current().pid();
        var own = "127." + (1 + pid / 250 % 250) + "." + (1 + pid % 250) + ".1";
        int free;
        try (var probe = new ServerSocket(0)) {
            free = probe.getLocalPort();
        }
        Files.writeString(
                config.resolve("io.doorbell.tcp.target~tcp0.cfg"),
                "name = tcp0\naddress = 127.0.0.1\nport = " + free + "\n");
        Files.writeString(config.resolve("io.doorbell.rdma.soft~soft0.cfg"), "name = soft0\naddress = " + own + "\n");
        Files.writeString(config.resolve("io.doorbell.rdma.target~rdma0.cfg"), "name = rdma0\naddress = " + own + "\n");
    }

    void awaitOutput(String... parts) {
        await().atMost(START_BOUND).pollInterval(Duration.ofMillis(50)).untilAsserted(() -> {
            var lines = output().lines().toList();
            assertThat(lines).anySatisfy(line -> assertThat(line).contains(parts));
            assertThat(process.isAlive()).as("ended: " + output()).isTrue();
        });
    }

    String output() {
        try {
            return Files.readString(output);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** SIGTERM. */
    void terminate() {
        process.destroy();
    }

    void signal(String name) throws IOException, InterruptedException {
        var kill = new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).inheritIO();
        assertThat(kill.start().waitFor()).as("kill -" + name).isZero();
    }

    int exitCode(Duration bound) throws InterruptedException {
        assertThat(process.waitFor(bound.toMillis(), TimeUnit.MILLISECONDS))
                .as("ends within " + bound + ": " + output())
                .isTrue();
        return process.exitValue();
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
