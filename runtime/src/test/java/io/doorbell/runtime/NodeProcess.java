package io.doorbell.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A process of the assembled distribution, with what it wrote. Ended at the latest by {@link #close}. */
final class NodeProcess implements AutoCloseable {
    static final Path REPOSITORY = SourceSizeTest.ROOT;

    /** Starts take about a second; the machine of a test may have much else to do. */
    static final Duration START_BOUND = Duration.ofSeconds(180);

    /** Of a process that was killed: what it held is given back when it is gone. */
    private static final Duration END_BOUND = Duration.ofSeconds(60);

    /** How many homes got listeners of their own. */
    private static final AtomicInteger HOMES = new AtomicInteger();

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

    /** A node that runs, with its start level reached. Its ports are its own, unless the home says others. */
    static NodeProcess run(Path folder, Path home) throws IOException {
        if (Files.notExists(home.resolve("config/io.doorbell.management.cfg"))) {
            managementAt(0, home);
        }
        listenersOf(home);
        var node = doorbell(folder, "run", "--home", home.toString());
        node.awaitOutput("RunCommand", "up after");
        return node;
    }

    /** The default port may be another node's, on a machine with more than one. */
    static Path managementAt(int port, Path home) throws IOException {
        var configuration = Files.createDirectories(home.resolve("config")).resolve("io.doorbell.management.cfg");
        return Files.writeString(configuration, "port = " + port + "\n");
    }

    /**
     * Listeners as the defaults have them, but at a port and an address that are this home's alone: two nodes of a test, what else runs on the
     * machine, and a node that is about to end have theirs. What the home says already stays.
     */
    static void listenersOf(Path home) throws IOException {
        var config = Files.createDirectories(home.resolve("config"));
        int number = HOMES.incrementAndGet();
        long pid = ProcessHandle.current().pid();
        var own = "127." + (1 + pid / 250 % 250) + "." + (1 + pid % 250) + "." + (1 + number % 250);
        place(config, "io.doorbell.tcp.target~tcp0.cfg", "port = 4420", "port = " + TcpHost.freePort());
        place(config, "io.doorbell.rdma.soft~soft0.cfg", "address = 127.0.0.1", "address = " + own);
    }

    private static void place(Path config, String file, String before, String after) throws IOException {
        if (Files.notExists(config.resolve(file))) {
            var text = Files.readString(distribution().resolve("config").resolve(file));
            assertThat(text).contains("\n" + before + "\n");
            Files.writeString(config.resolve(file), text.replace("\n" + before + "\n", "\n" + after + "\n"));
        }
    }

    void awaitOutput(String... parts) {
        await().atMost(START_BOUND).pollInterval(Duration.ofMillis(50)).untilAsserted(() -> {
            var lines = output().lines().toList();
            assertThat(lines).anySatisfy(line -> assertThat(line).contains(parts));
            assertThat(process.isAlive()).as("ended: " + output()).isTrue();
        });
    }

    /** The emulated controller of a new home is up, which is a matter of the background: perf waits for it, but not for so long. */
    void awaitController() {
        awaitOutput("nvme0: ", " queue pairs of ", " up in ");
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

    /**
     * SIGKILL, and the process is gone: its lock, its sockets and its ports are free, and it writes no more into a folder that is about to be
     * deleted.
     */
    @Override
    public void close() {
        process.destroyForcibly();
        try {
            assertThat(process.waitFor(END_BOUND.toMillis(), TimeUnit.MILLISECONDS))
                    .as("is gone")
                    .isTrue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
