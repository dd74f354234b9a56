package io.doorbell.platform;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A process that replaces a file again and again is killed at any moment: the file is whole, always. */
class DurableFileKillTest {
    private static final int KILLS = 5;
    private static final int LINES = 500;

    @TempDir
    Path directory;

    @Test
    void aKillAtAnyMomentLeavesAWholeFile() throws IOException, InterruptedException {
        long seed = Long.getLong("doorbell.seed", System.nanoTime());
        System.out.println("seed " + seed);
        var random = new Random(seed);
        var file = directory.resolve("file");

        for (int i = 0; i < KILLS; i++) {
            var writer = new ProcessBuilder(
                            ProcessHandle.current().info().command().orElseThrow(),
                            "-XX:TieredStopAtLevel=1",
                            "-cp",
                            System.getProperty("java.class.path"),
                            Writer.class.getName(),
                            file.toString())
                    .redirectErrorStream(true)
                    .start();
            try {
                assertThat(writer.getInputStream().read()).as("it has begun").isEqualTo('.');
                Thread.sleep(0, random.nextInt(1_000_000));
            } finally {
                writer.destroyForcibly();
            }
            assertThat(writer.waitFor(60, TimeUnit.SECONDS)).isTrue();

            var lines = Files.readAllLines(file);
            assertThat(lines).hasSize(LINES).containsOnly(lines.getFirst());
        }
    }

    /** The other process. */
    static final class Writer {
        public static void main(String[] arguments) throws IOException {
            var file = Path.of(arguments[0]);
            for (int i = 0; ; i++) {
                DurableFile.replace(file, ("number " + i + "\n").repeat(LINES).getBytes());
                if (i == 0) {
                    System.out.print('.');
                    System.out.flush();
                }
            }
        }
    }
}
