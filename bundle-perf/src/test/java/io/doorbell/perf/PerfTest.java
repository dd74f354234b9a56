package io.doorbell.perf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.doorbell.lease.ResourceManager;
import io.doorbell.workload.WorkloadRun;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.Writer;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The command and the service. */
@Timeout(300)
class PerfTest {
    /** Of what takes some milliseconds, on a machine that has much else to do. */
    private static final Duration BOUND = Duration.ofSeconds(60);

    private static final String ENDLESS = "-q 8 -o 4096 -w randread -t 1000 -r nvme0";

    @Test
    void theCommandPrintsTheTableAndExitsWithZero() {
        try (var node = EmulatedNode.withMemory("16MiB:512")) {
            var output = node.command("-q 8 -o 4096 -w randrw -M 70 -d 5000 -LL -r nvme0");

            assertThat(output.exit()).isZero();
            assertThat(output.err()).isEmpty();
            assertThat(output.out())
                    .startsWith("""
                    Initializing NVMe Controllers
                    Attached to NVMe Controller at EMULATED (nvme0)
                    Associating EMULATED (nvme0) NSID 1 with lcore\s""")
                    .contains("Initialization complete. Launching workers.\n====")
                    .containsPattern("EMULATED \\(nvme0\\) NSID 1 from core +\\d+: +[0-9.]+ +[0-9.]+ +[0-9.]+")
                    .contains("Summary latency data for EMULATED (nvme0) NSID 1 ")
                    .contains("Latency histogram for EMULATED (nvme0) NSID 1 ")
                    .contains("\nReads ", "\nWrites ", "\nTotal ");
        }
    }

    @Test
    void theCommandWritesJsonToAFile(@TempDir Path folder) throws Exception {
        try (var node = EmulatedNode.withMemory("16MiB:512")) {
            var file = folder.resolve("perf.json");

            var output = node.command("-q 8 -o 4096 -w randread -d 5000 -r nvme0 --json " + file);

            assertThat(output.exit()).isZero();
            assertThat(Files.readString(file))
                    .startsWith("{\"version\":1,\"flags\":[\"-q\",\"8\",")
                    .contains("\"completed\":5000,")
                    .endsWith("\"ok\":true}\n");
        }
    }

    @Test
    void onlyTheJsonGoesToTheOutputWhenAskedFor() {
        try (var node = EmulatedNode.withMemory("16MiB:512")) {
            var output = node.command("-q 8 -o 4096 -w randread -d 5000 -r nvme0 --json -");

            assertThat(output.exit()).isZero();
            assertThat(output.out()).startsWith("{\"version\":1").endsWith("\"ok\":true}\n");
            assertThat(output.err()).contains("Device Information");
        }
    }

    @Test
    void theCommandExitsWithOneWhenAnIoFailed() {
        try (var node = EmulatedNode.withMemory("16MiB:512")) {
            node.device().faults("io opc=read after=100 count=1 -> status=0x281");

            var output = node.command("-q 8 -o 4096 -w randread -d 5000 -r nvme0");

            assertThat(output.exit()).isEqualTo(1);
            assertThat(output.out()).contains("Failed: 1 x Unrecovered Read Error (sct 2, sc 81h)");
            assertThat(output.err()).isEqualTo("perf: 1 I/Os failed\nperf: errors occurred\n");
        }
    }

    @Test
    void whatCannotBeginIsOneLineThatSaysWhy() {
        try (var node = EmulatedNode.withMemory("16MiB:512")) {
            var output = node.command("-q 8 -o 4096 -w randread -d 5000 -r nvme0/9");

            assertThat(output.exit()).isEqualTo(1);
            assertThat(output.out()).isEmpty();
            assertThat(output.err())
                    .startsWith("perf: no active namespace 9 on ")
                    .hasLineCount(1);
        }
    }

    @Test
    void theCommandSleepsUntilCompletionsInterrupt() {
        try (var node = EmulatedNode.withMemory("16MiB:512")) {
            // Long enough for the worker to fall asleep each time.
            node.device().faults("io opc=read -> delay=20ms");

            var output = node.command("-q 1 -o 4096 -w randread -d 20 -r nvme0 -E");

            assertThat(output.exit()).isZero();
            assertThat(output.out()).contains("Total");
        }
    }

    @Test
    void theServiceStartsTellsAndStops() throws Exception {
        try (var node = EmulatedNode.withMemory("16MiB:512")) {
            var run = node.perf.start(EmulatedNode.words(ENDLESS));
            assertThat(node.perf.runs()).containsExactly(run);
            await().atMost(BOUND).until(() -> run.progress().completed() > 1000);
            assertThat(run.state()).isEqualTo(WorkloadRun.State.RUNNING);
            assertThat(run.flags()).startsWith("-q 8 -o 4096");
            assertThat(run.progress().iops()).isPositive();
            assertThat(run.progress().latencyMicrosP99()).isPositive();

            run.stop();

            assertThat(run.await(BOUND)).isTrue();
            assertThat(run.state()).isEqualTo(WorkloadRun.State.SUCCEEDED);
            assertThat(run.progress().completed()).isGreaterThan(1000);
            assertThat(run.progress().message()).isEmpty();
            node.assertNothingLeft();
        }
    }

    @Test
    void closingEndsRunsAsFailedAndLeavesNothing() {
        try (var node = EmulatedNode.withMemory("16MiB:512")) {
            var run = node.perf.start(EmulatedNode.words(ENDLESS + " -P 3 -c 0x3"));
            await().atMost(BOUND).until(() -> run.progress().completed() > 1000);

            node.perf.close();

            assertThat(run.state()).isEqualTo(WorkloadRun.State.FAILED);
            assertThat(run.progress().message()).isEqualTo("perf is being stopped");
            node.assertNothingLeft();
            assertThatThrownBy(() -> node.perf.start(EmulatedNode.words(ENDLESS)))
                    .isInstanceOf(IllegalStateException.class);
        }
    }

    private static boolean within(CountDownLatch latch) {
        try {
            return latch.await(BOUND.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Who calls the command loads classes of the bundle while it prints: they may be gone when closing has returned. */
    @Test
    void closingWaitsForCallersThatPrintTheirReport() throws Exception {
        try (var node = EmulatedNode.withMemory("16MiB:512")) {
            var printing = new CountDownLatch(1);
            var goOn = new CountDownLatch(1);
            var exit = new AtomicInteger(-1);
            var out = new PrintWriter(new Writer() {
                @Override
                public void write(char[] text, int offset, int length) {
                    if (new String(text, offset, length).contains("Total")) {
                        printing.countDown();
                        assertThat(within(goOn)).isTrue();
                    }
                }

                @Override
                public void flush() {}

                @Override
                public void close() {}
            });
            var caller = Thread.ofVirtual().start(() -> {
                var words = EmulatedNode.words(ENDLESS).toArray(String[]::new);
                exit.set(node.perf.run(out, new PrintWriter(Writer.nullWriter()), words));
            });
            await().atMost(BOUND)
                    .until(() -> node.perf.runs().stream()
                            .anyMatch(run -> run.progress().completed() > 1000));

            var closer = Thread.ofVirtual().start(node.perf::close);
            assertThat(within(printing)).isTrue();
            assertThat(closer.join(Duration.ofMillis(300)))
                    .as("closed while a caller prints")
                    .isFalse();
            goOn.countDown();

            assertThat(closer.join(BOUND)).isTrue();
            assertThat(caller.join(BOUND)).isTrue();
            assertThat(exit).hasValue(Perf.FAILED);
            var err = new StringWriter();
            assertThat(node.perf.run(out, new PrintWriter(err), "--help")).isEqualTo(Perf.FAILED);
            assertThat(err).hasToString("perf: perf is being stopped\n");
        }
    }

    /** As by a driver that is replaced at that moment. */
    @Test
    void aRunThatGetsNoLeaseAgainForAReasonThatNobodyForesawEndsAndSaysSo() throws Exception {
        try (var node = EmulatedNode.withMemory("16MiB:512")) {
            var meets = new AtomicReference<Error>();
            var resources = (ResourceManager) Proxy.newProxyInstance(
                    ResourceManager.class.getClassLoader(),
                    new Class<?>[] {ResourceManager.class},
                    (_, method, arguments) -> {
                        if (method.getName().equals("lease") && meets.get() != null) {
                            throw meets.get();
                        }
                        return method.invoke(node.resources, arguments);
                    });
            try (var perf = new Perf(resources)) {
                var run = perf.start(EmulatedNode.words(ENDLESS));
                await().atMost(BOUND).until(() -> run.progress().completed() > 1000);
                meets.set(new NoClassDefFoundError("the bundle wiring is no longer valid"));

                node.leases.leases().forEach(lease -> node.leases.revoke(lease.id()));

                assertThat(run.await(BOUND)).isTrue();
                assertThat(run.state()).isEqualTo(WorkloadRun.State.FAILED);
                assertThat(run.progress().message()).contains("no new lease", "the bundle wiring is no longer valid");
            }
        }
    }

    @Test
    void closingEndsARunWhoseCommandsDoNotComeBack() {
        try (var node = EmulatedNode.withMemory("16MiB:512")) {
            node.device().faults("io opc=read after=1000 -> drop");
            var run = node.perf.start(EmulatedNode.words(ENDLESS));
            await().atMost(BOUND).until(() -> node.device().function.faultsApplied() == 8);

            var begin = System.nanoTime();
            node.perf.close();

            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(40));
            assertThat(run.state()).isEqualTo(WorkloadRun.State.FAILED);
            node.assertNothingLeft();
        }
    }

    @Test
    void stoppingBeforeItBeganEndsItToo() throws Exception {
        try (var node = EmulatedNode.withMemory("16MiB:512")) {
            var run = node.perf.start(EmulatedNode.words(ENDLESS));
            run.stop();

            assertThat(run.await(BOUND)).isTrue();
            node.assertNothingLeft();
        }
    }

    @Test
    void boundsTheRunsAtATimeAndTheHistory() throws Exception {
        try (var node = EmulatedNode.withMemory("16MiB:512")) {
            for (var i = 0; i < Perf.MAX_RUNS; i++) {
                node.perf.start(EmulatedNode.words(ENDLESS));
            }

            assertThatThrownBy(() -> node.perf.start(EmulatedNode.words(ENDLESS)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("4 runs go on: at most 4 at the same time");

            for (var run : node.perf.runs()) {
                run.stop();
                run.await(BOUND);
            }
            for (var i = 0; i < Perf.MAX_HISTORY + 3; i++) {
                var run = node.perf.start(EmulatedNode.words("-q 1 -o 4096 -w read -d 10 -r nvme0"));
                assertThat(run.await(BOUND)).isTrue();
            }
            assertThat(node.perf.runs()).hasSize(Perf.MAX_HISTORY);
        }
    }

    @Test
    void theServiceTakesNoFiles() {
        try (var node = EmulatedNode.withMemory("16MiB:512")) {
            assertThatThrownBy(() -> node.perf.start(EmulatedNode.words(ENDLESS + " --json /tmp/x")))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith("--json /tmp/x: allowed: from a command line only");
            assertThatThrownBy(() -> node.perf.start(EmulatedNode.words("-q 0")))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }
}
