package io.doorbell.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.awaitility.Awaitility.await;

import io.doorbell.fabrics.FabricHost;
import io.doorbell.fabrics.auth.DhchapOffer;
import io.doorbell.fabrics.auth.HostKeys;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.DhchapHash;
import io.doorbell.nvme.DiscoveryLog;
import io.doorbell.nvme.FabricsStatus;
import io.doorbell.nvme.Nqn;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.TcpPdu;
import io.doorbell.nvme.TlsKey;
import io.doorbell.platform.PrivateFile;
import io.doorbell.tcp.tls.TlsSession;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.Socket;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A listener that wants TLS. */
class TlsTest {
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final Duration BOUND = Duration.ofSeconds(60);
    private static final int BLOCK_BYTES = 512;

    @TempDir
    private Path folder;

    private final TlsKey key = TlsKey.generate(DhchapHash.SHA_256, RANDOM);
    private final Node node = new Node(Node.secured());

    /** The first handshake of a JVM takes seconds on a busy machine, and no host waits so long. */
    @BeforeAll
    static void shakeHandsOnce() throws IOException {
        TlsSession.warmUp();
    }

    @BeforeEach
    void aHostWithAKey() throws IOException {
        PrivateFile.create(folder.resolve("tls"), key.text());
        node.fabrics.add(new FabricHost(
                RawHost.HOST, Set.of(Node.NQN), new HostKeys(null, null, DhchapOffer.DEFAULT, folder.resolve("tls"))));
    }

    @AfterEach
    void nothingIsKept() {
        await().atMost(BOUND).until(() -> node.target.connections() == 0);
        assertThat(node.target.heldParts()).isZero();
        node.close();
    }

    private RawHost host() throws IOException {
        return new RawHost(node.target.address(), key, key.identity(0, RawHost.HOST, Node.NQN));
    }

    private static byte[] transfer(RawHost queue, int opc, long slba, byte[] data) {
        int cid = queue.nextCid++;
        var command = RawHost.command(opc, cid, 1, (int) slba, 0, data.length / BLOCK_BYTES - 1);
        queue.send(command, data.length);
        if (opc == NvmOpcode.READ) {
            var answer = queue.read();
            assertThat(answer.digestsRight()).isTrue();
            if ((answer.flags() & TcpPdu.SUCCESS) == 0) {
                assertThat(queue.read().status()).isZero();
            }
            return answer.data();
        }
        int sent = 0;
        while (sent < data.length) {
            var asked = queue.read();
            assertThat(asked.type()).isEqualTo(TcpPdu.R2T);
            int length = (int) TcpPdu.datal(asked.bytes(), 0);
            queue.write(queue.h2cData(
                    cid, TcpPdu.ttag(asked.bytes(), 0), sent, Arrays.copyOfRange(data, sent, sent + length), true));
            sent += length;
        }
        assertThat(queue.read().status()).isZero();
        return data;
    }

    @ParameterizedTest
    @EnumSource(
            value = DhchapHash.class,
            names = {"SHA_256", "SHA_384"})
    void dataComeAndGoWithBothSuitesAndBothVersionsOfIdentities(DhchapHash hash) throws IOException {
        var random = new SplittableRandom(1);
        for (int version = 0; version < 2; version++) {
            var other = TlsKey.generate(hash, RANDOM);
            PrivateFile.create(folder.resolve("tls"), other.text());
            var identity = other.identity(version, RawHost.HOST, Node.NQN);
            try (var admin = new RawHost(node.target.address(), other, identity);
                    var queue = new RawHost(node.target.address(), other, identity)) {
                int controller = admin.admin(3);
                queue.io(1, 32, controller, 0, version == 0 ? 0 : 3);
                for (int bytes : new int[] {BLOCK_BYTES, 8192, 40_960, 1 << 17}) {
                    var data = new byte[bytes];
                    random.nextBytes(data);

                    transfer(queue, NvmOpcode.WRITE, 8, data);

                    assertThat(transfer(queue, NvmOpcode.READ, 8, new byte[bytes]))
                            .isEqualTo(data);
                }
            }
        }
    }

    @Test
    void manyCommandsAtOnceAreAllAnsweredThoughTheHostReadsLate() throws IOException {
        try (var admin = host();
                var queue = host()) {
            queue.io(1, 128, admin.admin(0), 0, 0);
            for (int i = 0; i < 100; i++) {
                queue.send(RawHost.command(NvmOpcode.READ, 1000 + i, 1, 0, 0, 255), 256 * BLOCK_BYTES);
            }
            var seen = new ArrayList<Integer>();
            while (seen.size() < 100) {
                var pdu = queue.read();
                if (pdu.type() == TcpPdu.CAPSULE_RESP) {
                    assertThat(pdu.status()).isZero();
                    seen.add(pdu.cid());
                } else {
                    assertThat(pdu.data()).hasSize(256 * BLOCK_BYTES);
                }
            }

            assertThat(seen).doesNotHaveDuplicates();
        }
    }

    @Test
    void whoHasNoKeyOrAnotherGetsNoFurtherThanTheHandshake() throws IOException {
        var other = TlsKey.generate(DhchapHash.SHA_256, RANDOM);
        var address = node.target.address();

        assertThatIOException()
                .isThrownBy(() -> new RawHost(address, other, other.identity(0, RawHost.HOST, Node.NQN)))
                .withMessageContaining("decrypt_error");
        assertThatIOException()
                .isThrownBy(() -> new RawHost(address, other, other.identity(1, RawHost.HOST, Node.NQN)))
                .withMessageContaining("unknown_psk_identity");
        assertThatIOException()
                .isThrownBy(() -> new RawHost(address, key, key.identity(0, RawHost.HOST + "x", Node.NQN)))
                .withMessageContaining("unknown_psk_identity");
        assertThatIOException()
                .isThrownBy(() -> new RawHost(address, key, key.identity(0, RawHost.HOST, Node.QUIET_NQN)))
                .withMessageContaining("unknown_psk_identity");
        try (var plain = new RawHost(address)) {
            var pdu = new byte[TcpPdu.IC_BYTES];
            TcpPdu.initialize(MemorySegment.ofArray(pdu), 0, TcpPdu.ICREQ, 0, 0, 0);
            plain.write(pdu);
            try (var silent = new Socket(address.getAddress(), address.getPort())) {
                assertThat(silent.isConnected()).isTrue();
            }
            await().atMost(BOUND).until(() -> node.target.connections() == 0);
        }
    }

    @Test
    void aKeyIsForOneHostAndOneSubsystem() throws IOException {
        try (var host = host()) {
            host.initialize(0);
            host.subnqn = Node.QUIET_NQN;
            assertThat(Status.code(host.connect(0, 32, 0xFFFF, 0).status()))
                    .isEqualTo(FabricsStatus.CONNECT_INVALID_HOST);
            host.subnqn = Node.NQN;
            assertThat(host.connect(0, 32, 0xFFFF, 0).status()).isZero();
        }
    }

    @Test
    void discoverySaysThatAConnectionHasToBeSecure() throws IOException {
        try (var host = new RawHost(node.target.address(), key, key.identity(0, RawHost.HOST, Nqn.DISCOVERY))) {
            host.subnqn = Nqn.DISCOVERY;
            host.admin(0);
            host.send(RawHost.command(AdminOpcode.GET_LOG_PAGE, host.nextCid++, 0, 0x70 | (1023 << 16), 0, 0), 4096);

            var page = MemorySegment.ofArray(host.read().data());

            assertThat(DiscoveryLog.NUMREC.get(page)).isGreaterThan(1);
            for (int i = 0; i < 2; i++) {
                long entry = DiscoveryLog.HEADER_BYTES + (long) i * DiscoveryLog.ENTRY_BYTES;
                assertThat(DiscoveryLog.TREQ.get(page, entry) & 3).isEqualTo(DiscoveryLog.TREQ_SECURE_CHANNEL_REQUIRED);
                assertThat(DiscoveryLog.TCP_SECTYPE.get(page, entry)).isEqualTo(DiscoveryLog.SECTYPE_TLS_13);
            }
        }
    }

    /** Handshakes and records that are spoilt: the connection ends, others go on. */
    @Test
    void spoiltBytesEndTheirConnectionAndNoOther() throws IOException {
        long seed = Long.getLong("doorbell.seed", System.nanoTime());
        System.out.println("seed " + seed + ", repeat with -Ddoorbell.seed=" + seed);
        var random = new SplittableRandom(seed);
        try (var admin = host();
                var queue = host()) {
            queue.io(1, 32, admin.admin(0), 0, 0);
            int cases = Math.min(Integer.getInteger("doorbell.fuzz", 60), 100_000);
            for (int i = 0; i < cases; i++) {
                spoil(random);
                assertThat(transfer(queue, NvmOpcode.READ, 0, new byte[4096])).hasSize(4096);
            }
        }
    }

    private void spoil(SplittableRandom random) throws IOException {
        try (var socket = new Socket(
                node.target.address().getAddress(), node.target.address().getPort())) {
            socket.setSoTimeout(10_000);
            var session = io.doorbell.tcp.tls.TlsSession.client(key, key.identity(0, RawHost.HOST, Node.NQN));
            var bytes = new byte[session.outputAvailable()];
            session.readOutput(bytes, 0, bytes.length);
            if (random.nextBoolean()) {
                bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
                socket.getOutputStream().write(bytes);
            } else {
                // A handshake, and then a record that is none.
                socket.getOutputStream().write(bytes);
                var streams = new SecureStreams(socket, session);
                streams.shakeHands();
                var record = new byte[5 + random.nextInt(200)];
                random.nextBytes(record);
                record[0] = 23;
                record[1] = 3;
                record[2] = 3;
                record[3] = 0;
                record[4] = (byte) (record.length - 5);
                socket.getOutputStream().write(record);
            }
            socket.shutdownOutput();
            while (socket.getInputStream().read(new byte[1024]) >= 0) {
                Thread.onSpinWait();
            }
        } catch (IOException ended) {
            // By the target: that is the point.
        }
    }
}
