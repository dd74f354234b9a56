package io.doorbell.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Create and Delete, and what is refused. NVMe Base 2.1 §5.2.1 to §5.2.4. */
class QueueCommandsTest extends DeviceTest {
    private long ring;

    @BeforeEach
    void enable() {
        host.enable();
        ring = host.pages(4).address();
    }

    private int createCompletionQueue(int qid, int entries, long iova, int cdw11) {
        return Status.code(host.admin(AdminOpcode.CREATE_IO_COMPLETION_QUEUE, 0, iova, entries - 1 << 16 | qid, cdw11)
                .status());
    }

    private int createSubmissionQueue(int qid, int entries, long iova, int cqid, int flags) {
        return Status.code(
                host.admin(AdminOpcode.CREATE_IO_SUBMISSION_QUEUE, 0, iova, entries - 1 << 16 | qid, cqid << 16 | flags)
                        .status());
    }

    @Test
    void refusesCompletionQueuesThatCannotBe() {
        assertThat(createCompletionQueue(0, 16, ring, 1)).isEqualTo(Status.INVALID_QUEUE_IDENTIFIER);
        assertThat(createCompletionQueue(8, 16, ring, 1)).isEqualTo(Status.INVALID_QUEUE_IDENTIFIER);
        assertThat(createCompletionQueue(1, 1, ring, 1)).isEqualTo(Status.INVALID_QUEUE_SIZE);
        assertThat(createCompletionQueue(1, 257, ring, 1)).isEqualTo(Status.INVALID_QUEUE_SIZE);
        assertThat(createCompletionQueue(1, 16, ring, 0)).isEqualTo(Status.INVALID_FIELD);
        assertThat(createCompletionQueue(1, 16, ring, 8 << 16 | 3)).isEqualTo(Status.INVALID_INTERRUPT_VECTOR);
        assertThat(createCompletionQueue(1, 16, ring + 8, 1)).isEqualTo(Status.PRP_OFFSET_INVALID);
        assertThat(createCompletionQueue(1, 16, 0x1000, 1)).isEqualTo(Status.INVALID_FIELD);
        assertThat(createCompletionQueue(1, 16, -4096, 1)).isEqualTo(Status.INVALID_FIELD);
        long lastPage = host.memory.segment().address() + host.memory.segment().byteSize() - 4096;
        assertThat(createCompletionQueue(1, 256, lastPage, 1)).isEqualTo(Status.SUCCESS);
        assertThat(createCompletionQueue(1, 16, ring, 1)).isEqualTo(Status.INVALID_QUEUE_IDENTIFIER);
    }

    @Test
    void refusesSubmissionQueuesThatCannotBe() {
        assertThat(createCompletionQueue(1, 16, ring, 1)).isEqualTo(Status.SUCCESS);
        long iova = ring + 4096;

        assertThat(createSubmissionQueue(0, 16, iova, 1, 1)).isEqualTo(Status.INVALID_QUEUE_IDENTIFIER);
        assertThat(createSubmissionQueue(1, 16, iova, 0, 1)).isEqualTo(Status.INVALID_QUEUE_IDENTIFIER);
        assertThat(createSubmissionQueue(1, 16, iova, 2, 1)).isEqualTo(Status.COMPLETION_QUEUE_INVALID);
        assertThat(createSubmissionQueue(1, 1, iova, 1, 1)).isEqualTo(Status.INVALID_QUEUE_SIZE);
        assertThat(createSubmissionQueue(1, 16, iova, 1, 0)).isEqualTo(Status.INVALID_FIELD);
        assertThat(createSubmissionQueue(1, 16, iova + 64, 1, 1)).isEqualTo(Status.PRP_OFFSET_INVALID);
        // The last page is mapped, what would follow it is not.
        long lastPage = host.memory.segment().address() + host.memory.segment().byteSize() - 4096;
        assertThat(createSubmissionQueue(1, 65, lastPage, 1, 1)).isEqualTo(Status.INVALID_FIELD);
        assertThat(createSubmissionQueue(1, 64, lastPage, 1, 1)).isEqualTo(Status.SUCCESS);
        assertThat(createSubmissionQueue(1, 16, iova, 1, 1)).isEqualTo(Status.INVALID_QUEUE_IDENTIFIER);
    }

    @Test
    void deletesInTheOrderThatIsLeft() {
        var queue = host.createQueue(1, 16);
        host.createQueue(2, 16, 1, queue);

        assertThat(Status.code(host.deleteCompletionQueue(1))).isEqualTo(Status.INVALID_QUEUE_DELETION);
        assertThat(host.deleteSubmissionQueue(1)).isEqualTo(Status.SUCCESS);
        assertThat(Status.code(host.deleteCompletionQueue(1))).isEqualTo(Status.INVALID_QUEUE_DELETION);
        assertThat(host.deleteSubmissionQueue(2)).isEqualTo(Status.SUCCESS);
        assertThat(host.deleteCompletionQueue(1)).isEqualTo(Status.SUCCESS);
        assertThat(Status.code(host.deleteSubmissionQueue(1))).isEqualTo(Status.INVALID_QUEUE_IDENTIFIER);
        assertThat(Status.code(host.deleteCompletionQueue(1))).isEqualTo(Status.INVALID_QUEUE_IDENTIFIER);
    }

    @Test
    void answersADeleteOnlyWhenNamespacesAreDone() {
        var queue = host.createQueue(1, 16);
        subsystem.keepPending = true;
        int cid = queue.stageIo(NvmOpcode.READ, 0, 8, host.pages(1).address(), 0);
        queue.ring();
        awaitPending(1);

        host.admin.stage(AdminOpcode.DELETE_IO_SUBMISSION_QUEUE, 0, 0, 0, 0, 1, 0, 0);
        host.admin.ring();
        // A command behind it is answered before it.
        var identify =
                host.admin.stage(AdminOpcode.IDENTIFY, 0, 0, host.pages(1).address(), 0, 0, 0, 0);
        host.admin.ring();
        assertThat(host.admin.await().cid()).isEqualTo(identify);
        assertThat(queue.cq.poll()).isNull();
        onDevice(subsystem::finish);

        assertThat(host.admin.await().status()).isEqualTo(Status.SUCCESS);
        assertThat(queue.await().cid()).isEqualTo(cid);
        assertThat(host.deleteCompletionQueue(1)).isEqualTo(Status.SUCCESS);
    }

    @Test
    void abortsWhatADeletedQueueHolds() {
        var queue = host.createQueue(1, 16);
        function.faults(FaultPlan.parse("io -> delay=1h".replace("1h", "3600s")));
        queue.stageIo(NvmOpcode.READ, 0, 8, host.pages(1).address(), 0);
        queue.stageIo(NvmOpcode.READ, 0, 8, host.pages(1).address(), 0);
        queue.ring();

        long start = System.nanoTime();
        while (function.faultsApplied() < 2) {
            RawHost.patience(start, "both to be held");
        }
        assertThat(host.deleteSubmissionQueue(1)).isEqualTo(Status.SUCCESS);

        // They are there before the delete is answered.
        assertThat(queue.cq.poll().status()).isEqualTo(Status.ABORTED_SQ_DELETION);
        assertThat(queue.cq.poll().status()).isEqualTo(Status.ABORTED_SQ_DELETION);
        assertThat(queue.cq.poll()).isNull();
    }

    @Test
    void abortsACommandThatNobodyHasBegunWith() {
        var queue = host.createQueue(1, 16);
        function.faults(FaultPlan.parse("io count=1 -> delay=3600s"));
        int held = queue.stageIo(NvmOpcode.READ, 0, 8, host.pages(1).address(), 0);
        int done = queue.stageIo(NvmOpcode.READ, 0, 8, host.pages(1).address(), 0);
        queue.ring();
        assertThat(queue.await().cid()).isEqualTo(done);

        var aborted = host.admin(AdminOpcode.ABORT, 0, 0, held << 16 | 1, 0);
        var unknown = host.admin(AdminOpcode.ABORT, 0, 0, 77 << 16 | 1, 0);

        assertThat(aborted.result()).isZero();
        assertThat(queue.await()).satisfies(completion -> {
            assertThat(completion.cid()).isEqualTo(held);
            assertThat(completion.status()).isEqualTo(Status.ABORTED_BY_REQUEST);
        });
        assertThat(unknown.status()).isEqualTo(Status.SUCCESS);
        assertThat(unknown.result()).isEqualTo(1);
    }

    @Test
    void doesNotAbortWhatANamespaceWorksOn() {
        var queue = host.createQueue(1, 16);
        subsystem.keepPending = true;
        int cid = queue.stageIo(NvmOpcode.READ, 0, 8, host.pages(1).address(), 0);
        queue.ring();
        awaitPending(1);

        assertThat(host.admin(AdminOpcode.ABORT, 0, 0, cid << 16 | 1, 0).result())
                .isEqualTo(1);

        subsystem.keepPending = false;
        assertThat(queue.await().status()).isEqualTo(Status.SUCCESS);
    }

    @Test
    void abortsAnAsynchronousEventRequest() {
        int cid = host.admin.stage(AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST, 0, 0, 0, 0, 0, 0, 0);
        int abort = host.admin.stage(AdminOpcode.ABORT, 0, 0, 0, 0, cid << 16, 0, 0);
        host.admin.ring();

        assertThat(host.admin.await(2)).satisfies(completions -> {
            assertThat(completions.get(0).cid()).isEqualTo(cid);
            assertThat(completions.get(0).status()).isEqualTo(Status.ABORTED_BY_REQUEST);
            assertThat(completions.get(1).cid()).isEqualTo(abort);
            assertThat(completions.get(1).result()).isZero();
        });
    }

    @Test
    void refusesFusedAndSglAdminCommands() {
        host.admin.stage(AdminOpcode.IDENTIFY, 1, 0, ring, 0, 0, 0, 0);
        host.admin.stage(AdminOpcode.IDENTIFY, 1 << 6, 0, ring, 0, 0, 0, 0);
        host.admin.ring();

        assertThat(host.admin.await(2))
                .allSatisfy(completion ->
                        assertThat(Status.code(completion.status())).isEqualTo(Status.INVALID_FIELD));
    }

    @Test
    void survivesAResetWithCommandsUnderWay() {
        var queue = host.createQueue(1, 16);
        subsystem.keepPending = true;
        queue.stageIo(NvmOpcode.READ, 0, 8, host.pages(1).address(), 0);
        queue.ring();
        awaitPending(1);

        host.access.writeRegister32(io.doorbell.nvme.Registers.CC, 0);
        // Not before the namespace has let go of host memory.
        assertThat(host.csts().rdy()).isTrue();
        subsystem.keepPending = false;
        host.awaitReady(false);

        assertThat(queue.cq.poll()).isNull();
        host.enable();
        assertThat(host.createQueue(1, 16)
                        .io(NvmOpcode.READ, 0, 8, host.pages(1).address(), 0)
                        .status())
                .isEqualTo(Status.SUCCESS);
    }
}
