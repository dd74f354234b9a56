package io.doorbell.lab.guest;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** What a case can do beside calling our code: programs of the guest, and the monitor of the machine it runs in. Any thread. */
public final class Guest {
    /** A property of the guest's JVM. */
    public static final String SECONDS = "doorbell.lab.seconds";

    private static final Duration PROGRAM_BOUND = Duration.ofSeconds(150);

    private final HostTalk host;
    private volatile String note = "";

    Guest(HostTalk host) {
        this.host = host;
    }

    /**
     * Asks QEMU's monitor.
     *
     * @return what it returned, as JSON
     * @throws IllegalStateException with its words when it refuses
     */
    public String ask(String command, Map<String, Object> arguments) throws IOException {
        return host.ask(command, arguments);
    }

    /** What a case measured, for its line of the report. */
    public void note(String measured) {
        note = measured;
    }

    /** What the case that has ended noted; once. */
    String takeNote() {
        var taken = note;
        note = "";
        return taken;
    }

    /** The folder of the project on the host. */
    public Path project() {
        return Path.of(System.getProperty("doorbell.root"));
    }

    /** Of the packages that came along. */
    public String busybox() {
        return System.getenv("LAB_ROOT") + "/bin/busybox";
    }

    /** Of the packages too, by its path: busybox has one of its own, which knows less. */
    public String tc() {
        return System.getenv("LAB_ROOT") + "/sbin/tc";
    }

    /** Loads a module anew, with a parameter; nobody may use it meanwhile. */
    public void setModuleParameter(String module, String parameter, String value)
            throws IOException, InterruptedException {
        run(busybox(), "rmmod", module);
        run(
                System.getenv("LAB_ROOT") + "/sbin/modprobe",
                "-d",
                System.getenv("LAB_KERNEL"),
                module,
                parameter + "=" + value);
    }

    /** How long a case goes on that can go on for as long as one wants: what the command line says, or else {@code usual}. */
    public int seconds(int usual) {
        return Integer.getInteger(SECONDS, usual);
    }

    /** Runs a program of the guest, or of the packages that came along. Its output is the answer. */
    public byte[] run(String... command) throws IOException, InterruptedException {
        return run(PROGRAM_BOUND, List.of(command));
    }

    public byte[] run(Duration bound, List<String> command) throws IOException, InterruptedException {
        var builder = new ProcessBuilder(new ArrayList<>(command))
                .redirectInput(Path.of("/dev/null").toFile());
        builder.environment().put("LD_LIBRARY_PATH", System.getenv("LAB_LIBRARIES"));
        var process = builder.start();
        try {
            var errors = new StringBuilder();
            var reader = Thread.ofVirtual()
                    .start(() -> process.errorReader(StandardCharsets.UTF_8)
                            .lines()
                            .forEach(line -> errors.append(line).append('\n')));
            var watch = Thread.ofVirtual().start(() -> endAfter(process, bound));
            var output = process.getInputStream().readAllBytes();
            int exitCode = process.waitFor();
            reader.join();
            watch.interrupt();
            if (exitCode != 0) {
                throw new IllegalStateException(
                        String.join(" ", command) + " ended with " + exitCode + ": " + errors + text(output));
            }
            return output;
        } finally {
            process.destroyForcibly();
        }
    }

    private static void endAfter(Process process, Duration bound) {
        try {
            if (!process.waitFor(bound.toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException over) {
            // It has ended before.
        }
    }

    /** The same as text. */
    public String say(String... command) throws IOException, InterruptedException {
        return text(run(command)).strip();
    }

    private static String text(byte[] output) {
        return new String(output, StandardCharsets.UTF_8);
    }
}
