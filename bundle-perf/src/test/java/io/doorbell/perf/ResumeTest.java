package io.doorbell.perf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.doorbell.lease.RevocationReason;
import io.doorbell.resources.lease.Holder;
import io.doorbell.resources.lease.LeaseOptions;
import io.doorbell.resources.lease.Policy;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What happens to a run when its leases are taken back. */
@Timeout(300)
class ResumeTest {
    /** Of what takes some milliseconds, on a machine that has much else to do. */
    private static final Duration BOUND = Duration.ofSeconds(60);

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-w randread",
                "-w randrw -M 50 --verify",
                "-w randrw -M 50 -P 2 --verify",
                "-w randread --rate 2000",
            })
    void goesOnWithANewLeaseWhenAnOperatorTakesOneBack(String pattern) {
        try (var node = EmulatedNode.withMemory("16MiB:512")) {
            var run = node.perfRun("-q 8 -o 4096 -t 50 -r nvme0 " + pattern);
            var report = CompletableFuture.supplyAsync(run::execute);
            awaitBusy(node);

            var before = 0L;
            for (var lease : node.leases.leases()) {
                before += node.leases.revoke(lease.id()).lease().completed();
            }
            awaitBusy(node);
            run.stop();

            assertThat(report.join().errors()).isEmpty();
            assertThat(report.join().resumptions())
                    .isNotEmpty()
                    .allSatisfy(each -> assertThat(each.reason()).isEqualTo(RevocationReason.OPERATOR));
            assertThat(report.join().completed()).isGreaterThan(before);
            node.assertNothingLeft();
        }
    }

    @Test
    void goesOnWhenTheDriverIsReplaced() {
        try (var node = EmulatedNode.withMemory("16MiB:512")) {
            var run = node.perfRun("-q 32 -o 4096 -w randrw -M 50 -t 50 -P 2 --verify -r nvme0");
            var report = CompletableFuture.supplyAsync(run::execute);
            awaitBusy(node);

            for (var round = 0; round < 3; round++) {
                replaceDriver(node, Duration.ofMillis(100));
                awaitBusy(node);
            }
            run.stop();

            assertThat(report.join().errors()).isEmpty();
            assertThat(report.join().resumptions())
                    .hasSizeBetween(3, 6)
                    .allSatisfy(each -> assertThat(each.reason()).isEqualTo(RevocationReason.CONTROLLER_GONE));
            assertThat(report.join().verification().checked()).isPositive();
        }
    }

    @Test
    void interruptedIosAreIssuedAgainAndNotCountedAsFailed() {
        try (var node = EmulatedNode.withMemory("16MiB:512")) {
            // They outlast the grace, so the resource manager aborts them.
            node.device().faults("io opc=read after=1000 count=8 -> delay=5s");
            var run = node.perfRun("-q 8 -o 4096 -w randread -d 20000 -r nvme0");
            var report = CompletableFuture.supplyAsync(run::execute);
            await().atMost(BOUND).until(() -> node.device().function.faultsApplied() == 8);

            replaceDriver(node, Duration.ofMillis(10));

            assertThat(report.join().errors()).isEmpty();
            assertThat(report.join().interrupted()).isEqualTo(8);
            assertThat(report.join().failed()).isZero();
            assertThat(report.join().completed()).isEqualTo(20_000);
        }
    }

    @Test
    void failsAtOnceWhenItIsNotToResume() {
        try (var node = EmulatedNode.withMemory("16MiB:512")) {
            var run = node.perfRun("-q 8 -o 4096 -w randread -t 30 --resume 0 -r nvme0");
            var report = CompletableFuture.supplyAsync(run::execute);
            awaitBusy(node);

            node.leases.revoke(node.leases.leases().getFirst().id());

            assertThat(report.join().errors()).hasSize(1);
            assertThat(report.join().errors().getFirst())
                    .startsWith("queue pair 1 of 1 of EMULATED (nvme0) NSID 1 on core")
                    .endsWith("the lease was taken back (OPERATOR)");
            assertThat(report.join().completed()).isPositive();
            node.assertNothingLeft();
        }
    }

    @Test
    void failsWithTheReasonWhenThereIsNoNewLeaseInTime() {
        try (var node = EmulatedNode.withMemory("16MiB:512")) {
            var run = node.perfRun("-q 8 -o 4096 -w randread -t 30 --resume 1 -r nvme0");
            var report = CompletableFuture.supplyAsync(run::execute);
            awaitBusy(node);

            node.device().takeDriver();

            assertThat(report.join().errors()).hasSize(1);
            assertThat(report.join().errors().getFirst())
                    .contains("the lease was taken back (CONTROLLER_GONE), and no new one came within 1 s (--resume)");
            node.assertNothingLeft();
        }
    }

    @Test
    void failsWhenTheTimeIsOverBeforeItCouldResume() {
        try (var node = EmulatedNode.withMemory("16MiB:512")) {
            var run = node.perfRun("-q 8 -o 4096 -w randread -t 4 -r nvme0");
            var report = CompletableFuture.supplyAsync(run::execute);
            awaitBusy(node);

            node.device().takeDriver();

            assertThat(report.join().errors())
                    .containsExactly("the time was over while a worker waited for a new lease");
        }
    }

    @Test
    void aDeviceThatIsPulledOutFailsTheRun() {
        try (var node = EmulatedNode.withMemory("16MiB:512")) {
            node.device().faults("io opc=read after=5000 count=1 -> remove");

            var report = node.run("-q 8 -o 4096 -w randread -t 30 --resume 1 -r nvme0");

            assertThat(report.ok()).isFalse();
            assertThat(report.errors()).anyMatch(error -> error.contains("no new one came within 1 s"));
            node.assertNothingLeft();
        }
    }

    @Test
    void givesWayToAGuaranteedHolderAndComesBack() throws Exception {
        var policy = Policy.parse(List.of("guaranteed-one: guaranteed=1"));
        try (var node = new EmulatedNode(LeaseOptions.DEFAULT.withPolicy(policy))) {
            node.device(
                    io.doorbell.emulator.EmulatorSettings.of("nvme0").withIoQueuePairs(1),
                    io.doorbell.pcie.PcieOptions.DEFAULTS,
                    EmulatedNode.memory("16MiB:512"));
            var run = node.perfRun("-q 8 -o 4096 -w randread -t 50 -r nvme0");
            var report = CompletableFuture.supplyAsync(run::execute);
            awaitBusy(node);

            try (var other = node.leases.open(new Holder(8, "guaranteed-one", "1"))) {
                var lease = other.lease(io.doorbell.lease.LeaseRequest.of(
                                node.device().id(), Thread.currentThread(), (token, status, result) -> {}, "test")
                        .withWaitBound(BOUND));
                lease.close();
            }
            awaitBusy(node);
            run.stop();

            assertThat(report.join().errors()).isEmpty();
            assertThat(report.join().resumptions()).hasSize(1);
            assertThat(report.join().resumptions().getFirst().reason()).isEqualTo(RevocationReason.PREEMPTED);
        }
    }

    @Test
    void keepsTheLastResumptionsAndCountsAll() {
        try (var node = EmulatedNode.withMemory("16MiB:512")) {
            var run = node.perfRun("-q 8 -o 4096 -w randread -t 1 -r nvme0");

            for (var i = 1; i <= 1000; i++) {
                run.resumed(new Resumption("queue pair", RevocationReason.QUEUE_PAIR_FAILED, i));
            }

            var report = run.report();
            assertThat(report.resumptionCount()).isEqualTo(1000);
            assertThat(report.resumptions()).hasSize(PerfRun.MAX_RESUMPTIONS);
            assertThat(report.resumptions().getFirst().seconds()).isEqualTo(901);
            assertThat(report.resumptions().getLast().seconds()).isEqualTo(1000);
            assertThat(report.runErrors()).hasSize(PerfRun.MAX_ERRORS).endsWith("and more that is not told");
        }
    }

    private static void awaitBusy(EmulatedNode node) {
        await().atMost(BOUND).until(() -> node.leases.leases().stream().anyMatch(lease -> lease.completed() > 100));
    }

    private static void replaceDriver(EmulatedNode node, Duration gap) {
        try {
            node.device().replaceDriver(gap);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
