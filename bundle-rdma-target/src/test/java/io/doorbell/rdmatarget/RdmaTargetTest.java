package io.doorbell.rdmatarget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import io.doorbell.fabrics.FabricTarget;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.reactor.HandReactors;
import io.doorbell.reactor.Reactor;
import io.doorbell.reactor.Reactors;
import io.doorbell.verbs.Access;
import io.doorbell.verbs.ConnectException;
import io.doorbell.verbs.SendRequests;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RdmaTargetTest {
    /** Of what takes some milliseconds, on a machine that has much else to do. */
    private static final Duration BOUND = Duration.ofSeconds(60);

    private static final byte[] NOTHING = {};
    private static final int BLOCK = 512;

    private Node node = new Node(Node.settings(8, 4));

    @AfterEach
    void close() {
        node.close();
    }

    private static byte[] random(int bytes, long seed) {
        var content = new byte[bytes];
        new Random(seed).nextBytes(content);
        return content;
    }

    @Test
    void aHostConnectsIdentifiesWritesAndReads() {
        try (var admin = node.host(0);
                var io = node.host(1)) {
            assertThat(ByteBuffer.wrap(admin.connection.privateData())
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .getShort(2))
                    .isEqualTo((short) 32);
            int controller = admin.admin(Node.NQN);
            admin.enable();
            admin.succeed(admin.keyed(admin.command(AdminOpcode.IDENTIFY, 0, 1, 0, 0), RawHost.DATA, 4096), NOTHING);
            var identify = ByteBuffer.wrap(admin.peer.bytes(RawHost.DATA, 4096)).order(ByteOrder.LITTLE_ENDIAN);
            assertThat(identify.getShort(78)).isEqualTo((short) controller);
            // SGLs with keys, offsets in capsules; 64 bytes and 4096 of data in units of 16; the offset of data is 0.
            assertThat(identify.getInt(536) & 0x10_0004).isEqualTo(0x10_0004);
            assertThat(identify.getInt(1792)).isEqualTo((64 + 4096) / 16);
            assertThat(identify.getShort(1800)).isZero();

            io.io(1, controller, Node.NQN);
            var small = random(4096, 1);
            io.succeed(
                    io.inCapsule(RawHost.blocks(io.command(NvmOpcode.WRITE, 1, 0, 0, 0), 0, 8), small.length), small);
            var big = random(131_072, 2);
            io.peer.bytes(RawHost.DATA, big);
            io.succeed(
                    io.keyed(
                            RawHost.blocks(io.command(NvmOpcode.WRITE, 1, 0, 0, 0), 8, big.length / BLOCK),
                            RawHost.DATA,
                            big.length),
                    NOTHING);
            int back = RawHost.DATA + (4 << 20);
            io.succeed(
                    io.keyed(RawHost.blocks(io.command(NvmOpcode.READ, 1, 0, 0, 0), 0, 8), back, small.length),
                    NOTHING);
            assertThat(io.peer.bytes(back, small.length)).isEqualTo(small);
            io.succeed(
                    io.keyed(
                            RawHost.blocks(io.command(NvmOpcode.READ, 1, 0, 0, 0), 8, big.length / BLOCK),
                            back,
                            big.length),
                    NOTHING);
            assertThat(io.peer.bytes(back, big.length)).isEqualTo(big);
        }
        await().atMost(BOUND).until(() -> node.target.connections() == 0);
        assertThat(node.target.heldChunks()).isZero();
        await().atMost(BOUND).until(() -> node.fabrics.associations() == 0);
    }

    @Test
    void manyCommandsWithMoreDataThanThereIsMemoryForAllEnd() {
        try (var admin = node.host(0);
                var first = node.host(1);
                var second = node.host(2)) {
            int controller = admin.admin(Node.NQN);
            admin.enable();
            first.io(1, controller, Node.NQN);
            second.io(2, controller, Node.NQN);
            var hosts = new RawHost[] {first, second};
            for (int round = 0; round < 4; round++) {
                int opcode = round % 2 == 0 ? NvmOpcode.WRITE : NvmOpcode.READ;
                for (var host : hosts) {
                    for (int i = 0; i < 30; i++) {
                        int at = RawHost.DATA + i * 131_072;
                        var content = random(131_072, i + (host == first ? 0 : 100));
                        if (opcode == NvmOpcode.WRITE) {
                            host.peer.bytes(at, content);
                        } else {
                            host.peer.bytes(at, new byte[131_072]);
                        }
                        long slba = (host == first ? 0 : 30 * 256) + i * 256L;
                        host.send(
                                host.keyed(RawHost.blocks(host.command(opcode, 1, 0, 0, 0), slba, 256), at, 131_072),
                                NOTHING);
                    }
                }
                for (int i = 0; i < 30; i++) {
                    for (var host : hosts) {
                        assertThat(host.answer().status()).isZero();
                    }
                }
                for (int i = 0; i < 30 && opcode == NvmOpcode.READ; i++) {
                    for (var host : hosts) {
                        assertThat(host.peer.bytes(RawHost.DATA + i * 131_072, 131_072))
                                .isEqualTo(random(131_072, i + (host == first ? 0 : 100)));
                    }
                }
                // Nobody is kept from administration by that.
                admin.succeed(admin.command(RawHost.FABRICS, 4, 0, 0x1C, 0), NOTHING);
            }
        }
    }

    @Test
    void aKeyIsOfNoUseAfterTheAnswerWhenTheHostAsksForThat() {
        try (var admin = node.host(0);
                var window = admin.peer.domain.allocateWindow()) {
            admin.admin(Node.NQN);
            admin.enable();
            int key = window.remoteKey() & ~0xFF | window.remoteKey() + 1 & 0xFF;
            admin.peer.sends.bind(
                    9, 0, window, key, admin.peer.region, admin.peer.at(RawHost.DATA), 4096, Access.REMOTE_WRITE);
            admin.peer.post(admin.pair);

            admin.succeed(
                    admin.keyed(
                            admin.command(AdminOpcode.IDENTIFY, 0, 1, 0, 0),
                            RawHost.KEYED_INVALIDATE,
                            admin.peer.at(RawHost.DATA),
                            4096,
                            key),
                    NOTHING);

            assertThat(admin.peer.bytes(RawHost.DATA + 24, 5)).isEqualTo("Model".getBytes());
            // It is not bound any more, or this could not be done.
            int next = key & ~0xFF | key + 1 & 0xFF;
            admin.peer.sends.bind(
                    10,
                    SendRequests.SIGNALED,
                    window,
                    next,
                    admin.peer.region,
                    admin.peer.at(RawHost.DATA),
                    4096,
                    Access.REMOTE_WRITE);
            admin.peer.post(admin.pair);
            admin.until(() -> window.remoteKey() == next);
        }
    }

    @Test
    void whatIsWrongInTheRequestToConnectIsToldByItsCode() {
        requireRejected(RawHost.privateData(1, 0, 32, 31), 8, ConnectData.INVALID_RECFMT);
        requireRejected(RawHost.privateData(0, 5, 32, 31), 8, ConnectData.INVALID_QID);
        requireRejected(RawHost.privateData(0, 0, 32, 0), 8, ConnectData.INVALID_HSQSIZE);
        requireRejected(RawHost.privateData(0, 0, 256, 128), 8, ConnectData.INVALID_HSQSIZE);
        requireRejected(RawHost.privateData(0, 0, 0, 31), 8, ConnectData.INVALID_HRQSIZE);
        requireRejected(RawHost.privateData(0, 0, 30, 31), 8, ConnectData.INVALID_HRQSIZE);
        requireRejected(RawHost.privateData(0, 0, 32, 31), 0, ConnectData.INVALID_IRD);
        var nobodys = RawHost.privateData(0, 1, 32, 31);
        nobodys[8] = 77;
        requireRejected(nobodys, 8, ConnectData.INVALID_CNTLID);
        assertThat(node.target.connections()).isZero();
    }

    private void requireRejected(byte[] privateData, int reads, int status) {
        try (var host = new RawHost(node.hosts)) {
            var rejected = catchThrowableOfType(
                    ConnectException.class, () -> host.connect(node.target.address(), privateData, reads));
            assertThat(rejected.reason()).isEqualTo(ConnectException.REJECTED);
            assertThat(rejected.privateData()).startsWith(0, 0, status, 0);
        }
    }

    @Test
    void whoComesWhenAllConnectionsAreInUseIsToldSoAndLetInLater() {
        node.close();
        node = new Node(Node.settings(1, 4));
        try (var only = node.host(0)) {
            only.admin(Node.NQN);
            requireRejected(RawHost.privateData(0, 0, 32, 31), 8, ConnectData.NO_RESOURCES);
        }
        await().atMost(BOUND).until(() -> node.target.connections() == 0);
        try (var next = node.host(0)) {
            next.admin(Node.NQN);
        }
    }

    /** Its thread gets no processor for longer than anybody waits for it, just when a connection ends. */
    @Test
    void aReactorThatIsStarvedForAWhileKeepsNoPlace() throws Exception {
        try (var node = new Node(Node.settings(1, 4))) {
            var reactor = node.reactors.reactors().stream()
                    .filter(one -> one.name().equals("test-0"))
                    .findFirst()
                    .orElseThrow();
            var starved = new CountDownLatch(1);
            var fed = new CountDownLatch(1);
            try (var host = node.host(0)) {
                host.admin(Node.NQN);
                reactor.execute(new Runnable() {
                    @Override
                    public void run() {
                        if (node.fabrics.associations() > 0) {
                            reactor.execute(this);
                            return;
                        }
                        starved.countDown();
                        try {
                            fed.await(BOUND.toSeconds(), TimeUnit.SECONDS);
                        } catch (InterruptedException interrupted) {
                            Thread.currentThread().interrupt();
                        }
                    }
                });
            }
            assertThat(starved.await(BOUND.toSeconds(), TimeUnit.SECONDS)).isTrue();
            // What waits for it has a bound of 5 s.
            Thread.sleep(6000);
            fed.countDown();

            await().atMost(Duration.ofSeconds(60)).until(() -> node.target.connections() == 0);
            node.host(0).close();
        }
    }

    @Test
    void anSglThatCannotBeIsRefusedAndTheConnectionGoesOn() {
        try (var admin = node.host(0);
                var io = node.host(1)) {
            int controller = admin.admin(Node.NQN);
            admin.enable();
            io.io(1, controller, Node.NQN);
            int dnr = Status.DNR;

            var offset = io.inCapsule(RawHost.blocks(io.command(NvmOpcode.WRITE, 1, 0, 0, 0), 0, 1), BLOCK);
            requireStatus(io, offset.putLong(24, 16), new byte[BLOCK], Status.SGL_OFFSET_INVALID | dnr);
            var tooLong = io.inCapsule(RawHost.blocks(io.command(NvmOpcode.WRITE, 1, 0, 0, 0), 0, 2), 2 * BLOCK);
            requireStatus(io, tooLong, new byte[BLOCK], Status.DATA_SGL_LENGTH_INVALID | dnr);
            var tooShort = io.keyed(RawHost.blocks(io.command(NvmOpcode.WRITE, 1, 0, 0, 0), 0, 2), RawHost.DATA, BLOCK);
            requireStatus(io, tooShort, NOTHING, Status.DATA_SGL_LENGTH_INVALID | dnr);
            var list = io.keyed(RawHost.blocks(io.command(NvmOpcode.WRITE, 1, 0, 0, 0), 0, 1), RawHost.DATA, BLOCK);
            requireStatus(io, list.put(39, (byte) 0x31), new byte[32], Status.SGL_OFFSET_INVALID | dnr);
            for (int wrong : new int[] {0x41, 0x4A, 0x00, 0x5A, 0x11, 0xF0}) {
                var odd = io.keyed(RawHost.blocks(io.command(NvmOpcode.READ, 1, 0, 0, 0), 0, 1), RawHost.DATA, BLOCK);
                requireStatus(io, odd.put(39, (byte) wrong), NOTHING, Status.SGL_DESCRIPTOR_TYPE_INVALID | dnr);
            }
            var read = io.inCapsule(RawHost.blocks(io.command(NvmOpcode.READ, 1, 0, 0, 0), 0, 1), BLOCK);
            requireStatus(io, read, NOTHING, Status.SGL_DESCRIPTOR_TYPE_INVALID | dnr);
            var prp = io.keyed(RawHost.blocks(io.command(NvmOpcode.READ, 1, 0, 0, 0), 0, 1), RawHost.DATA, BLOCK);
            requireStatus(io, prp.put(1, (byte) 0), NOTHING, Status.INVALID_FIELD | dnr);

            io.succeed(
                    io.keyed(RawHost.blocks(io.command(NvmOpcode.READ, 1, 0, 0, 0), 0, 1), RawHost.DATA, BLOCK),
                    NOTHING);
        }
    }

    @Test
    void aListThatCannotBeIsRefusedAndTheConnectionGoesOn() {
        try (var admin = node.host(0);
                var io = node.host(1)) {
            io.io(1, enabled(admin), Node.NQN);
            int dnr = Status.DNR;
            var two = new byte[32];

            requireStatus(io, writeList(io, 17), new byte[17 * 16], Status.INVALID_NUMBER_OF_SGL_DESCRIPTORS | dnr);
            requireStatus(io, writeList(io, 3), two, Status.INVALID_SGL_SEGMENT_DESCRIPTOR | dnr);
            requireStatus(io, writeList(io, 0), NOTHING, Status.INVALID_SGL_SEGMENT_DESCRIPTOR | dnr);
            requireStatus(
                    io, writeList(io, 2).putInt(32, 33), new byte[64], Status.INVALID_SGL_SEGMENT_DESCRIPTOR | dnr);
            requireStatus(io, writeList(io, 2).putLong(24, 16), new byte[64], Status.SGL_OFFSET_INVALID | dnr);
            requireStatus(io, writeList(io, 2).put(39, (byte) 0x30), two, Status.SGL_DESCRIPTOR_TYPE_INVALID | dnr);
            requireStatus(io, writeList(io, 2).put(39, (byte) 0x21), two, Status.SGL_DESCRIPTOR_TYPE_INVALID | dnr);
            requireStatus(io, writeList(io, 2), two, Status.SGL_DESCRIPTOR_TYPE_INVALID | dnr);
            var tooShort = ByteBuffer.allocate(32).order(ByteOrder.LITTLE_ENDIAN);
            io.descriptor(tooShort, RawHost.DATA, 100);
            io.descriptor(tooShort, RawHost.DATA, 411);
            requireStatus(io, writeList(io, 2), tooShort.array(), Status.DATA_SGL_LENGTH_INVALID | dnr);

            io.succeed(
                    io.keyed(RawHost.blocks(io.command(NvmOpcode.READ, 1, 0, 0, 0), 0, 1), RawHost.DATA, BLOCK),
                    NOTHING);
        }
    }

    /** Of one block. */
    private static ByteBuffer writeList(RawHost io, int descriptors) {
        return io.list(RawHost.blocks(io.command(NvmOpcode.WRITE, 1, 0, 0, 0), 0, 1), descriptors);
    }

    private static int enabled(RawHost admin) {
        int controller = admin.admin(Node.NQN);
        admin.enable();
        return controller;
    }

    @Test
    void dataInPiecesOfTheHostAreWrittenAndRead() {
        long seed = Long.getLong("doorbell.seed", System.nanoTime());
        System.out.println("lists: -Ddoorbell.seed=" + seed);
        var random = new Random(seed);
        try (var admin = node.host(0);
                var io = node.host(1)) {
            io.io(1, enabled(admin), Node.NQN);
            for (int round = 0; round < 15; round++) {
                int blocks = 1 + random.nextInt(random.nextBoolean() ? 8 : 256);
                var content = random(blocks * BLOCK, seed + round);
                var out = pieces(io, random, RawHost.DATA, content);
                io.succeed(
                        io.list(
                                RawHost.blocks(io.command(NvmOpcode.WRITE, 1, 0, 0, 0), 7, blocks),
                                out.capacity() / 16),
                        out.array());
                int back = RawHost.DATA + (4 << 20);
                var in = pieces(io, random, back, new byte[content.length]);
                io.succeed(
                        io.list(RawHost.blocks(io.command(NvmOpcode.READ, 1, 0, 0, 0), 7, blocks), in.capacity() / 16),
                        in.array());
                assertThat(joined(io, in, content.length)).isEqualTo(content);
            }
            // Until the last answer is acknowledged, its data are held.
            io.until(() -> node.target.heldChunks() == 0);
        }
    }

    /** A list of pieces here and there, with this content, and now and then longer than that, or with empty ones. */
    private static ByteBuffer pieces(RawHost io, Random random, int from, byte[] content) {
        int count = 1 + random.nextInt(16);
        var list = ByteBuffer.allocate(count * 16).order(ByteOrder.LITTLE_ENDIAN);
        int at = from;
        int done = 0;
        for (int i = 0; i < count; i++) {
            int left = content.length - done;
            int bytes = i == count - 1 ? left : random.nextInt(left + 1);
            at += random.nextInt(1000);
            io.peer.bytes(at, Arrays.copyOfRange(content, done, done + bytes));
            io.descriptor(list, at, i == count - 1 && bytes > 0 ? bytes + random.nextInt(100) : bytes);
            at += bytes + 100;
            done += bytes;
        }
        return list;
    }

    private static byte[] joined(RawHost io, ByteBuffer list, int bytes) {
        var content = ByteBuffer.allocate(bytes);
        for (int i = 0; i < list.capacity(); i += 16) {
            int length = Math.min(list.getInt(i + 8) & 0xFF_FFFF, content.remaining());
            content.put(io.peer.bytes(list.getLong(i) - io.peer.at(0), length));
        }
        return content.array();
    }

    private static void requireStatus(RawHost host, ByteBuffer command, byte[] data, int status) {
        assertThat(Integer.toHexString(host.ask(command, data).status())).isEqualTo(Integer.toHexString(status));
    }

    @Test
    void whoBreaksTheProtocolLosesItsConnectionAndNobodyElseDoes() {
        try (var admin = node.host(0)) {
            admin.admin(Node.NQN);
            admin.enable();
            try (var stranger = node.host(0)) {
                stranger.send(ByteBuffer.allocate(60).order(ByteOrder.LITTLE_ENDIAN), NOTHING);
                stranger.until(() -> stranger.peer.ends.size() == 1);
            }
            try (var liar = node.host(0)) {
                // A key that opens nothing: the read of its Connect fails at the host.
                liar.send(
                        liar.keyed(
                                liar.command(RawHost.FABRICS, 1, 0, 31, 0),
                                RawHost.KEYED,
                                liar.peer.at(0),
                                1024,
                                0x1234),
                        NOTHING);
                liar.until(() -> liar.peer.ends.size() == 1);
            }
            try (var liar = node.host(0)) {
                liar.admin(Node.NQN);
                liar.enable();
                // A key that opens nothing: the write of the answer's data fails at the host.
                liar.send(
                        liar.keyed(
                                liar.command(AdminOpcode.IDENTIFY, 0, 1, 0, 0),
                                RawHost.KEYED,
                                liar.peer.at(0),
                                4096,
                                0x1234),
                        NOTHING);
                liar.until(() -> liar.peer.ends.size() == 1);
            }
            await().atMost(BOUND).until(() -> node.target.connections() == 1);
            assertThat(node.target.heldChunks()).isZero();
            admin.succeed(admin.command(RawHost.FABRICS, 4, 0, 0x1C, 0), NOTHING);
        }
    }

    @Test
    void hostsLoseTheirConnectionsWhenTheTargetGoes() {
        try (var admin = node.host(0)) {
            admin.admin(Node.NQN);

            node.target.close();
            node.target.close();

            admin.until(() -> admin.peer.ends.size() == 1);
            assertThat(node.target.connections()).isZero();
        }
    }

    /** Who waited for its adoption has given it up, and frees its memory. */
    @Test
    void aConnectionThatIsAdoptedTooLateEndsToo() {
        var slow = HandReactors.running();
        try (var other = new Node(Node.settings(8, 4), slow, new FabricTarget());
                var host = new RawHost(other.hosts)) {
            slow.opened().getFirst().slow(1);

            assertThatThrownBy(() -> host.connect(other.target.address(), 0)).isInstanceOf(ConnectException.class);

            await().atMost(BOUND).until(() -> other.target.connections() == 0);
            assertThat(other.target.adopted()).isZero();
        }
    }

    /** Connections would be let go over memory that is still theirs. */
    @Test
    void aReactorThatDoesNotComeRoundIsAskedAgainWhenTheTargetGoes() {
        var late = HandReactors.running();
        try (var other = new Node(Node.settings(8, 4), late, new FabricTarget());
                var host = other.host(0)) {
            host.admin(Node.NQN);
            assertThat(late.opened()).hasSize(1);

            late.opened().getFirst().late(2);
            other.target.close();

            assertThat(other.target.connections()).isZero();
            assertThat(late.opened().getFirst().statistics().pollers()).isZero();
        }
    }

    /** The device listens first, and the rest of a target comes after it. */
    @Test
    void whoComesBeforeTheTargetHasBegunWaitsForIt() {
        var early = new CompletableFuture<Integer>();
        var settings = new RdmaTargetSettings("early", 4421, Set.of(), 1, 8, 128, 4, 4096, 1 << 17, 4);
        var reactors = new Reactors() {
            @Override
            public Reactor open(String name, Role role, int cpu) {
                var address = new InetSocketAddress(node.target.address().getAddress(), settings.port());
                Thread.ofPlatform().start(() -> {
                    try (var host = new RawHost(node.hosts)) {
                        early.complete(host.connect(address, 0).admin(Node.NQN));
                    } catch (RuntimeException refused) {
                        early.completeExceptionally(refused);
                    }
                });
                // As long as a rejection takes that came at once.
                assertThatThrownBy(() -> early.get(200, TimeUnit.MILLISECONDS)).isInstanceOf(TimeoutException.class);
                return node.reactors.open(name, role, cpu);
            }

            @Override
            public List<Reactor> reactors() {
                return node.reactors.reactors();
            }
        };

        var target = RdmaTarget.open(settings, node.device, node.fabrics, reactors);

        try {
            assertThat(early.join()).as("the controller").isPositive();
        } finally {
            target.close();
        }
    }
}
