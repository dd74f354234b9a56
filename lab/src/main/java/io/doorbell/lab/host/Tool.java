package io.doorbell.lab.host;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** A program of this machine that is run and waited for. */
final class Tool {
    /** Where Debian puts programs; the PATH of ordinary users has no sbin. */
    private static final List<String> FOLDERS = List.of("/usr/bin", "/bin", "/usr/sbin", "/sbin");

    private Tool() {}

    /** @param lines of both streams, in order */
    record Outcome(int exitCode, List<String> lines) {
        boolean succeeded() {
            return exitCode == 0;
        }

        /** The last line that says something, which is where programs say why they failed. */
        String last() {
            return lines.stream().filter(line -> !line.isBlank()).reduce("", (_, line) -> line);
        }
    }

    static Optional<Path> find(String name) {
        return FOLDERS.stream()
                .map(folder -> Path.of(folder, name))
                .filter(Files::isExecutable)
                .findFirst();
    }

    /** @throws LabException when it takes longer than {@code bound}; it is ended then */
    static Outcome run(Path folder, Duration bound, Map<String, String> environment, List<String> command)
            throws IOException, InterruptedException {
        var builder = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true);
        // What these programs say is read by us.
        builder.environment().put("LC_ALL", "C");
        builder.environment().putAll(environment);
        var process = builder.redirectInput(
                        ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .start();
        var lines = new ArrayList<String>();
        var reader = Thread.ofVirtual().start(() -> readAll(process, lines));
        try {
            if (!process.waitFor(bound.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new LabException(String.join(" ", command) + " took longer than " + bound.toSeconds() + " s");
            }
            reader.join();
            return new Outcome(process.exitValue(), List.copyOf(lines));
        } finally {
            process.destroyForcibly();
        }
    }

    private static void readAll(Process process, List<String> lines) {
        try (var output = process.inputReader(StandardCharsets.UTF_8)) {
            output.lines().forEach(lines::add);
        } catch (IOException | java.io.UncheckedIOException e) {
            // The process was ended for taking too long, and its output with it.
            lines.add(e.getMessage());
        }
    }
}
