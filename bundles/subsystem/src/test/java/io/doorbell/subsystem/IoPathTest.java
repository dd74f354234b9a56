package io.doorbell.subsystem;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.backends.FileBackend;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.storage.NvmRequest;
import io.doorbell.storage.TestRequest;
import io.doorbell.target.CommandPath;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IoPathTest {
    private static final int BLOCKS = 1000;
    private static final int MAX_BLOCKS_512 = Rig.MAX_TRANSFER_PAGES * 4096 / 512;

    @TempDir
    Path directory;

    private final Rig rig = new Rig().memory(1, 512, BLOCKS).memory(2, 4096, BLOCKS);
    private final CommandPath path = rig.controller.openIoPath(rig.reactor);

    @AfterEach
    void close() {
        path.close();
        rig.close();
    }

    private int admit(TestRequest request) {
        return path.admit(request);
    }

    private static TestRequest to(int nsid, TestRequest request) {
        request.nsid = nsid;
        return request;
    }

    @Test
    void saysHowMuchDataMovesWhichWay() {
        var read = TestRequest.blocks(NvmOpcode.READ, 10, 3);
        var write = to(2, TestRequest.blocks(NvmOpcode.WRITE, 999, 1));
        var compare = TestRequest.blocks(NvmOpcode.COMPARE, 0, 2);
        var zeroes = TestRequest.blocks(NvmOpcode.WRITE_ZEROES, 0, BLOCKS);
        var manage = Rig.command(NvmOpcode.DATASET_MANAGEMENT, 1, 255, 4);
        var flush = Rig.command(NvmOpcode.FLUSH, 1, 0, 0);
        for (var request : new TestRequest[] {read, write, compare, zeroes, manage, flush}) {
            request.dataBytes = 77;
            request.result = 88;

            assertThat(admit(request)).isZero();

            assertThat(request.result).isZero();
            assertThat(request.session).isNotNull();
        }

        assertThat(read.dataBytes).isEqualTo(3 * 512);
        assertThat(read.dataToHost).isTrue();
        assertThat(read.slba).isEqualTo(10);
        assertThat(read.blockCount).isEqualTo(3);
        assertThat(write.dataBytes).isEqualTo(4096);
        assertThat(write.dataToHost).isFalse();
        assertThat(compare.dataBytes).isEqualTo(2 * 512);
        assertThat(compare.dataToHost).isFalse();
        assertThat(zeroes.dataBytes).isZero();
        assertThat(zeroes.blockCount).isEqualTo(BLOCKS);
        assertThat(manage.dataBytes).isEqualTo(256 * 16);
        assertThat(manage.dataToHost).isFalse();
        assertThat(flush.dataBytes).isZero();
    }

    @Test
    void executesWhatItAdmitted() {
        var data = new byte[512];
        data[7] = 7;
        assertThat(rig.run(path, TestRequest.blocks(NvmOpcode.WRITE, BLOCKS - 1, 1), data))
                .isZero();
        assertThat(rig.run(path, TestRequest.blocks(NvmOpcode.READ, BLOCKS - 1, 1)))
                .isZero();

        assertThat(rig.data).isEqualTo(data);
        assertThat(rig.run(path, to(2, TestRequest.blocks(NvmOpcode.READ, BLOCKS - 1, 1))))
                .isZero();
        assertThat(rig.data).as("another namespace").containsOnly(0);
    }

    @Test
    void refusesBlocksOutside() {
        int outside = Status.LBA_OUT_OF_RANGE | Status.DNR;
        for (int opc :
                new int[] {NvmOpcode.READ, NvmOpcode.WRITE, NvmOpcode.COMPARE, NvmOpcode.WRITE_ZEROES, NvmOpcode.VERIFY
                }) {
            assertThat(admit(TestRequest.blocks(opc, BLOCKS - 1, 1))).isZero();
            assertThat(admit(TestRequest.blocks(opc, BLOCKS, 1))).isEqualTo(outside);
            assertThat(admit(TestRequest.blocks(opc, BLOCKS - 1, 2))).isEqualTo(outside);
            assertThat(admit(TestRequest.blocks(opc, 1L << 32, 1))).isEqualTo(outside);
            assertThat(admit(TestRequest.blocks(opc, Long.MAX_VALUE, 2))).isEqualTo(outside);
            assertThat(admit(TestRequest.blocks(opc, -1, 1))).isEqualTo(outside);
            assertThat(admit(TestRequest.blocks(opc, -1, 2))).isEqualTo(outside);
        }
    }

    @Test
    void refusesTransfersLongerThanItSaidItTakes() {
        for (int opc : new int[] {NvmOpcode.READ, NvmOpcode.WRITE, NvmOpcode.COMPARE}) {
            assertThat(admit(TestRequest.blocks(opc, 0, MAX_BLOCKS_512))).isZero();
            assertThat(admit(TestRequest.blocks(opc, 0, MAX_BLOCKS_512 + 1)))
                    .isEqualTo(Status.INVALID_FIELD | Status.DNR);
            assertThat(admit(to(2, TestRequest.blocks(opc, 0, Rig.MAX_TRANSFER_PAGES))))
                    .isZero();
            assertThat(admit(to(2, TestRequest.blocks(opc, 0, Rig.MAX_TRANSFER_PAGES + 1))))
                    .isEqualTo(Status.INVALID_FIELD | Status.DNR);
        }
        assertThat(admit(TestRequest.blocks(NvmOpcode.VERIFY, 0, BLOCKS)))
                .as("moves no data")
                .isZero();
    }

    @Test
    void refusesProtectionInformationAndFusesThatCannotBe() {
        var checked = TestRequest.blocks(NvmOpcode.READ, 0, 1);
        checked.cdw12 |= 1 << 29;

        assertThat(admit(checked)).isEqualTo(Status.INVALID_FIELD | Status.DNR);
        for (var request : new TestRequest[] {
            TestRequest.blocks(NvmOpcode.READ, 0, 1).fuse(SubmissionEntry.FUSE_FIRST),
            TestRequest.blocks(NvmOpcode.WRITE, 0, 1).fuse(SubmissionEntry.FUSE_FIRST),
            TestRequest.blocks(NvmOpcode.COMPARE, 0, 1).fuse(SubmissionEntry.FUSE_SECOND),
            TestRequest.blocks(NvmOpcode.FLUSH, 0, 1).fuse(SubmissionEntry.FUSE_SECOND),
            TestRequest.blocks(NvmOpcode.WRITE, 0, 1).fuse(3)
        }) {
            assertThat(admit(request)).isEqualTo(Status.INVALID_FIELD | Status.DNR);
        }
    }

    @Test
    void tellsInvalidNamespacesFromInactiveOnes() {
        for (int nsid : new int[] {0, 1025, Integer.MIN_VALUE, -1, -2}) {
            assertThat(admit(to(nsid, TestRequest.blocks(NvmOpcode.READ, 0, 1))))
                    .as("nsid " + nsid)
                    .isEqualTo(Status.INVALID_NAMESPACE_OR_FORMAT | Status.DNR);
        }
        for (int nsid : new int[] {3, 1024}) {
            assertThat(admit(to(nsid, TestRequest.blocks(NvmOpcode.READ, 0, 1))))
                    .as("nsid " + nsid)
                    .isEqualTo(Status.INVALID_FIELD | Status.DNR);
        }
    }

    @Test
    void refusesOpcodesItDoesNotHave() {
        for (int opc : new int[] {NvmOpcode.CANCEL, NvmOpcode.IO_MANAGEMENT_SEND, 0xFF}) {
            assertThat(admit(TestRequest.blocks(opc, 0, 1))).isEqualTo(Status.INVALID_OPCODE | Status.DNR);
        }
    }

    private int fused(TestRequest compare, byte[] expected, TestRequest write, byte[] data) {
        int status = admit(compare.fuse(SubmissionEntry.FUSE_FIRST));
        assertThat(status).isZero();
        status = admit(write.fuse(SubmissionEntry.FUSE_SECOND));
        assertThat(status).isZero();
        return path.executeFused(compare.with(expected), write.with(data));
    }

    @Test
    void executesFusedPairs() {
        var ones = new byte[512];
        ones[0] = 1;

        int failed = fused(
                TestRequest.blocks(NvmOpcode.COMPARE, 4, 1), ones, TestRequest.blocks(NvmOpcode.WRITE, 4, 1), ones);
        int done = fused(
                TestRequest.blocks(NvmOpcode.COMPARE, 4, 1),
                new byte[512],
                TestRequest.blocks(NvmOpcode.WRITE, 4, 1),
                ones);

        assertThat(Status.code(failed)).isEqualTo(Status.COMPARE_FAILURE);
        assertThat(done).isZero();
        assertThat(rig.run(path, TestRequest.blocks(NvmOpcode.READ, 4, 1))).isZero();
        assertThat(rig.data).isEqualTo(ones);
    }

    @Test
    void refusesFusedPairsThatAreNone() {
        int invalid = Status.INVALID_FIELD | Status.DNR;
        var data = new byte[512];

        assertThat(fused(
                        TestRequest.blocks(NvmOpcode.COMPARE, 4, 1),
                        data,
                        TestRequest.blocks(NvmOpcode.WRITE, 5, 1),
                        data))
                .isEqualTo(invalid);
        assertThat(fused(
                        TestRequest.blocks(NvmOpcode.COMPARE, 4, 1),
                        data,
                        TestRequest.blocks(NvmOpcode.WRITE, 4, 2),
                        new byte[1024]))
                .isEqualTo(invalid);
        assertThat(fused(
                        TestRequest.blocks(NvmOpcode.COMPARE, 4, 1),
                        data,
                        to(2, TestRequest.blocks(NvmOpcode.WRITE, 4, 1)),
                        new byte[4096]))
                .isEqualTo(invalid);
    }

    @Test
    void takesUpNamespacesThatComeAndGoInPoll() {
        long wakes = rig.reactor.wakes();
        rig.memory(3, 512, 8);

        int work = path.poll(0);

        assertThat(rig.reactor.wakes())
                .as("a sleeping reactor would not see it")
                .isGreaterThan(wakes);
        assertThat(work).isPositive();
        assertThat(rig.run(path, to(3, TestRequest.blocks(NvmOpcode.READ, 0, 1))))
                .isZero();
        assertThat(path.poll(0)).as("nothing new").isZero();
        rig.subsystem.removeNamespace(3);
        path.poll(0);
        assertThat(admit(to(3, TestRequest.blocks(NvmOpcode.READ, 0, 1)))).isEqualTo(Status.INVALID_FIELD | Status.DNR);
    }

    @Test
    void takesUpANamespaceWhoseHostIsFasterThanThePoll() {
        rig.memory(3, 512, 8);

        assertThat(rig.run(path, to(3, TestRequest.blocks(NvmOpcode.READ, 0, 1))))
                .isZero();
    }

    @Test
    void aRequestAdmittedBeforeItsNamespaceWentIsRefused() {
        var request = TestRequest.blocks(NvmOpcode.READ, 0, 1).with(new byte[512]);
        assertThat(admit(request)).isZero();
        rig.subsystem.removeNamespace(1);
        path.poll(0);

        assertThat(Status.code(path.execute(request))).isEqualTo(Status.INVALID_NAMESPACE_OR_FORMAT);
    }

    @Test
    void whatIsInFlightEndsBeforeItsNamespaceGoes() throws InterruptedException {
        var file = new FileBackend(directory, 1).open(new NamespaceSpec("file", 1 << 20, 512, "n.img"));
        rig.subsystem.addNamespace(5, file);
        path.poll(0);
        var request = to(5, TestRequest.blocks(NvmOpcode.WRITE, 0, 1));
        assertThat(rig.run(path, request)).isEqualTo(NvmRequest.PENDING);
        var namespace = rig.subsystem.namespace(5);
        rig.subsystem.removeNamespace(5);

        long startNanos = System.nanoTime();
        while (request.completions() == 0) {
            path.poll(0);
            assertThat(System.nanoTime() - startNanos).isLessThan(TimeUnit.SECONDS.toNanos(60));
        }

        assertThat(request.status()).isZero();
        assertThat(namespace.closed().await(60, TimeUnit.SECONDS))
                .as("closed when its last session is")
                .isTrue();
    }

    @Test
    void closingForgetsWhatIsPending() {
        var file = new FileBackend(directory, 1).open(new NamespaceSpec("file", 1 << 20, 512, "n.img"));
        rig.subsystem.addNamespace(5, file);
        path.poll(0);
        var request = to(5, TestRequest.blocks(NvmOpcode.WRITE, 0, 1));
        assertThat(rig.run(path, request)).isEqualTo(NvmRequest.PENDING);

        path.close();
        path.close();

        assertThat(path.poll(0)).isZero();
        assertThat(request.completions()).isZero();
        assertThat(Status.code(path.admit(to(1, TestRequest.blocks(NvmOpcode.READ, 0, 1)))))
                .isEqualTo(Status.INVALID_FIELD);
    }
}
