package io.doorbell.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import java.util.HashMap;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class FaultsTest extends DeviceTest {
    private RawHost.Queue queue;
    private long page;

    @BeforeEach
    void enable() {
        host.enable();
        queue = host.createQueue(1, 64);
        page = host.pages(1).address();
    }

    private int stage(int slba) {
        return queue.stageIo(NvmOpcode.READ, slba, 1, page, 0);
    }

    @Test
    void delays() {
        function.faults(FaultPlan.parse("io count=1 -> delay=50ms"));
        long start = System.nanoTime();
        // A command is due by the clock of its cycle: no cycle that began before the start is to take it.
        onDevice(() -> null);
        onDevice(() -> null);
        int late = stage(0);
        int prompt = stage(0);
        queue.ring();

        assertThat(queue.await().cid()).isEqualTo(prompt);
        var completion = queue.await();

        assertThat(completion.cid()).isEqualTo(late);
        assertThat(completion.status()).isEqualTo(Status.SUCCESS);
        assertThat(System.nanoTime() - start).isGreaterThan(TimeUnit.MILLISECONDS.toNanos(49));
        assertThat(function.faultsApplied()).isEqualTo(1);
    }

    @Test
    void delaysAndThenFails() {
        function.faults(FaultPlan.parse("io -> delay=1ms..3ms status=0x281"));
        stage(0);
        queue.ring();

        assertThat(queue.await().status()).isEqualTo(Status.UNRECOVERED_READ_ERROR);
    }

    @Test
    void failsTheBlocksItIsTold() {
        function.faults(FaultPlan.parse("opc=read slba=10..19 -> status=0x281"));
        for (int slba = 5; slba < 25; slba++) {
            int status = queue.io(NvmOpcode.READ, slba, 1, page, 0).status();
            assertThat(status)
                    .as("slba " + slba)
                    .isEqualTo(slba >= 10 && slba < 20 ? Status.UNRECOVERED_READ_ERROR : Status.SUCCESS);
        }
        assertThat(queue.io(NvmOpcode.WRITE, 10, 1, page, 0).status()).isEqualTo(Status.SUCCESS);
        function.faults(FaultPlan.NONE);
        assertThat(queue.io(NvmOpcode.READ, 10, 1, page, 0).status()).isEqualTo(Status.SUCCESS);
    }

    @Test
    void countsFromThereOnEachSoManyth() {
        function.faults(FaultPlan.parse("io after=3 every=4 count=2 -> status=0x6"));
        var failed = new StringBuilder();
        for (int i = 0; i < 16; i++) {
            failed.append(queue.io(NvmOpcode.READ, 0, 1, page, 0).status() == 0 ? '.' : 'x');
        }

        assertThat(failed).hasToString("...x...x........");
    }

    @Test
    void dropsSoThatNothingIsHeardOfIt() {
        function.faults(FaultPlan.parse("io count=1 -> drop"));
        int lost = stage(0);
        int other = stage(0);
        queue.ring();

        assertThat(queue.await().cid()).isEqualTo(other);
        assertThat(host.admin(AdminOpcode.ABORT, 0, 0, lost << 16 | 1, 0).result())
                .isEqualTo(1);
        assertThat(host.deleteSubmissionQueue(1)).isEqualTo(Status.SUCCESS);
        assertThat(queue.cq.poll()).isNull();
    }

    @Test
    void completesTwice() {
        function.faults(FaultPlan.parse("io count=1 -> duplicate"));
        int twice = stage(0);
        queue.ring();

        assertThat(queue.await(2))
                .allSatisfy(completion -> assertThat(completion.cid()).isEqualTo(twice));
        assertThat(queue.cq.poll()).isNull();
    }

    @Test
    void completesWithAnotherCommandId() {
        function.faults(FaultPlan.parse("io slba=1 -> cid=+1", "io slba=2 -> cid=^0x8000", "io slba=3 -> cid=0xabcd"));
        queue.nextCid = 0x1234;
        stage(1);
        stage(2);
        stage(3);
        stage(4);
        queue.ring();

        assertThat(queue.await(4)).extracting(RawHost.Completion::cid).containsExactly(0x1235, 0x9235, 0xabcd, 0x1237);
    }

    @Test
    void setsFatalStatusUntilAReset() {
        function.faults(FaultPlan.parse("io after=2 count=1 -> fatal"));
        for (int i = 0; i < 5; i++) {
            stage(0);
        }
        queue.ring();
        queue.await(2);

        long start = System.nanoTime();
        while (!host.csts().cfs()) {
            RawHost.patience(start, "CSTS.CFS");
        }
        assertThat(queue.cq.poll()).isNull();
        host.disable();
        host.enable();
        assertThat(host.createQueue(1, 16).io(NvmOpcode.READ, 0, 1, page, 0).status())
                .isEqualTo(Status.SUCCESS);
    }

    @Test
    void removesTheFunction() {
        var told = new AtomicReference<String>();
        host.access.onRemoval(told::set);
        function.faults(FaultPlan.parse("io after=1 -> remove"));
        stage(0);
        stage(0);
        queue.ring();
        queue.await();

        long start = System.nanoTime();
        while (told.get() == null) {
            RawHost.patience(start, "the driver to be told");
        }
        assertThat(told.get()).contains("fault");
        assertThat(host.csts().isGone()).isTrue();
        assertThat(queue.cq.poll()).isNull();
    }

    @Test
    void reachesAdminCommandsToo() {
        function.faults(FaultPlan.parse("admin opc=identify -> status=0x4002"));

        assertThat(host.admin(AdminOpcode.IDENTIFY, 0, page, 1, 0).status())
                .isEqualTo(Status.INVALID_FIELD | Status.DNR);
        assertThat(queue.io(NvmOpcode.READ, 0, 1, page, 0).status()).isEqualTo(Status.SUCCESS);
    }

    @Test
    void drawsTheSameChancesFromTheSameSeed() {
        var runs = new HashMap<String, Integer>();
        for (int run = 0; run < 2; run++) {
            function.faults(FaultPlan.parse(42, List.of("io chance=0.3 -> status=0x6")));
            var failed = new StringBuilder();
            for (int i = 0; i < 200; i++) {
                failed.append(queue.io(NvmOpcode.READ, 0, 1, page, 0).status() == 0 ? '.' : 'x');
            }
            runs.merge(failed.toString(), 1, Integer::sum);
        }

        assertThat(runs).hasSize(1);
        assertThat(runs.keySet().iterator().next().chars().filter(c -> c == 'x').count())
                .isBetween(30L, 90L);
    }
}
