package io.doorbell.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.ConnectData;
import io.doorbell.nvme.FabricsCommand;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.nvme.TcpPdu;
import io.doorbell.reactor.ReactorStatistics;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/**
 * The same as {@link FuzzTest} with the threads of a node, where less can be said of each answer: the target does not break, forgets nothing, and a
 * host that behaves is served all the time, within a bound. {@code -Ddoorbell.node-fuzz=1000000} for more.
 */
class FuzzedNodeTest {
    private static final int CASES = Integer.getInteger("doorbell.node-fuzz", 5_000);
    private static final int MAX_HOSTS = 12;

    /** Of a command of the good one; far below anybody's patience with the others. */
    private static final long GOOD_BOUND_NANOS = 5_000_000_000L;

    private final long seed = Long.getLong("doorbell.seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final List<RawHost> hosts = new ArrayList<>();
    private int controllerId;

    @Test
    void survivesAnythingThatHostsSend() {
        System.out.println("seed " + seed + ", repeat with -Ddoorbell.seed=" + seed);
        try (var node = new Node(Node.settings(0, 8192, 4, true))) {
            try (var goodAdmin = new RawHost(node.target.address());
                    var good = new RawHost(node.target.address())) {
                // In a subsystem of its own: the others format theirs.
                goodAdmin.subnqn = Node.QUIET_NQN;
                good.subnqn = Node.QUIET_NQN;
                good.io(1, 32, goodAdmin.admin(3), 0, 3);
                var stop = new AtomicBoolean();
                var served = CompletableFuture.supplyAsync(() -> beGood(good, stop));
                try {
                    for (int i = 0; i < CASES && !served.isDone(); i++) {
                        oneCase(node);
                    }
                } finally {
                    stop.set(true);
                }
                assertThat(served.join()).isPositive();
                hosts.forEach(RawHost::close);
            }
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> node.target.connections() == 0 && node.fabrics.associations() == 0);

            assertThat(node.target.heldParts()).isZero();
            assertThat(node.reactors.reactors())
                    .extracting(reactor -> reactor.statistics())
                    .extracting(ReactorStatistics::pollerFailures)
                    .containsOnly(0L);
        }
    }

    /** Writes and reads back until it is told to stop. Returns how often. */
    private static int beGood(RawHost good, AtomicBoolean stop) {
        int number = 0;
        for (; !stop.get(); number++) {
            var data = new byte[512];
            Arrays.fill(data, (byte) number);
            long begun = System.nanoTime();
            good.sendInCapsule(RawHost.command(NvmOpcode.WRITE, 1, 1, 100_000, 0, 0), data);
            assertThat(good.read().status()).isZero();
            good.send(RawHost.command(NvmOpcode.READ, 2, 1, 100_000, 0, 0), 512);
            assertThat(good.read().data()).isEqualTo(data);
            assertThat(good.read().status()).isZero();
            assertThat(System.nanoTime() - begun).isLessThan(GOOD_BOUND_NANOS);
        }
        return number;
    }

    private void oneCase(Node node) {
        if (hosts.size() < MAX_HOSTS) {
            hosts.add(newHost(node));
        }
        int which = random.nextInt(hosts.size());
        var host = hosts.get(which);
        host.write(pdu(host));
        boolean alive = true;
        while (alive && host.hasMore()) {
            alive = answer(host, host.read());
        }
        if (!alive || random.nextInt(40) == 0) {
            host.close();
            hosts.remove(which);
        }
    }

    private RawHost newHost(Node node) {
        var host = new RawHost(node.target.address());
        int how = random.nextInt(10);
        int digests = random.nextInt(4);
        if (how < 2) {
            return host;
        }
        if (how < 4) {
            host.initialize(digests);
        } else if (how < 7 || controllerId == 0) {
            controllerId = host.admin(digests);
        } else {
            host.initialize(digests);
            host.connect(1 + random.nextInt(3), 2 + random.nextInt(64), controllerId, random.nextInt(8));
        }
        return host;
    }

    /** Returns whether the connection goes on. */
    private boolean answer(RawHost host, RawHost.Pdu pdu) {
        if (pdu == null || pdu.type() == TcpPdu.C2H_TERM_REQ) {
            return false;
        }
        assertThat(pdu.type()).isIn(TcpPdu.ICRESP, TcpPdu.CAPSULE_RESP, TcpPdu.C2H_DATA, TcpPdu.R2T);
        assertThat(pdu.digestsRight()).isTrue();
        if (pdu.type() == TcpPdu.R2T && random.nextInt(4) != 0) {
            int length = (int) TcpPdu.datal(pdu.bytes(), 0);
            int part = random.nextInt(3) == 0 ? 4 * (1 + random.nextInt(length / 4)) : length;
            int cid = TcpPdu.cccid(pdu.bytes(), 0);
            int ttag = TcpPdu.ttag(pdu.bytes(), 0);
            host.write(maybeWrong(host.h2cData(cid, ttag, 0, new byte[part], part == length), TcpPdu.DATA_BYTES, 10));
        }
        return true;
    }

    private byte[] pdu(RawHost host) {
        return switch (random.nextInt(12)) {
            case 0 -> garbage(1 + random.nextInt(300));
            case 1 -> initialize();
            case 2 ->
                maybeWrong(
                        host.h2cData(
                                random.nextInt(64),
                                random.nextInt(40),
                                4 * random.nextInt(64),
                                new byte[4 * (1 + random.nextInt(200))],
                                random.nextBoolean()),
                        TcpPdu.DATA_BYTES,
                        2);
            case 3, 4 -> connect(host);
            case 5 -> terminate();
            default -> command(host);
        };
    }

    private byte[] garbage(int count) {
        var bytes = new byte[count];
        random.nextBytes(bytes);
        return bytes;
    }

    private byte[] initialize() {
        var pdu = new byte[TcpPdu.IC_BYTES];
        TcpPdu.initialize(
                MemorySegment.ofArray(pdu), 0, TcpPdu.ICREQ, random.nextInt(34), random.nextInt(4), random.nextInt(3));
        return maybeWrong(pdu, 16, 3);
    }

    private byte[] terminate() {
        var pdu = new byte[TcpPdu.TERM_REQ_BYTES + random.nextInt(130)];
        TcpPdu.termination(
                MemorySegment.ofArray(pdu),
                0,
                TcpPdu.H2C_TERM_REQ,
                random.nextInt(8),
                random.nextInt(),
                pdu.length - 24);
        return maybeWrong(pdu, 16, 3);
    }

    private byte[] connect(RawHost host) {
        var bytes = new byte[ConnectData.SIZE_BYTES];
        var data = MemorySegment.ofArray(bytes);
        ConnectData.HOSTID.set(data, RawHost.HOST_ID);
        ConnectData.CNTLID.set(data, random.nextBoolean() ? 0xFFFF : random.nextInt(8));
        ConnectData.SUBNQN.set(data, random.nextInt(8) == 0 ? "nqn.2014-08.org.nvmexpress.discovery" : Node.NQN);
        ConnectData.HOSTNQN.set(data, RawHost.HOST);
        if (random.nextInt(3) == 0) {
            bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
        }
        var command = RawHost.command(
                AdminOpcode.FABRICS,
                random.nextInt(0x10000),
                FabricsCommand.CONNECT,
                FabricsCommand.connectDword10(random.nextInt(10) == 0 ? 1 : 0, random.nextInt(4)),
                FabricsCommand.connectDword11(random.nextInt(140), random.nextInt(8)),
                random.nextInt(2000));
        SubmissionEntry.sgl1(command, 0, RawHost.CAPSULE, 0, bytes.length);
        return maybeWrong(host.capsule(command, bytes), 120, 4);
    }

    private byte[] command(RawHost host) {
        int[] opcodes = {0, 1, 2, 4, 5, 6, 8, 9, 0x0A, 0x0C, 0x0D, 0x11, 0x18, 0x7F, 0x80, random.nextInt(256)};
        int opc = opcodes[random.nextInt(opcodes.length)];
        var command = RawHost.command(
                opc,
                random.nextInt(64),
                opc == AdminOpcode.FABRICS ? random.nextInt(10) : random.nextInt(4),
                random.nextInt(8) == 0 ? random.nextInt() : random.nextInt(1000),
                random.nextInt(8) == 0 ? random.nextInt() : 0,
                random.nextInt(300));
        if (random.nextInt(8) == 0) {
            SubmissionEntry.flags(command, 0, random.nextInt(256));
        }
        int bytes = 512 * random.nextInt(20);
        if (bytes > 0 && random.nextBoolean()) {
            SubmissionEntry.sgl1(command, 0, RawHost.CAPSULE, random.nextInt(20) == 0 ? 8 : 0, bytes);
            return maybeWrong(host.capsule(command, new byte[bytes]), 80, 10);
        }
        int identifier = random.nextInt(10) == 0 ? random.nextInt(256) : RawHost.TRANSPORT;
        int length = random.nextBoolean() ? 4096 : 512 * ((SubmissionEntry.cdw12(command, 0) & 0xFFFF) + 1);
        SubmissionEntry.sgl1(command, 0, identifier, 0, length);
        return maybeWrong(host.capsule(command, new byte[0]), 80, 10);
    }

    /** One in {@code oneIn} gets a byte changed, or is cut short. */
    private byte[] maybeWrong(byte[] pdu, int within, int oneIn) {
        if (random.nextInt(oneIn) != 0) {
            return pdu;
        }
        if (random.nextInt(4) == 0) {
            return Arrays.copyOf(pdu, 1 + random.nextInt(pdu.length));
        }
        pdu[random.nextInt(Math.min(within, pdu.length))] = (byte) random.nextInt();
        return pdu;
    }
}
