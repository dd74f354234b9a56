package io.doorbell.bench;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** From the start of a process to its end after one I/O: an embedded node, its container, bring-up, a lease, a read. */
final class StartMeasurement {
    private static final long BOUND_SECONDS = 60;

    private StartMeasurement() {}

    static List<Figure> run(int rounds) throws IOException, InterruptedException {
        var script = Programs.doorbell();
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
}
