package io.doorbell.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DemoIT {
    private static final Duration BOUND = Duration.ofSeconds(180);

    @TempDir
    private Path folder;

    @Test
    void measuresEveryTransportAndSucceedsOnlyWithoutAFailedIo() throws IOException, InterruptedException {
        var json = folder.resolve("demo.json");
        try (var demo = NodeProcess.doorbell(folder, "demo", "--seconds", "1", "--json", json.toString())) {
            assertThat(demo.exitCode(BOUND)).as(demo.output()).isZero();

            assertThat(demo.output())
                    .contains("transport", "EMULATED", "TCP", "RDMA", "nvme0")
                    .doesNotContain("ERROR");
            var results = PerfResult.read(Files.readString(json));
            assertThat(results).extracting(PerfResult::transport).contains("EMULATED", "TCP", "RDMA");
            assertThat(results).allSatisfy(result -> {
                assertThat(result.iops()).isPositive();
                assertThat(result.failed()).isZero();
            });
        }
    }

    @Test
    void perfTakesTheFlagsOfSpdkAndReturnsItsExitCode() throws IOException, InterruptedException {
        try (var perf = NodeProcess.doorbell(
                        folder,
                        "perf",
                        "-q",
                        "4",
                        "-o",
                        "4096",
                        "-w",
                        "randread",
                        "-t",
                        "1",
                        "-r",
                        "trtype:EMULATED traddr:nvme0");
                var wrong = NodeProcess.doorbell(folder, "perf", "-q", "many");
                var help = NodeProcess.doorbell(folder, "perf", "--help")) {
            assertThat(perf.exitCode(BOUND)).as(perf.output()).isZero();
            assertThat(wrong.exitCode(BOUND)).as(wrong.output()).isEqualTo(2);
            assertThat(help.exitCode(BOUND)).as(help.output()).isZero();
            assertThat(help.output()).contains("-q");
        }
    }

    @Test
    void stdoutBelongsToTheCommandAlone() throws IOException, InterruptedException {
        var command = NodeProcess.distribution().resolve("bin/doorbell")
                + " perf -q 4 -o 4096 -w randread -t 0.2 -r 'trtype:EMULATED traddr:nvme0' --json - 2> /dev/null";
        try (var perf = NodeProcess.start(folder, List.of("bash", "-c", command))) {
            assertThat(perf.exitCode(BOUND)).as(perf.output()).isZero();

            assertThat(perf.output()).hasLineCount(1);
            assertThat(PerfResult.read(perf.output())).isNotEmpty();
        }
    }
}
