package io.doorbell.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** NVMe Base 2.1 §3.4.2 "Fused Operation". */
class FusedTest extends DeviceTest {
    private static final int FIRST = 1;
    private static final int SECOND = 2;

    private RawHost.Queue queue;
    private MemorySegment zeroes;
    private MemorySegment ones;

    @BeforeEach
    void enable() {
        host.enable();
        queue = host.createQueue(1, 16);
        zeroes = host.pages(1);
        ones = host.pages(1).fill((byte) 1);
    }

    private void stage(int opc, int fuse, int slba, MemorySegment data) {
        queue.stage(opc, fuse, 1, data.address(), 0, slba, 0, 7);
    }

    private List<Integer> statuses(int count) {
        queue.ring();
        return queue.await(count).stream()
                .map(completion -> Status.code(completion.status()))
                .toList();
    }

    private byte stored(int slba) {
        return subsystem.blocks().get(java.lang.foreign.ValueLayout.JAVA_BYTE, slba * 512L);
    }

    @Test
    void writesWhenItCompares() {
        stage(NvmOpcode.COMPARE, FIRST, 8, zeroes);
        stage(NvmOpcode.WRITE, SECOND, 8, ones);

        assertThat(statuses(2)).containsExactly(Status.SUCCESS, Status.SUCCESS);
        assertThat(stored(8)).isEqualTo((byte) 1);
    }

    @Test
    void doesNotWriteWhenItDiffers() {
        stage(NvmOpcode.COMPARE, FIRST, 8, ones);
        stage(NvmOpcode.WRITE, SECOND, 8, ones);

        assertThat(statuses(2)).containsExactly(Status.COMPARE_FAILURE, Status.ABORTED_FAILED_FUSED);
        assertThat(stored(8)).isZero();
    }

    @Test
    void waitsForTheSecond() {
        stage(NvmOpcode.COMPARE, FIRST, 8, zeroes);
        queue.ring();
        onDevice(() -> null);
        onDevice(() -> null);
        assertThat(queue.cq.poll()).isNull();

        stage(NvmOpcode.WRITE, SECOND, 8, ones);

        assertThat(statuses(2)).containsExactly(Status.SUCCESS, Status.SUCCESS);
    }

    @Test
    void endsHalvesWithoutTheOther() {
        stage(NvmOpcode.COMPARE, FIRST, 8, zeroes);
        stage(NvmOpcode.READ, 0, 8, zeroes);
        stage(NvmOpcode.WRITE, SECOND, 8, ones);
        stage(NvmOpcode.COMPARE, FIRST, 8, zeroes);
        stage(NvmOpcode.COMPARE, FIRST, 8, zeroes);
        stage(NvmOpcode.WRITE, SECOND, 8, ones);

        assertThat(statuses(6))
                .containsExactly(
                        Status.ABORTED_MISSING_FUSED,
                        Status.SUCCESS,
                        Status.ABORTED_MISSING_FUSED,
                        Status.ABORTED_MISSING_FUSED,
                        Status.SUCCESS,
                        Status.SUCCESS);
    }

    @Test
    void refusesPairsThatAreNotCompareAndWriteOfOneRange() {
        stage(NvmOpcode.COMPARE, FIRST, 8, zeroes);
        stage(NvmOpcode.WRITE, SECOND, 9, ones);
        stage(NvmOpcode.READ, FIRST, 8, zeroes);
        stage(NvmOpcode.WRITE, SECOND, 8, ones);

        assertThat(statuses(4)).containsOnly(Status.INVALID_FIELD);
        assertThat(stored(8)).isZero();
    }

    @Test
    void failsTheOtherWhenOneIsRefused() {
        stage(NvmOpcode.COMPARE, FIRST, BLOCKS, zeroes);
        stage(NvmOpcode.WRITE, SECOND, 8, ones);
        queue.stage(NvmOpcode.COMPARE, FIRST, 1, zeroes.address(), 0, 8, 0, 7);
        queue.stage(NvmOpcode.WRITE, SECOND, 1, 0x3000, 0, 8, 0, 7);

        assertThat(statuses(4))
                .containsExactly(
                        Status.LBA_OUT_OF_RANGE,
                        Status.ABORTED_FAILED_FUSED,
                        Status.ABORTED_FAILED_FUSED,
                        Status.DATA_TRANSFER_ERROR);
        assertThat(stored(8)).isZero();
    }

    @Test
    void abortsTheFirstWithItsQueue() {
        stage(NvmOpcode.COMPARE, FIRST, 8, zeroes);
        queue.ring();

        assertThat(host.deleteSubmissionQueue(1)).isEqualTo(Status.SUCCESS);

        assertThat(queue.cq.poll().status()).isEqualTo(Status.ABORTED_SQ_DELETION);
    }
}
