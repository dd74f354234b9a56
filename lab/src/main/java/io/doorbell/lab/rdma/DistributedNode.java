package io.doorbell.lab.rdma;

import io.doorbell.lab.guest.Guest;
import io.doorbell.lab.kernel.KernelHost;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A node of the distribution as it was built, in a process of the guest, with a new home that has its defaults. One thread.
 *
 * <p>Each of its JVMs has one of the guest's two CPUs. Compiled code changes itself while it runs, and with two CPUs that QEMU translates at the same time
 * a JVM was seen to end by SIGILL in the midst of it.
 */
final class DistributedNode implements AutoCloseable {
    /** A JVM in the guest is ten times slower than outside, and the machine may have other things to do. */
    private static final Duration BOUND = Duration.ofMinutes(5);

    private final Guest guest;
    private final Path program;
    private final Path home = Files.createTempDirectory("home");
    private final Path output = Files.createTempFile("node", ".txt");
    private final Process process;

    /** It is up. */
    DistributedNode(Guest guest) throws IOException {
        this.guest = guest;
        program = program(guest.project().resolve("runtime/target"));
        var builder = new ProcessBuilder("taskset", "-c", "1", program.toString(), "run", "--home", home.toString())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        // The second compiler would take the guest's CPUs for longer than a case goes on.
        builder.environment().put("DOORBELL_JAVA_OPTS", "-XX:TieredStopAtLevel=1");
        process = builder.start();
        try {
            awaitOutput("up after");
        } catch (AssertionError | RuntimeException failed) {
            process.destroyForcibly();
            throw failed;
        }
    }

    private static Path program(Path target) throws IOException {
        try (var distributions = Files.newDirectoryStream(target, "doorbell-*")) {
            for (var distribution : distributions) {
                var found = distribution.resolve("bin/doorbell");
                if (Files.isExecutable(found)) {
                    return found;
                }
            }
        }
        throw new IllegalStateException("no distribution is in " + target + ": ./doorbell --version builds one");
    }

    /** The program again, in a process of its own, on this home; what it prints is the answer. */
    String doorbell(List<String> arguments) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.of("taskset", "-c", "0", program.toString()));
        command.addAll(arguments);
        command.addAll(List.of("--home", home.toString()));
        return new String(guest.run(BOUND, command)).strip();
    }

    /** Waits until it has printed that. */
    void awaitOutput(String words) {
        KernelHost.await("\"" + words + "\"", BOUND, () -> {
            if (!process.isAlive()) {
                throw new IllegalStateException("the node has ended: " + output());
            }
            return output().contains(words);
        });
    }

    String output() {
        try {
            return Files.readString(output);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Ends it as a service manager does, and waits until it has drained. */
    void stop() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(BOUND.toSeconds(), TimeUnit.SECONDS)) {
            throw new AssertionError("the node has not ended: " + output());
        }
    }

    /** Whatever became of it. What it wrote goes to the guest's console. */
    @Override
    public void close() {
        process.destroyForcibly();
        System.out.println(output());
    }
}
