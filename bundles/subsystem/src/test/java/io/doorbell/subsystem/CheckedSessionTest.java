package io.doorbell.subsystem;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.backends.NullBackend;
import io.doorbell.nvme.CopyRange;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.IdentifyNamespace;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.ProtectionInformation;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.storage.NvmRequest;
import io.doorbell.storage.TestRequest;
import io.doorbell.target.CommandPath;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class CheckedSessionTest {
    private static final int BLOCKS = 70_000;

    private final Rig rig = new Rig().memory(1, 512, BLOCKS);
    private CommandPath path = rig.controller.openIoPath(rig.reactor);

    @AfterEach
    void close() {
        path.close();
        rig.close();
    }

    private void add(int nsid, String spec) {
        rig.subsystem.addNamespace(nsid, new MemoryBackend().open(NamespaceSpec.parse(spec)));
        path.poll(0);
    }

    private static TestRequest to(int nsid, TestRequest request) {
        request.nsid = nsid;
        return request;
    }

    private static TestRequest copy(long target, int... sourceAndCount) {
        int ranges = sourceAndCount.length / 2;
        var request = TestRequest.blocks(NvmOpcode.COPY, target, 1);
        request.cdw12 = ranges - 1;
        return request;
    }

    private static byte[] ranges(int... sourceAndCount) {
        var table = MemorySegment.ofArray(new byte[sourceAndCount.length / 2 * CopyRange.SIZE_BYTES]);
        for (int i = 0; i < sourceAndCount.length; i += 2) {
            CopyRange.encode(
                    table, i / 2 * (long) CopyRange.SIZE_BYTES, sourceAndCount[i], sourceAndCount[i + 1], 0, 0);
        }
        return (byte[]) table.heapBase().orElseThrow();
    }

    private int runCopy(long target, int... sourceAndCount) {
        return end(copy(target, sourceAndCount), ranges(sourceAndCount));
    }

    /** Runs it to its end, however many cycles that takes. */
    private int end(TestRequest request, byte[] content) {
        int status = rig.run(path, request, content);
        for (int i = 0; status == NvmRequest.PENDING && request.completions() == 0; i++) {
            assertThat(i).as("cycles").isLessThan(10_000);
            path.poll(0);
        }
        return Status.code(status == NvmRequest.PENDING ? request.status() : status);
    }

    @Test
    void whatANamespaceDoesNotKeepIsNotReadFromTheBufferOfAnother() {
        rig.subsystem.addNamespace(2, new NullBackend().open(NamespaceSpec.parse("null:1MiB:512+8/extended")));
        path.poll(0);
        var secret = new byte[4 * 520];
        Arrays.fill(secret, (byte) 0xA5);
        assertThat(end(to(2, TestRequest.blocks(NvmOpcode.WRITE, 0, 4)), secret))
                .isZero();

        assertThat(end(to(2, TestRequest.blocks(NvmOpcode.READ, 0, 4)), null)).isZero();

        assertThat(rig.data).hasSize(4 * 520).containsOnly(0);
    }

    @Test
    void announcesWhatItDoes() {
        int oncs = IdentifyController.ONCS.get(rig.identify(IdentifyCns.CONTROLLER, 0));
        add(2, "memory:1MiB:4096+64/pi2/first/extended");
        var plain = rig.identify(IdentifyCns.NAMESPACE, 1);
        int mssrl = IdentifyNamespace.MSSRL.get(plain);
        var page = rig.identify(IdentifyCns.NAMESPACE, 2);

        assertThat(oncs & 0x1BF).isEqualTo(0x1BF);
        assertThat(mssrl).isEqualTo(CheckedSession.MAX_RANGE_BLOCKS);
        assertThat(IdentifyNamespace.currentFormat(page).ms()).isEqualTo(64);
        assertThat(IdentifyNamespace.currentFormat(page).blockBytes()).isEqualTo(4096);
        assertThat(IdentifyNamespace.FLBAS.get(page) & 0x10).isEqualTo(0x10);
        assertThat(IdentifyNamespace.DPS.get(page)).isEqualTo(0xA);
        assertThat(IdentifyNamespace.MC.get(page)).isEqualTo(3);
        assertThat(IdentifyNamespace.DPC.get(page)).isEqualTo(0x1F);
    }

    @Test
    void refusesCopiesBeyondTheLimitsAndOutside() {
        int most = CheckedSession.MAX_RANGE_BLOCKS;
        int[] tooMany = new int[2 * (CheckedSession.MAX_RANGES_ZERO_BASED + 2)];
        Arrays.fill(tooMany, 1);

        assertThat(runCopy(60_000, tooMany)).isEqualTo(Status.COMMAND_SIZE_LIMIT_EXCEEDED);
        assertThat(runCopy(50_000, 0, most + 1)).isEqualTo(Status.COMMAND_SIZE_LIMIT_EXCEEDED);
        assertThat(runCopy(50_000, 0, most, 0, most, 0, 1)).isEqualTo(Status.COMMAND_SIZE_LIMIT_EXCEEDED);
        assertThat(runCopy(0, BLOCKS - 1, 2)).isEqualTo(Status.LBA_OUT_OF_RANGE);
        assertThat(runCopy(BLOCKS - 1, 0, 2)).isEqualTo(Status.LBA_OUT_OF_RANGE);
        assertThat(runCopy(BLOCKS, 0, 1)).isEqualTo(Status.LBA_OUT_OF_RANGE);
        assertThat(runCopy(10, 0, 1, 9, 2)).isEqualTo(Status.OVERLAPPING_IO_RANGE);
        assertThat(runCopy(10, 0, 1, 8, 2)).isZero();
        var format1 = copy(10, 0, 1);
        format1.cdw12 |= 1 << 8;
        assertThat(end(format1, ranges(0, 1))).isEqualTo(Status.INVALID_FIELD);
        var protection = copy(10, 0, 1);
        protection.cdw12 |= ProtectionInformation.PRCHK_GUARD;
        assertThat(end(protection, ranges(0, 1))).isEqualTo(Status.INVALID_FIELD);
    }

    @Test
    void copiesMuchInSlices() {
        var data = new byte[Rig.MAX_TRANSFER_PAGES * 4096];
        Arrays.fill(data, (byte) 7);
        for (int at = 0; at < 32_000; at += 256) {
            assertThat(rig.run(path, TestRequest.blocks(NvmOpcode.WRITE, at, 256), data))
                    .isZero();
        }

        var request = copy(35_000, 0, 16_000, 16_000, 16_000);
        int first = rig.run(path, request, ranges(0, 16_000, 16_000, 16_000));
        boolean atOnce = request.completions() > 0;
        for (int i = 0; request.completions() == 0 && i < 100; i++) {
            path.poll(0);
        }

        assertThat(first).isEqualTo(NvmRequest.PENDING);
        assertThat(atOnce).isFalse();
        assertThat(request.status()).isZero();
        assertThat(rig.run(path, TestRequest.blocks(NvmOpcode.COMPARE, 66_999 - 255, 256), data))
                .isZero();
        assertThat(rig.run(path, TestRequest.blocks(NvmOpcode.READ, 67_000, 1))).isZero();
        assertThat(rig.data).containsOnly(0);
    }

    @Test
    void aCopyThatFailsSaysAtWhichRange() {
        assertThat(end(TestRequest.blocks(NvmOpcode.WRITE_UNCORRECTABLE, 21, 1), null))
                .isZero();
        var request = copy(100, 0, 2, 20, 3, 30, 1);

        assertThat(end(request, ranges(0, 2, 20, 3, 30, 1))).isEqualTo(Status.UNRECOVERED_READ_ERROR);
        assertThat(request.result).isEqualTo(1);
    }

    @Test
    void markedBlocksAreMarkedOnEveryPathUntilTheyAreWritten() {
        var other = rig.controller.openIoPath(rig.reactor);
        var data = new byte[512];
        assertThat(rig.run(other, TestRequest.blocks(NvmOpcode.READ, 5, 1))).isZero();

        assertThat(end(TestRequest.blocks(NvmOpcode.WRITE_UNCORRECTABLE, 4, 3), null))
                .isZero();

        for (var each : new CommandPath[] {path, other}) {
            assertThat(Status.code(rig.run(each, TestRequest.blocks(NvmOpcode.READ, 2, 3))))
                    .isEqualTo(Status.UNRECOVERED_READ_ERROR);
            assertThat(Status.code(rig.run(each, TestRequest.blocks(NvmOpcode.VERIFY, 6, 1))))
                    .isEqualTo(Status.UNRECOVERED_READ_ERROR);
            assertThat(rig.run(each, TestRequest.blocks(NvmOpcode.READ, 7, 1))).isZero();
        }
        assertThat(rig.run(other, TestRequest.blocks(NvmOpcode.WRITE, 5, 1), data))
                .isZero();
        assertThat(rig.run(path, TestRequest.blocks(NvmOpcode.READ, 5, 1))).isZero();
        assertThat(Status.code(rig.run(path, TestRequest.blocks(NvmOpcode.READ, 4, 1))))
                .isEqualTo(Status.UNRECOVERED_READ_ERROR);
        assertThat(rig.run(path, TestRequest.blocks(NvmOpcode.WRITE_ZEROES, 0, 100)))
                .isZero();
        assertThat(rig.run(other, TestRequest.blocks(NvmOpcode.READ, 0, 100))).isZero();
        other.close();
    }

    @Test
    void metadataInTheDataCountsForTheLongestTransfer() {
        add(2, "memory:1MiB:4096+8/extended");
        int most = Rig.MAX_TRANSFER_PAGES * 4096 / 4104;

        var fits = to(2, TestRequest.blocks(NvmOpcode.READ, 0, most));
        assertThat(path.admit(fits)).isZero();
        assertThat(fits.dataBytes).isEqualTo(most * 4104);
        assertThat(Status.code(path.admit(to(2, TestRequest.blocks(NvmOpcode.READ, 0, most + 1)))))
                .isEqualTo(Status.INVALID_FIELD);
    }

    @Test
    void fusedPairsCompareAndWriteMetadataToo() {
        add(2, "memory:1MiB:512+8/extended");
        var before = new byte[520];
        Arrays.fill(before, (byte) 1);
        assertThat(rig.run(path, to(2, TestRequest.blocks(NvmOpcode.WRITE, 3, 1)), before))
                .isZero();
        var other = before.clone();
        other[519] = 9;
        var after = new byte[520];
        Arrays.fill(after, (byte) 2);

        assertThat(fused(other, after)).isEqualTo(Status.COMPARE_FAILURE);
        assertThat(fused(before, after)).isZero();

        assertThat(rig.run(path, to(2, TestRequest.blocks(NvmOpcode.READ, 3, 1))))
                .isZero();
        assertThat(rig.data).isEqualTo(after);
    }

    private int fused(byte[] compared, byte[] written) {
        var compare = to(2, TestRequest.blocks(NvmOpcode.COMPARE, 3, 1).fuse(SubmissionEntry.FUSE_FIRST));
        var write = to(2, TestRequest.blocks(NvmOpcode.WRITE, 3, 1).fuse(SubmissionEntry.FUSE_SECOND));
        assertThat(path.admit(compare)).isZero();
        assertThat(path.admit(write)).isZero();
        return Status.code(path.executeFused(compare.with(compared), write.with(written)));
    }

    @Test
    void commandsThatArePendingWhenThePathClosesNeverEnd() {
        var request = copy(35_000, 0, 16_000);
        assertThat(rig.run(path, request, ranges(0, 16_000))).isEqualTo(NvmRequest.PENDING);

        path.close();
        path = rig.controller.openIoPath(rig.reactor);
        path.poll(0);

        assertThat(request.completions()).isZero();
    }

    @Test
    void writeZeroesWithProtectionGoesInSlicesToo() {
        add(2, "memory:16MiB:512+8/pi1");
        var zeroes = to(2, TestRequest.blocks(NvmOpcode.WRITE_ZEROES, 0, 20_000));
        zeroes.cdw12 |= ProtectionInformation.PRACT;
        assertThat(end(zeroes, null)).isZero();
        var verify = to(2, TestRequest.blocks(NvmOpcode.VERIFY, 0, 20_000));
        verify.cdw12 |= ProtectionInformation.PRCHK;
        verify.cdw15 = ProtectionInformation.tagDword(0, 0xFFFF);

        assertThat(end(verify, null)).isZero();
        verify.cdw15 = ProtectionInformation.tagDword(1, 0xFFFF);
        assertThat(end(again(verify), null)).isEqualTo(Status.APPLICATION_TAG_CHECK_ERROR);
    }

    private static TestRequest again(TestRequest request) {
        var again = to(request.nsid, TestRequest.blocks(request.opc, request.slba, request.blockCount));
        again.cdw12 = request.cdw12;
        again.cdw15 = request.cdw15;
        return again;
    }
}
