package io.doorbell.bench;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Programs that a measurement runs, each in a process of its own that ends with it. */
final class Programs {
    private static final long LOOK_MILLIS = 50;

    private Programs() {}

    /** The distribution stands beside this jar: bench/target/bench.jar, runtime/target/doorbell-VERSION/bin/doorbell. */
    static Path doorbell() throws IOException {
        var jar = Path.of(Programs.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .getPath());
        var target = jar.getParent().getParent().getParent().resolve("runtime/target");
        try (var found = Files.newDirectoryStream(target, "doorbell-*")) {
            for (var distribution : found) {
                var script = distribution.resolve("bin/doorbell");
                if (Files.isExecutable(script)) {
                    return script;
                }
            }
        }
        throw new IOException("no distribution under " + target + ": run it as ./doorbell bench, which builds it");
    }

    /**
     * Runs a program to its end.
     *
     * @return what it wrote
     * @throws IOException when it fails, or does not end within the bound
     */
    static String run(Path folder, Duration bound, List<String> command) throws IOException, InterruptedException {
        try (var running = start(folder, command)) {
            if (!running.process.waitFor(bound.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new IOException(command + " does not end within " + bound);
            }
            if (running.process.exitValue() != 0) {
                throw new IOException(
                        command + " ended with " + running.process.exitValue() + ":\n" + running.written());
            }
            return running.written();
        }
    }

    /** Runs a class of this program in a JVM of its own, with the options that nodes have. */
    static Running java(Path folder, Class<?> main, List<String> arguments) throws IOException {
        var command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "@" + doorbell().resolveSibling("jvm.options")));
        var more = System.getenv("DOORBELL_JAVA_OPTS");
        if (more != null && !more.isBlank()) {
            command.addAll(List.of(more.strip().split("\\s+")));
        }
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(arguments);
        return start(folder, command);
    }

    static Running start(Path folder, List<String> command) throws IOException {
        var output = Files.createTempFile(folder, "output", ".txt");
        var process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        return new Running(process, output);
    }

    /** @param output where it writes to */
    record Running(Process process, Path output) implements AutoCloseable {
        private static final long END_SECONDS = 20;

        String written() throws IOException {
            return Files.readString(output);
        }

        /** @throws IOException when there is no such file in time, or the program has ended */
        void awaitFile(Path file, Duration bound) throws IOException, InterruptedException {
            long start = System.nanoTime();
            while (!Files.exists(file)) {
                if (!process.isAlive() || System.nanoTime() - start > bound.toNanos()) {
                    throw new IOException(file + " does not come up:\n" + written());
                }
                Thread.sleep(LOOK_MILLIS);
            }
        }

        /** @throws IOException when nobody listens at that port of the loopback in time, or the program has ended */
        void awaitPort(int port, Duration bound) throws IOException, InterruptedException {
            long start = System.nanoTime();
            while (true) {
                try (var _ = SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), port))) {
                    return;
                } catch (IOException notYet) {
                    if (!process.isAlive() || System.nanoTime() - start > bound.toNanos()) {
                        throw new IOException("nobody listens at port " + port + ":\n" + written(), notYet);
                    }
                    Thread.sleep(LOOK_MILLIS);
                }
            }
        }

        /** Writes a line to its standard input. */
        void tell(String line) throws IOException {
            var in = process.getOutputStream();
            in.write((line + "\n").getBytes(StandardCharsets.UTF_8));
            in.flush();
        }

        /** Takes its processors away, or gives them back: what it does meanwhile is nothing. */
        void pause(boolean on) throws IOException, InterruptedException {
            var signal = new ProcessBuilder("kill", on ? "-STOP" : "-CONT", Long.toString(process.pid())).inheritIO();
            if (signal.start().waitFor() != 0) {
                throw new IOException("process " + process.pid() + " cannot be " + (on ? "stopped" : "continued"));
            }
        }

        /** Processor time of the threads that it has now. */
        double cpuSeconds() throws IOException {
            long nanos = 0;
            try (var tasks = Files.newDirectoryStream(Path.of("/proc/" + process.pid() + "/task"))) {
                for (var task : tasks) {
                    try {
                        nanos += Long.parseLong(
                                Files.readString(task.resolve("schedstat")).split(" ")[0]);
                    } catch (NoSuchFileException ended) {
                        // A thread that ends takes its time along; those that do the work stay.
                    }
                }
            }
            return nanos / 1e9;
        }

        /** @throws IOException when it does not say so in time, or has ended */
        void awaitOutput(String text, Duration bound) throws IOException, InterruptedException {
            long start = System.nanoTime();
            while (!written().contains(text)) {
                if (!process.isAlive() || System.nanoTime() - start > bound.toNanos()) {
                    throw new IOException("\"" + text + "\" is not said:\n" + written());
                }
                Thread.sleep(LOOK_MILLIS);
            }
        }

        /** SIGTERM, and SIGKILL when that does not help. */
        @Override
        public void close() {
            process.destroy();
            try {
                if (!process.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
                    process.destroyForcibly();
                }
            } catch (InterruptedException e) {
                process.destroyForcibly();
                Thread.currentThread().interrupt();
            }
        }
    }
}
