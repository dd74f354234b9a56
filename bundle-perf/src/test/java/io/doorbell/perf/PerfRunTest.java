package io.doorbell.perf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import io.doorbell.emulator.EmulatorSettings;
import io.doorbell.nvme.Status;
import io.doorbell.pcie.PcieOptions;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The engine against the driver, rings, doorbells and the emulated controller. */
@Timeout(300)
class PerfRunTest {
    /** Of what takes some milliseconds, on a machine that has much else to do. */
    private static final Duration BOUND = Duration.ofSeconds(60);

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-w read",
                "-w write",
                "-w randread",
                "-w randwrite",
                "-w rw -M 50",
                "-w randrw -M 30",
                "-w randread -F 1.1",
                "-w randrw -M 50 -P 3",
                "-w randwrite --verify",
                "-w rw -M 50 -P 2 --verify",
                "-w randrw -M 50 -A 64 -C 2 --io-queue-size 64",
                "-w randrw -M 50 -O 1024 --verify",
                "-w randrw -M 50 -O 1536 -A 64 -P 2 --verify",
                "-w randrw -M 50 -O 100 -A 64",
                "-w randrw -M 50 -O 8192",
            })
    void runsEveryPatternToTheExactNumber(String pattern) {
        try (var node = EmulatedNode.withMemory("16MiB:512")) {
            var report = node.run("-q 8 -o 4096 -d 5000 -r nvme0 " + pattern);

            assertThat(report.errors()).isEmpty();
            assertThat(report.completed()).isEqualTo(5000);
            assertThat(report.workers()).hasSize(1);
            node.assertNothingLeft();
        }
    }

    @Test
    void mixesAsAsked() {
        try (var node = EmulatedNode.withMemory("16MiB:4096")) {
            var report = node.run("-q 32 -o 4096 -w randrw -M 70 -d 20000 -r nvme0");

            assertThat(report.reads().latency().count() / 20_000.0).isCloseTo(0.7, within(0.02));
            assertThat(report.reads().latency().count()
                            + report.writes().latency().count())
                    .isEqualTo(20_000);
        }
    }

    @Test
    void takesTheTimeItWasGivenAndCountsByIt() {
        try (var node = EmulatedNode.withMemory("16MiB:4096")) {
            var report = node.run("-q 16 -o 4096 -w randread -t 0.3 -a 0.1 -r nvme0");

            assertThat(report.errors()).isEmpty();
            assertThat(report.seconds()).isBetween(0.3, 3.0);
            assertThat(report.all().iops() * report.seconds()).isCloseTo(report.completed(), within(1.0));
            assertThat(report.all().latency().average()).isGreaterThan(0);
            // Sixteen are outstanding all the time: Little's law, with room for a machine that is busy with other
            // things.
            assertThat(report.all().iops() * report.all().latency().average() / 1e6)
                    .isBetween(8.0, 48.0);
        }
    }

    @Test
    void doesNotCountWhatCompletesAfterTheTime() {
        try (var node = EmulatedNode.withMemory("16MiB:4096")) {
            node.device().faults("io opc=read -> delay=300ms");

            var report = node.run("-q 4 -o 4096 -w randread -t 0.1 -r nvme0");

            assertThat(report.completed()).isZero();
            assertThat(report.failed()).isZero();
            assertThat(report.errors()).containsExactly("no I/O completed");
        }
    }

    @Test
    void drivesAllNamespacesOfAllControllersFromAllCores() {
        try (var node = new EmulatedNode()) {
            node.device("nvme0", EmulatedNode.memory("4MiB:512"), EmulatedNode.memory("4MiB:4096"));
            node.device("nvme1", EmulatedNode.nothing("1TiB:4096"));

            var report = node.run("-q 4 -o 4096 -w randwrite -d 1000 -P 2 -c 0x3");

            assertThat(report.errors()).isEmpty();
            assertThat(report.workers())
                    .extracting(worker -> worker.target().name() + " " + worker.core())
                    .containsExactly(
                            "EMULATED (nvme0) NSID 1 0", "EMULATED (nvme0) NSID 2 1", "EMULATED (nvme1) NSID 1 0");
            assertThat(report.workers())
                    .allSatisfy(worker -> assertThat(worker.completed()).isEqualTo(1000));
        }
    }

    @Test
    void drivesEachNamespaceFromEachCore() {
        try (var node = new EmulatedNode()) {
            var namespace = new WatchedNamespace(EmulatedNode.memory("4MiB:512"));
            node.device("nvme0", namespace, EmulatedNode.memory("4MiB:4096"));
            node.device("nvme1", EmulatedNode.nothing("4MiB:4096"));

            var report = node.run("-q 4 -o 4096 -w write -d 100% -c 0x3 --use-every-core");

            assertThat(report.errors()).isEmpty();
            assertThat(report.workers())
                    .extracting(worker -> worker.target().name() + " " + worker.core())
                    .containsExactly(
                            "EMULATED (nvme0) NSID 1 0",
                            "EMULATED (nvme0) NSID 2 0",
                            "EMULATED (nvme1) NSID 1 0",
                            "EMULATED (nvme0) NSID 1 1",
                            "EMULATED (nvme0) NSID 2 1",
                            "EMULATED (nvme1) NSID 1 1");
            assertThat(report.completed()).isEqualTo(3 * 1024);
            assertThat(IntStream.range(0, namespace.writes.length()).map(namespace.writes::get))
                    .as("its two cores do not overlap")
                    .containsOnly(1);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"-w write", "-w write --verify"})
    void coresShareANamespaceWithoutOverlap(String pattern) {
        try (var node = new EmulatedNode()) {
            var namespace = new WatchedNamespace(EmulatedNode.memory("8MiB:512"));
            node.device("nvme0", namespace);

            var report = node.run("-q 8 -o 4096 -d 100% -c [0-1] -r nvme0 " + pattern);

            assertThat(report.errors()).isEmpty();
            assertThat(report.workers()).hasSize(2);
            assertThat(report.completed()).isEqualTo(2048);
            assertThat(IntStream.range(0, namespace.writes.length()).map(namespace.writes::get))
                    .containsOnly(1);
        }
    }

    @Test
    void drivesOneNamespaceOfSeveral() {
        try (var node = new EmulatedNode()) {
            var untouched = new WatchedNamespace(EmulatedNode.memory("4MiB:512"));
            node.device("nvme0", untouched, EmulatedNode.memory("4MiB:512"));

            var report = node.run("-q 4 -o 4096 -w write -d 1000 -r nvme0/2");

            assertThat(report.workers()).hasSize(1);
            assertThat(report.completed()).isEqualTo(1000);
            assertThat(untouched.writes.get(0)).isZero();
        }
    }

    @Test
    void splitsWhatIsLongerThanTheDeviceTakes() {
        try (var node = new EmulatedNode()) {
            node.device(
                    EmulatorSettings.of("nvme0"),
                    PcieOptions.DEFAULTS.withMaxTransferBytes(16 << 10),
                    EmulatedNode.memory("16MiB:512"));

            var report = node.run("-q 4 -o 256k -w randwrite -d 200 --verify -r nvme0");

            assertThat(report.errors()).isEmpty();
            assertThat(report.completed()).isEqualTo(200);
            assertThat(report.verification().checked()).isPositive();
        }
    }

    @Test
    void splitsDataInPieces() {
        try (var node = new EmulatedNode()) {
            node.device(
                    EmulatorSettings.of("nvme0"),
                    PcieOptions.DEFAULTS.withMaxTransferBytes(16 << 10),
                    EmulatedNode.memory("16MiB:512"));

            var report = node.run("-q 4 -o 256k -O 12k -w randwrite -d 200 --verify -r nvme0");

            assertThat(report.errors()).isEmpty();
            assertThat(report.verification().checked()).isPositive();
        }
    }

    @Test
    void saysWhenTheDriverTakesNoSuchPieces() {
        try (var node = EmulatedNode.withMemory("16MiB:512")) {
            var report = node.run("-q 4 -o 512k -O 512 -w randread -t 30 -r nvme0");

            assertThat(report.completed()).isZero();
            assertThat(report.errors()).hasSize(1);
            assertThat(report.errors().getFirst()).contains("EMULATED (nvme0) NSID 1 on core 0: ");
        }
    }

    @Test
    void goesOnWhenTheQueueIsSmallerThanTheDepth() {
        try (var node = EmulatedNode.withMemory("16MiB:4096")) {
            var report = node.run("-q 64 -o 4096 -w randread -d 20000 --io-queue-size 4 -r nvme0");

            assertThat(report.errors()).isEmpty();
            assertThat(report.completed()).isEqualTo(20_000);
        }
    }

    @Test
    void failedCommandsAreListedAndNotCounted() {
        try (var node = EmulatedNode.withMemory("16MiB:4096")) {
            node.device().faults("io opc=read every=10 -> status=0x281");

            var report = node.run("-q 8 -o 4096 -w randread -d 10000 -r nvme0");

            assertThat(report.failures()).containsExactly(java.util.Map.entry(Status.UNRECOVERED_READ_ERROR, 1000L));
            assertThat(report.completed()).isEqualTo(9000);
            assertThat(report.ok()).isFalse();
            assertThat(report.errors()).containsExactly("1000 I/Os failed");
        }
    }

    @Test
    void tellsEveryNthFailedIoAndFailsAllTheSame() {
        try (var node = EmulatedNode.withMemory("16MiB:4096")) {
            node.device().faults("io opc=write every=10 -> status=0x280");

            var output = node.command("-q 1 -o 4096 -w write -d 1000 -Q 40 -r nvme0");

            assertThat(output.exit()).isEqualTo(1);
            assertThat(output.out().lines().filter(line -> line.contains("that failed")))
                    .allMatch(line -> line.startsWith("EMULATED (nvme0) NSID 1 on core "))
                    .extracting(line -> line.substring(line.indexOf(": ") + 2))
                    .containsExactly(
                            "write of LBA 390: Write Fault (sct 2, sc 80h), the 40. that failed",
                            "write of LBA 790: Write Fault (sct 2, sc 80h), the 80. that failed");
            assertThat(output.out()).contains("Failed: 100 x Write Fault");
            assertThat(output.err()).contains("100 I/Os failed");
        }
    }

    @Test
    void theLiveLineTellsHowBusyTheCoresAre() {
        try (var node = EmulatedNode.withMemory("16MiB:4096")) {
            var text = new StringWriter();
            var options = PerfOptions.parse(EmulatedNode.words("-q 8 -o 4096 -w randread -t 2.5 -m -r nvme0"));
            var line = new LiveLine(new PrintWriter(text), 0, options.cpuUsage());

            var report = new PerfRun(node.resources, options, "perf-t", _ -> {}, line).execute();

            assertThat(report.errors()).isEmpty();
            assertThat(text.toString())
                    .matches("(?s) *\\d+ IOPS, +\\d+\\.\\d\\d MiB/s,   1 Core\\(s\\): +\\d+\\.\\d\\d% Busy\r.*");
            var busy = Double.parseDouble(text.toString().replaceFirst("(?s).*?Core\\(s\\): +([0-9.]+)%.*", "$1"));
            assertThat(busy).isGreaterThan(0).isLessThanOrEqualTo(100);
        }
    }

    @Test
    void aDroppedCommandFailsTheRunAndDoesNotHang() {
        try (var node = new EmulatedNode()) {
            var device = node.device(
                    EmulatorSettings.of("nvme0"),
                    PcieOptions.DEFAULTS.withTimeouts(Duration.ofSeconds(2), Duration.ofMillis(300)),
                    EmulatedNode.memory("16MiB:4096"));
            device.faults("io opc=read after=100 count=1 -> drop");

            var report = node.run("-q 8 -o 4096 -w randread -t 0.5 -r nvme0");

            assertThat(report.completed()).isGreaterThan(100);
            assertThat(report.interrupted()).isEqualTo(1);
            assertThat(report.errors()).hasSize(1);
            assertThat(report.errors().getFirst())
                    .startsWith("EMULATED (nvme0) is RESETTING: ")
                    .contains("did not end after an Abort");
        }
    }

    @Test
    void findsCorruptedDataAndNamesTheBlock() {
        try (var node = new EmulatedNode()) {
            var namespace = new WatchedNamespace(EmulatedNode.memory("4MiB:512"));
            node.device("nvme0", namespace);
            assertThat(node.run("-q 8 -o 4096 -w write -d 100% --verify -r nvme0")
                            .errors())
                    .isEmpty();
            assertThat(node.run("-q 16 -o 2048 -w randread -d 2000 --verify -r nvme0")
                            .errors())
                    .isEmpty();

            namespace.corruptLba = 1234;
            var report = node.run("-q 8 -o 4096 -w read -d 100% --verify -r nvme0");

            assertThat(report.ok()).isFalse();
            assertThat(report.failed()).isEqualTo(1);
            assertThat(report.completed()).isEqualTo(1023);
            assertThat(report.errors())
                    .containsExactly(
                            "1 I/Os failed",
                            "EMULATED (nvme0) NSID 1: data of LBA 1234 is wrong: byte 16 of the block is the first"
                                    + " that is wrong");
        }
    }

    @Test
    void readsBackWhatItWroteAtTheEnd() {
        try (var node = new EmulatedNode()) {
            var namespace = new WatchedNamespace(EmulatedNode.memory("4MiB:512"));
            namespace.corruptLba = 77;
            node.device("nvme0", namespace);

            var report = node.run("-q 8 -o 4096 -w write -d 100% --verify -r nvme0");

            assertThat(report.verification().checked()).isEqualTo(1024);
            assertThat(report.verification().told()).hasSize(1);
            assertThat(report.verification().told().getFirst()).contains("LBA 77 ");
            assertThat(report.completed()).isEqualTo(1024);
            assertThat(report.ok()).isFalse();
        }
    }

    @Test
    void openLoopKeepsTheRate() {
        try (var node = EmulatedNode.withMemory("16MiB:4096")) {
            var report = node.run("-q 32 -o 4096 -w randread -t 2 --rate 5000 -P 2 -r nvme0");

            assertThat(report.errors()).isEmpty();
            assertDue(report, 5000, 32);
            assertThat(report.completed()).isGreaterThan(2000);
        }
    }

    /** Whatever the machine was busy with: what was due is done, or outstanding at the end, or told as not begun. */
    private static void assertDue(PerfReport report, long rate, int depth) {
        var due = rate * report.seconds();
        assertThat((double) report.completed() + report.neverBegun()).isBetween(due - depth - 2, due + 2);
    }

    @Test
    void openLoopCountsFromWhenAnIoWasDue() {
        try (var node = EmulatedNode.withMemory("16MiB:4096")) {
            // One command takes 300 ms; 300 others are due meanwhile, and have to wait for it.
            node.device().faults("io opc=read after=200 count=1 -> delay=300ms");

            var report = node.run("-q 1 -o 4096 -w randread -d 800 --rate 1000 -r nvme0");

            assertThat(report.errors()).isEmpty();
            var late = report.all().latency().buckets().stream()
                    .filter(bucket -> bucket.start() > 50_000)
                    .mapToLong(Latency.Bucket::count)
                    .sum();
            // A closed loop would show one.
            assertThat(late).isGreaterThanOrEqualTo(240);
        }
    }

    @Test
    void openLoopTellsWhatCouldNotBegin() {
        try (var node = EmulatedNode.withMemory("16MiB:4096")) {
            node.device().faults("io opc=read -> delay=20ms");

            var report = node.run("-q 1 -o 4096 -w randread -t 0.5 --rate 1000 -r nvme0");

            assertThat(report.completed()).isBetween(1L, 25L);
            assertDue(report, 1000, 1);
        }
    }

    @Test
    void holdsUnusedQueuePairsOfEachControllerWhileItRuns() {
        try (var node = new EmulatedNode()) {
            node.device("nvme0", EmulatedNode.memory("4MiB:512"), EmulatedNode.memory("4MiB:512"));
            node.device("nvme1", EmulatedNode.memory("4MiB:512"));
            var run = node.perfRun("-q 4 -o 4096 -w randread -t 50 -P 2 -U 3");
            var report = CompletableFuture.supplyAsync(run::execute);
            // The labels of the idle ones say so; each of three namespaces has two that are used.
            await().atMost(BOUND)
                    .until(() -> node.leases.leases().stream()
                                    .filter(lease -> lease.completed() > 100)
                                    .count()
                            == 6);

            assertThat(node.leases.leases())
                    .filteredOn(lease -> lease.label().startsWith("perf unused queue pair "))
                    .hasSize(6)
                    .allSatisfy(lease -> assertThat(lease.completed()).isZero());
            var idle = node.leases.leases().stream()
                    .filter(lease -> lease.label().startsWith("perf unused"))
                    .findFirst()
                    .orElseThrow();
            node.leases.revoke(idle.id());
            run.stop();

            assertThat(report.join().errors()).isEmpty();
            assertThat(report.join().resumptionCount()).isZero();
            node.assertNothingLeft();
        }
    }

    @Test
    void unwindsWhenAnUnusedQueuePairCannotBeHad() {
        try (var node = new EmulatedNode()) {
            node.device(
                    EmulatorSettings.of("nvme0").withIoQueuePairs(2),
                    PcieOptions.DEFAULTS,
                    EmulatedNode.memory("4MiB:512"));

            var report = node.run("-q 4 -o 4096 -w read -t 1 -U 3 -r nvme0");

            assertThat(report.errors()).hasSize(1);
            assertThat(report.errors().getFirst()).startsWith("leasing unused queue pair 3 of 3 of EMULATED (nvme0): ");
            node.assertNothingLeft();
        }
    }

    @Test
    void unwindsWhenAQueuePairCannotBeHad() {
        try (var node = new EmulatedNode()) {
            node.device(
                    EmulatorSettings.of("nvme0").withIoQueuePairs(2),
                    PcieOptions.DEFAULTS,
                    EmulatedNode.memory("4MiB:512"));

            var report = node.run("-q 4 -o 4096 -w read -t 1 -P 3 -r nvme0");

            assertThat(report.errors()).hasSize(1);
            assertThat(report.errors().getFirst())
                    .startsWith("leasing queue pair 3 of 3 of EMULATED (nvme0) NSID 1 on core ")
                    .contains("2 of 2 queue pairs")
                    .contains("io.doorbell.bundle-perf");
            node.assertNothingLeft();
        }
    }

    @Test
    void aNodeWithoutControllersIsAFailure() {
        try (var node = new EmulatedNode()) {
            var output = node.command("-q 1 -o 4096 -w read -t 1");

            assertThat(output.exit()).isEqualTo(1);
            assertThat(output.err()).contains("no NVMe controllers found");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-q 1 -o 512 -w read -t 1        | has blocks of 4096 bytes",
                "-q 1 -o 8M -w read -t 1         | has 4194304 bytes",
                "-q 2000 -o 4096 -w read -t 1 --verify | too few",
                "-q 64 -o 4096 -w read -d 1%     | at least -q (64)",
                "-q 1 -o 4096 -w read -t 1 -c [900] | core 900",
                "-q 1 -o 4096 -w read -t 1 -O 2048 --verify | -O 2048",
            })
    void refusesWhatDoesNotFitTheNamespaceOrTheMachine(String flagsAndMessage) {
        try (var node = EmulatedNode.withMemory("4MiB:4096")) {
            var parts = flagsAndMessage.split("\\|");

            var report = node.run(parts[0] + " -r nvme0");

            assertThat(report.errors()).hasSize(1);
            assertThat(report.errors().getFirst()).contains(parts[1].strip());
            node.assertNothingLeft();
        }
    }
}
