package io.doorbell.lab.manual;

import io.doorbell.lab.kernel.KernelHost;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.regex.Pattern;

/** A shell of the guest at which somebody types one line after the other, with its jobs. One thread. */
public final class Shell implements AutoCloseable {
    private final Duration bound;
    private final Path output = Files.createTempFile("shell", ".txt");
    private final Process process;
    private final Writer in;
    private int lines;
    private int begin;

    /** @param bound of one line */
    public Shell(Path folder, Map<String, String> environment, Duration bound) throws IOException {
        this.bound = bound;
        var builder = new ProcessBuilder("bash")
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        builder.environment().putAll(environment);
        process = builder.start();
        in = process.outputWriter(StandardCharsets.UTF_8);
    }

    /** Types a line. {@link #await} waits for its end. */
    public void type(String line) throws IOException {
        begin = output().length();
        System.out.println("$ " + line);
        // What reads from its input would swallow the next line.
        in.write("{ " + line + (line.endsWith("&") ? "" : ";") + " } </dev/null\necho \"[" + ++lines
                + " ended with $?]\"\n");
        in.flush();
    }

    /**
     * What the line printed.
     *
     * @throws IllegalStateException when it failed
     */
    public String await() {
        var end = Pattern.compile("\\[" + lines + " ended with (\\d+)]\n");
        KernelHost.await(
                "the end of the line: " + lately(),
                bound,
                () -> end.matcher(output()).find());
        var ended = end.matcher(output());
        ended.find();
        var printed = output().substring(begin, ended.start());
        System.out.println(printed);
        if (!ended.group(1).equals("0")) {
            throw new IllegalStateException("ended with " + ended.group(1) + ": " + printed);
        }
        return printed;
    }

    /** The last of it, for whoever has to find out why something did not come. */
    private String lately() {
        var all = output();
        return all.substring(Math.max(0, all.length() - 500));
    }

    /** Of all lines, and of the jobs that they began. */
    public String output() {
        try {
            return Files.readString(output);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Ends it, and all that it began. */
    @Override
    public void close() throws IOException {
        var begun = process.descendants().toList();
        begun.forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        Files.delete(output);
    }
}
