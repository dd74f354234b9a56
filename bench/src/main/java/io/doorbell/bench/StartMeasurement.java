package io.doorbell.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** From the start of a process to its end after one I/O: an embedded node, its container, bring-up, a lease, a read. */
final class StartMeasurement {
    private static final long BOUND_SECONDS = 60;

    private StartMeasurement() {}

    static List<Figure> run(int rounds) throws IOException, InterruptedException {
        var script = script();
        double[] seconds = new double[rounds];
        for (int i = 0; i < rounds; i++) {
            long start = System.nanoTime();
            var process = new ProcessBuilder(
                            script.toString(),
                            "perf",
                            "-q",
                            "1",
                            "-o",
                            "4096",
                            "-w",
                            "randread",
                            "-d",
                            "1",
                            "-r",
                            "trtype:EMULATED traddr:nvme0 ns:1")
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            if (!process.waitFor(BOUND_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new IllegalStateException(script + " perf does not end within " + BOUND_SECONDS + " s");
            }
            if (process.exitValue() != 0) {
                throw new IllegalStateException(script + " perf ended with " + process.exitValue());
            }
            seconds[i] = (System.nanoTime() - start) / 1e9;
        }
        Arrays.sort(seconds);
        return List.of(Figure.of("start", "process start to end after one I/O, median", seconds[rounds / 2], "s"));
    }

    /** The distribution stands beside this jar: bench/target/bench.jar, runtime/target/doorbell-VERSION/bin/doorbell. */
    private static Path script() throws IOException {
        var jar = Path.of(StartMeasurement.class
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
}
