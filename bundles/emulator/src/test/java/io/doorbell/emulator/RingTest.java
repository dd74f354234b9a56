package io.doorbell.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.Doorbell;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import java.util.HashSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Heads, tails, phases, full and empty. */
class RingTest extends DeviceTest {
    private long page;

    @BeforeEach
    void enable() {
        host.enable();
        page = host.pages(1).address();
    }

    @Test
    void readsBackWhatWasWritten() {
        var queue = host.createQueue(1, 16);
        var written = host.pages(1).fill((byte) 0x5A);
        var read = host.pages(1);

        assertThat(queue.io(NvmOpcode.WRITE, 10, 8, written.address(), 0).status())
                .isEqualTo(Status.SUCCESS);
        assertThat(queue.io(NvmOpcode.READ, 10, 8, read.address(), 0).status()).isEqualTo(Status.SUCCESS);

        assertThat(read.mismatch(written)).isEqualTo(-1);
    }

    @Test
    void goesRoundTheRingManyTimes() {
        var queue = host.createQueue(1, 5);
        for (int i = 0; i < 300; i++) {
            int count = 1 + i % 4;
            var cids = new HashSet<Integer>();
            for (int j = 0; j < count; j++) {
                cids.add(queue.stageIo(NvmOpcode.READ, 0, 1, page, 0));
            }
            queue.ring();
            for (var completion : queue.await(count)) {
                assertThat(completion.status()).isEqualTo(Status.SUCCESS);
                assertThat(completion.sqid()).isEqualTo(1);
                assertThat(cids.remove(completion.cid())).isTrue();
            }
            assertThat(queue.cq.poll()).isNull();
        }
    }

    @Test
    void servesAFullRing() {
        var queue = host.createQueue(1, 256);
        for (int round = 0; round < 5; round++) {
            for (int i = 0; i < 255; i++) {
                queue.stageIo(NvmOpcode.READ, i, 1, page, 0);
            }
            queue.ring();

            assertThat(queue.await(255))
                    .allSatisfy(completion -> assertThat(completion.status()).isEqualTo(Status.SUCCESS));
        }
    }

    @Test
    void stopsAtAFullCompletionQueueAndGoesOnWhenThereIsRoom() {
        var first = host.createQueue(1, 4);
        var second = host.createQueue(2, 4, 1, first);
        for (var queue : new RawHost.Queue[] {first, second}) {
            for (int i = 0; i < 3; i++) {
                queue.stageIo(NvmOpcode.READ, 0, 1, page, 0);
            }
            queue.ring();
        }

        // Six commands, three completions: the device must not write over what has not been taken.
        long start = System.nanoTime();
        while (first.cq.poll() == null) {
            RawHost.patience(start, "the first completion");
        }
        int taken = 1;
        while (taken < 3) {
            taken += first.cq.poll() != null ? 1 : 0;
            RawHost.patience(start, "three completions");
        }
        onDevice(() -> null);
        onDevice(() -> null);
        assertThat(first.cq.poll()).isNull();
        first.cq.ringHead();

        assertThat(first.await(3)).hasSize(3);
        assertThat(first.cq.poll()).isNull();
    }

    @Test
    void letsPendingCommandsWaitForRoomInTheCompletionQueue() {
        var first = host.createQueue(1, 4);
        var second = host.createQueue(2, 4, 1, first);
        subsystem.keepPending = true;
        for (var queue : new RawHost.Queue[] {first, second}) {
            for (int i = 0; i < 3; i++) {
                queue.stageIo(NvmOpcode.READ, 0, 1, page, 0);
            }
            queue.ring();
        }
        awaitPending(6);

        onDevice(subsystem::finish);

        assertThat(first.await(6)).hasSize(6);
    }

    @Test
    void forgetsWhatWaitsForRoomWhenItsQueueIsDeleted() {
        var first = host.createQueue(1, 4);
        var second = host.createQueue(2, 4, 1, first);
        subsystem.keepPending = true;
        for (var queue : new RawHost.Queue[] {first, second}) {
            for (int i = 0; i < 3; i++) {
                queue.stageIo(NvmOpcode.READ, 0, 1, page, 0);
            }
            queue.ring();
            awaitPending(queue == first ? 3 : 6);
        }
        onDevice(subsystem::finish);

        // Three of the first were posted, and three of the second wait for room.
        assertThat(host.deleteSubmissionQueue(2)).isEqualTo(Status.SUCCESS);

        assertThat(first.await(3)).extracting(RawHost.Completion::sqid).containsOnly(1);
        onDevice(() -> null);
        onDevice(() -> null);
        assertThat(first.cq.poll()).isNull();
        assertThat(host.deleteSubmissionQueue(1)).isEqualTo(Status.SUCCESS);
        assertThat(host.deleteCompletionQueue(1)).isEqualTo(Status.SUCCESS);
    }

    @Test
    void keepsNoMoreCommandsUnderWayThanTheQueueHasEntries() {
        var queue = host.createQueue(1, 4);
        subsystem.keepPending = true;
        for (int i = 0; i < 3; i++) {
            queue.stageIo(NvmOpcode.READ, 0, 1, page, 0);
        }
        queue.ring();
        awaitPending(3);
        // More than the host may: it has not been told of a new head.
        for (int i = 0; i < 3; i++) {
            queue.stageIo(NvmOpcode.READ, 0, 1, page, 0);
        }
        queue.ring();
        awaitPending(4);
        subsystem.keepPending = false;

        assertThat(queue.await(6)).hasSize(6);
    }

    @Test
    void reportsATailBeyondTheRingAndSurvives() {
        int event = host.admin.stage(AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST, 0, 0, 0, 0, 0, 0, 0);
        host.admin.ring();
        var queue = host.createQueue(1, 16);

        Doorbell.store(host.access.doorbells(), Doorbell.shadowSubmissionTailOffset(1, host.dstrd), 16);
        host.access.doorbellStored();

        var completion = host.admin.await();
        assertThat(completion.cid()).isEqualTo(event);
        assertThat(new AsyncEvent((int) completion.result()).info()).isEqualTo(AsyncEvent.ERROR_INVALID_DOORBELL_VALUE);
        assertThat(queue.cq.poll()).isNull();
        assertThat(host.deleteSubmissionQueue(1)).isEqualTo(Status.SUCCESS);
        assertThat(host.deleteCompletionQueue(1)).isEqualTo(Status.SUCCESS);
        assertThat(host.createQueue(1, 16).io(NvmOpcode.READ, 0, 1, page, 0).status())
                .isEqualTo(Status.SUCCESS);
    }

    @Test
    void reportsACompletionHeadThatOvertakesTheTail() {
        int event = host.admin.stage(AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST, 0, 0, 0, 0, 0, 0, 0);
        host.admin.ring();
        var queue = host.createQueue(1, 4);
        queue.io(NvmOpcode.READ, 0, 1, page, 0);

        // One was posted, so 0 and 1 are heads that can be; 3 would be one of the ring's.
        Doorbell.store(host.access.doorbells(), Doorbell.shadowCompletionHeadOffset(1, host.dstrd), 3);
        for (int i = 0; i < 3; i++) {
            queue.stageIo(NvmOpcode.READ, 0, 1, page, 0);
        }
        queue.ring();

        var completion = host.admin.await();
        assertThat(completion.cid()).isEqualTo(event);
        assertThat(new AsyncEvent((int) completion.result()).info()).isEqualTo(AsyncEvent.ERROR_INVALID_DOORBELL_VALUE);
        assertThat(host.deleteSubmissionQueue(1)).isEqualTo(Status.SUCCESS);
        assertThat(host.deleteCompletionQueue(1)).isEqualTo(Status.SUCCESS);
    }

    @Test
    void turnsAnExceptionOfANamespaceIntoAStatus() {
        var queue = host.createQueue(1, 16);
        subsystem.toThrow = new IllegalArgumentException("a defect, for the test");

        assertThat(queue.io(NvmOpcode.READ, 0, 1, page, 0).status()).isEqualTo(Status.INTERNAL_ERROR);
        assertThat(queue.io(NvmOpcode.READ, 0, 1, page, 0).status()).isEqualTo(Status.SUCCESS);
    }

    @Test
    void passesStatusesOfTheModelThrough() {
        var queue = host.createQueue(1, 16);

        assertThat(queue.io(NvmOpcode.READ, BLOCKS, 1, page, 0).status()).isEqualTo(Status.LBA_OUT_OF_RANGE);
        assertThat(queue.io(0x7F, 0, 1, page, 0).status()).isEqualTo(Status.INVALID_OPCODE);
    }
}
