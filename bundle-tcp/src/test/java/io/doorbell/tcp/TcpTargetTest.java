package io.doorbell.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.FabricsCommand;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.nvme.TcpPdu;
import io.doorbell.platform.PlatformException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(300)
class TcpTargetTest {
    /** Of what takes some milliseconds, on a machine that has much else to do. */
    private static final Duration BOUND = Duration.ofSeconds(60);

    private static final int BLOCK = 512;

    private final Node node = new Node(Node.settings(0, 8192, 4, true));
    private final List<RawHost> hosts = new ArrayList<>();

    @AfterEach
    void close() {
        hosts.forEach(RawHost::close);
        await().atMost(BOUND).until(() -> node.target.connections() == 0 && node.fabrics.associations() == 0);
        node.close();
    }

    private RawHost host() {
        var host = new RawHost(node.target.address());
        hosts.add(host);
        return host;
    }

    private RawHost io(int cattr, int digests) {
        return host().io(1, 128, host().admin(digests), cattr, digests);
    }

    private static MemorySegment io(int opc, int cid, long slba, int blocks) {
        return RawHost.command(opc, cid, 1, (int) slba, (int) (slba >>> 32), blocks - 1);
    }

    private static byte[] random(int count, long seed) {
        var bytes = new byte[count];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    /** A Write by R2T, its data in PDUs of {@code part} bytes. */
    private static RawHost.Pdu write(RawHost io, int cid, long slba, byte[] data, int part) {
        io.send(io(NvmOpcode.WRITE, cid, slba, data.length / BLOCK), data.length);
        var r2t = io.read();
        assertThat(r2t.type()).isEqualTo(TcpPdu.R2T);
        assertThat(r2t.digestsRight()).isTrue();
        assertThat(TcpPdu.cccid(r2t.bytes(), 0)).isEqualTo(cid);
        assertThat(TcpPdu.datao(r2t.bytes(), 0)).isZero();
        assertThat(TcpPdu.datal(r2t.bytes(), 0)).isEqualTo(data.length);
        for (int at = 0; at < data.length; at += part) {
            int end = Math.min(at + part, data.length);
            io.write(io.h2cData(
                    cid, TcpPdu.ttag(r2t.bytes(), 0), at, Arrays.copyOfRange(data, at, end), end == data.length));
        }
        return io.read();
    }

    private static byte[] read(RawHost io, int cid, long slba, int bytes, boolean completion) {
        io.send(io(NvmOpcode.READ, cid, slba, bytes / BLOCK), bytes);
        var data = io.read();
        assertThat(data.type()).isEqualTo(TcpPdu.C2H_DATA);
        assertThat(data.digestsRight()).isTrue();
        assertThat(TcpPdu.cccid(data.bytes(), 0)).isEqualTo(cid);
        assertThat(data.flags() & TcpPdu.LAST).isNotZero();
        assertThat((data.flags() & TcpPdu.SUCCESS) == 0).isEqualTo(completion);
        if (completion) {
            var answer = io.read();
            assertThat(answer.status()).isZero();
            assertThat(answer.cid()).isEqualTo(cid);
        }
        return data.data();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void writesAndReads(int digests) {
        var io = io(0, digests);
        assertThat(io.headerDigest).isEqualTo((digests & 1) != 0);
        assertThat(io.dataDigest).isEqualTo((digests & 2) != 0);

        var small = random(4096, 1);
        io.sendInCapsule(io(NvmOpcode.WRITE, 0x4321, 8, 8), small);
        var answer = io.read();
        assertThat(answer.status()).isZero();
        assertThat(answer.cid()).isEqualTo(0x4321);
        assertThat(answer.digestsRight()).isTrue();
        assertThat(read(io, 7, 8, 4096, true)).isEqualTo(small);

        var large = random(1 << 17, 2);
        assertThat(write(io, 9, 1000, large, 1 << 17).status()).isZero();
        assertThat(read(io, 10, 1000, 1 << 17, true)).isEqualTo(large);
        var parts = random(60_000 / 512 * 512, 3);
        assertThat(write(io, 11, 77, parts, 1000).status()).isZero();
        assertThat(read(io, 12, 77, parts.length, true)).isEqualTo(parts);
    }

    @Test
    void withoutFlowControlGoodReadsNeedNoCompletion() {
        var io = io(FabricsCommand.CATTR_DISABLE_FLOW_CONTROL, 3);

        assertThat(read(io, 5, 0, 4096, false)).hasSize(4096);
        io.send(io(NvmOpcode.FLUSH, 6, 0, 1), 0);
        var answer = io.read();
        assertThat(answer.status()).isZero();
        assertThat(answer.sqhd()).isZero();
    }

    @Test
    void answersInBatchesAndTellsTheHead() {
        var io = io(0, 0);
        var all = new byte[100 * TcpPdu.CAPSULE_CMD_BYTES];
        for (int i = 0; i < 100; i++) {
            var command = io(NvmOpcode.FLUSH, i, 0, 1);
            System.arraycopy(io.capsule(command, new byte[0]), 0, all, i * 72, 72);
        }
        io.write(all);

        for (int i = 0; i < 100; i++) {
            var answer = io.read();
            assertThat(answer.status()).isZero();
            assertThat(answer.cid()).isEqualTo(i);
            assertThat(answer.sqhd()).isEqualTo((i + 2) % 128);
        }
    }

    @Test
    void takesAStreamHoweverItIsCut() {
        long seed = Long.getLong("doorbell.seed", System.nanoTime());
        System.out.println("seed " + seed + ", repeat with -Ddoorbell.seed=" + seed);
        var random = new Random(seed);
        var io = io(0, 3);
        var stream = new java.io.ByteArrayOutputStream();
        var written = new byte[40][];
        for (int i = 0; i < 40; i++) {
            written[i] = random(BLOCK * (1 + random.nextInt(16)), i);
            var command = io(NvmOpcode.WRITE, i, i * 16L, written[i].length / BLOCK);
            SubmissionEntry.sgl1(command, 0, RawHost.CAPSULE, 0, written[i].length);
            stream.writeBytes(io.capsule(command, written[i]));
        }
        var bytes = stream.toByteArray();
        for (int at = 0; at < bytes.length; ) {
            int end = Math.min(bytes.length, at + 1 + random.nextInt(random.nextBoolean() ? 20 : 9000));
            io.write(Arrays.copyOfRange(bytes, at, end));
            at = end;
        }

        for (int i = 0; i < 40; i++) {
            assertThat(io.read().status()).isZero();
        }
        for (int i = 0; i < 40; i++) {
            assertThat(read(io, i, i * 16L, written[i].length, true)).isEqualTo(written[i]);
        }
    }

    @Test
    void moreThanTheMemoryHoldsWaitsAndIsDone() {
        // 4 MiB of memory, 120 writes of 128 KiB: 15 MiB.
        var io = io(0, 0);
        for (int i = 0; i < 120; i++) {
            io.send(io(NvmOpcode.WRITE, i, i * 256L, 256), 1 << 17);
        }
        int done = 0;
        while (done < 120) {
            var pdu = io.read();
            if (pdu.type() == TcpPdu.R2T) {
                int cid = TcpPdu.cccid(pdu.bytes(), 0);
                io.write(io.h2cData(cid, TcpPdu.ttag(pdu.bytes(), 0), 0, random(1 << 17, cid), true));
            } else {
                assertThat(pdu.status()).isZero();
                done++;
            }
        }
        for (int i = 0; i < 120; i += 17) {
            assertThat(read(io, i, i * 256L, 1 << 17, true)).isEqualTo(random(1 << 17, i));
        }
    }

    @Test
    void aHostThatDoesNotReadHoldsUpNobodyElse() {
        var deaf = io(0, 0);
        var other = host().io(1, 128, host().admin(0), 0, 0);
        for (int i = 0; i < 100; i++) {
            deaf.send(io(NvmOpcode.READ, i, 0, 256), 1 << 17);
        }

        for (int i = 0; i < 50; i++) {
            assertThat(read(other, i, 0, 1 << 17, true)).hasSize(1 << 17);
        }
        for (int i = 0; i < 100; i++) {
            assertThat(deaf.read().type()).isEqualTo(TcpPdu.C2H_DATA);
            assertThat(deaf.read().status()).isZero();
        }
    }

    @Test
    void sglsThatDoNotFitAreRefused() {
        var io = io(0, 0);

        io.send(io(NvmOpcode.READ, 1, 0, 8), 2048);
        assertThat(io.read().status()).isEqualTo(Status.DATA_SGL_LENGTH_INVALID | Status.DNR);
        var keyed = io(NvmOpcode.READ, 2, 0, 8);
        SubmissionEntry.sgl1(keyed, 0, 0x40, 0, 4096);
        io.write(io.capsule(keyed, new byte[0]));
        assertThat(io.read().status()).isEqualTo(Status.SGL_DESCRIPTOR_TYPE_INVALID | Status.DNR);
        var prp = io(NvmOpcode.READ, 3, 0, 8);
        SubmissionEntry.flags(prp, 0, 0);
        io.send(prp, 4096);
        assertThat(io.read().status()).isEqualTo(Status.INVALID_FIELD | Status.DNR);
        var offset = io(NvmOpcode.WRITE, 4, 0, 1);
        SubmissionEntry.sgl1(offset, 0, RawHost.CAPSULE, 524, 512); // Behind what came.
        io.write(io.capsule(offset, new byte[520]));
        assertThat(io.read().status()).isEqualTo(Status.SGL_OFFSET_INVALID | Status.DNR);
        var longer = io(NvmOpcode.WRITE, 5, 0, 2);
        SubmissionEntry.sgl1(longer, 0, RawHost.CAPSULE, 0, 1024);
        io.write(io.capsule(longer, new byte[512]));
        assertThat(io.read().status()).isEqualTo(Status.DATA_SGL_LENGTH_INVALID | Status.DNR);
        io.sendInCapsule(io(NvmOpcode.WRITE, 6, 1L << 40, 8), new byte[4096]);
        assertThat(io.read().status()).isEqualTo(Status.LBA_OUT_OF_RANGE | Status.DNR);

        // Whole pages with Dataset Management, as Linux sends them.
        io.sendInCapsule(RawHost.command(NvmOpcode.DATASET_MANAGEMENT, 7, 1, 0, 4, 0), new byte[4096]);
        assertThat(io.read().status()).isZero();
        assertThat(read(io, 8, 0, 512, true)).hasSize(512);
    }

    @Test
    void dataThatAreNotWhatWasSentAreRefusedAndTheConnectionGoesOn() {
        var io = io(0, 3);
        var command = io(NvmOpcode.WRITE, 1, 0, 1);
        SubmissionEntry.sgl1(command, 0, RawHost.CAPSULE, 0, 512);
        var capsule = io.capsule(command, random(512, 1));
        capsule[capsule.length - 100] ^= 1;
        io.write(capsule);
        assertThat(io.read().status()).isEqualTo(Status.TRANSIENT_TRANSPORT_ERROR);

        io.send(io(NvmOpcode.WRITE, 2, 0, 32), 16384);
        int ttag = TcpPdu.ttag(io.read().bytes(), 0);
        var first = io.h2cData(2, ttag, 0, random(8192, 2), false);
        first[1000] ^= 4;
        io.write(first);
        io.write(io.h2cData(2, ttag, 8192, random(8192, 3), true));
        assertThat(io.read().status()).isEqualTo(Status.TRANSIENT_TRANSPORT_ERROR);
        assertThat(read(io, 3, 0, 512, true)).isEqualTo(new byte[512]);
    }

    @Test
    void tellsOfItselfOverTheWire() {
        var admin = host();
        int cntlid = admin.admin(3);
        admin.send(RawHost.command(AdminOpcode.IDENTIFY, 99, 0, 1, 0, 0), 4096);
        var data = admin.read();
        assertThat(data.digestsRight()).isTrue();
        var page = MemorySegment.ofArray(data.data());
        assertThat(IdentifyController.CNTLID.get(page)).isEqualTo(cntlid);
        assertThat(IdentifyController.SUBNQN.get(page)).isEqualTo(Node.NQN);
        assertThat(admin.read().status()).isZero();
    }

    @Test
    void anAddressThatIsTakenIsSaid() {
        var taken = Node.settings(node.target.address().getPort(), 8192, 4, true);

        assertThatThrownBy(() -> TcpTarget.open(taken, node.fabrics, node.reactors))
                .isInstanceOf(PlatformException.class)
                .hasMessageContaining("EADDRINUSE");
        assertThat(node.reactors.reactors()).hasSize(1);
    }

    @Test
    void closesWithHostsConnected() {
        var io = io(0, 0);
        io.send(io(NvmOpcode.WRITE, 1, 0, 32), 16384);
        assertThat(io.read().type()).isEqualTo(TcpPdu.R2T);

        node.target.close();

        assertThat(io.read()).isNull();
        await().atMost(BOUND).until(() -> node.fabrics.associations() == 0);
    }
}
