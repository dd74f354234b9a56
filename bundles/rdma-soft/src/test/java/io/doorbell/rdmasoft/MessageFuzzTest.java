package io.doorbell.rdmasoft;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.doorbell.verbs.ConnectParameters;
import io.doorbell.verbs.VerbsPeer;
import io.doorbell.verbs.VerbsQueuePair;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/**
 * Messages to the connection manager as chance has them, most of them nearly right. None makes a connection that stays, a connection that is there
 * goes on, and one can be made at the end. {@code -Ddoorbell.fuzz=N} says how many, {@code -Ddoorbell.seed=N} the same again.
 */
class MessageFuzzTest {
    private static final long CASES = Long.getLong("doorbell.fuzz", 40_000);
    private static final long BOUND_NANOS = 60_000_000_000L;
    private static final int ID = 0x7000_0000;
    private static final int NUMBER = 0x4321;
    private static final int HEADERS = Headers.BTH_BYTES + Headers.DETH_BYTES;

    private final Logger logger = (Logger) LoggerFactory.getLogger("io.doorbell");
    private final Level level = logger.getLevel();
    private final Random random = Seed.random("MessageFuzzTest");
    private final ManagementPort.Source peer = SoftDevice.source(Loopback.address());
    private final HandWire[] made = new HandWire[1];
    private final SoftDevice device =
            Loopback.device(real -> made[0] == null ? made[0] = new HandWire(real, peer) : real);
    private final HandWire wire = made[0];
    private final VerbsPeer node = new VerbsPeer(device, 1 << 16);
    private VerbsQueuePair stays;
    private int localId;

    /** The last answer of the device to who asks by this id. Guarded by the wire. */
    private CmMessage answer;

    private volatile int asked;

    @BeforeEach
    void open() {
        logger.setLevel(Level.ERROR);
        wire.device(device);
        wire.sink = this::sent;
        stays = node.pair();
        localId = connect(ID, NUMBER, stays);
    }

    @AfterEach
    void close() throws Exception {
        logger.setLevel(level);
        node.close();
        device.close();
    }

    private void sent(MemorySegment memory, long at, int bytes) {
        var mad = memory.asSlice(at + HEADERS, CmMessage.BYTES).toArray(ValueLayout.JAVA_BYTE);
        var message = CmMessage.parse(mad);
        assertThat(message).isNotNull();
        if (message.remoteId() == asked) {
            answer = message;
        }
    }

    private void until(BooleanSupplier condition) {
        long deadline = System.nanoTime() + BOUND_NANOS;
        while (!condition.getAsBoolean()) {
            if (node.cycle() == 0) {
                LockSupport.parkNanos(20_000);
            }
            assertThat(System.nanoTime()).as("%s", device.counters()).isLessThan(deadline);
        }
    }

    /** A whole one, to a listener of its own. Returns the device's id of the connection. */
    private int connect(int id, int number, VerbsQueuePair pair) {
        try (var listening = device.listen(
                0, request -> request.accept(pair, ConnectParameters.DEFAULT, new byte[0], node.listener))) {
            int before = node.established;
            asked = id;
            synchronized (wire) {
                answer = null;
            }
            send(CmMessage.request(
                    42,
                    id,
                    new CmMessage.Terms(RawPeer.GUID, number, 0x111, 4, 4, 7, 7, 3),
                    5555,
                    listening.address().getPort(),
                    SoftDevice.gid(SoftDevice.address(peer.addressHigh(), peer.addressLow())),
                    device.gid(),
                    new byte[] {1, 2, 3}));
            until(() -> reply() != null);
            int theirs = reply().localId();
            send(CmMessage.readyToUse(42, id, theirs));
            until(() -> node.established > before);
            return theirs;
        }
    }

    private CmMessage reply() {
        synchronized (wire) {
            return answer != null && answer.attribute() == CmMessage.REP ? answer : null;
        }
    }

    private void send(CmMessage message) {
        synchronized (wire) {
            wire.end(build(message), 0);
        }
        wire.signal();
    }

    /** Returns how long the packet is. */
    private int build(CmMessage message) {
        var packet = wire.packet();
        Headers.bth(
                packet, 0, Opcode.UD_SEND_ONLY, false, 0, ManagementPort.NUMBER, false, random.nextInt() & Psn.MASK);
        Headers.word(packet, Headers.BTH_BYTES, 0x8001_0000);
        Headers.word(packet, Headers.BTH_BYTES + 4, ManagementPort.NUMBER);
        MemorySegment.copy(message.mad, 0, packet, ValueLayout.JAVA_BYTE, HEADERS, CmMessage.BYTES);
        return HEADERS + CmMessage.BYTES;
    }

    private void build(CmMessage message, ManagementPort.Source from) {
        int bytes = build(message);
        if (random.nextInt(64) == 0) {
            wire.packet().set(ValueLayout.JAVA_BYTE, random.nextInt(HEADERS), (byte) random.nextInt());
        }
        if (random.nextInt(64) == 0) {
            bytes = random.nextInt(bytes);
        }
        wire.end(bytes, random.nextInt(64) == 0 ? random.nextInt() : 0, from);
    }

    @Test
    @Timeout(1800)
    void messagesOfAnySortMakeNoConnectionThatStaysAndEndNone() {
        try (var listening = device.listen(0, request -> {
            if (request.privateData()[0] % 2 == 0) {
                request.reject(new byte[] {1});
            }
        })) {
            int port = listening.address().getPort();
            for (long i = 0; i < CASES; i += HandWire.SLOTS) {
                synchronized (wire) {
                    for (int slot = 0; slot < HandWire.SLOTS; slot++) {
                        message(port);
                    }
                }
                wire.signal();
                until(() -> wire.waiting() == 0);
                assertThat(device.connections().count()).isLessThanOrEqualTo(ConnectionManager.MAX_CONNECTIONS);
            }
        }
        System.out.println(CASES + " messages, " + device.counters());

        assertThat(node.ends).isEmpty();
        assertThat(stays.isConnected()).isTrue();
        until(() -> device.connections().count() == 1);
        send(CmMessage.disconnect(42, ID, localId, stays.number()));
        until(() -> node.ends.size() == 1);
        until(() -> device.connections().count() == 0);
        var next = node.pair();
        connect(ID + 1, NUMBER, next);
    }

    private void message(int port) {
        switch (random.nextInt(8)) {
            case 0 -> about(random.nextInt());
            case 1 -> about(localId);
            default -> {
                var message = request(port);
                for (int changes = random.nextInt(4); changes > 0; changes--) {
                    message.mad[random.nextInt(CmMessage.BYTES)] = (byte) random.nextInt();
                }
                build(message, peer);
            }
        }
    }

    private CmMessage request(int port) {
        return CmMessage.request(
                42,
                1 + random.nextInt(1000),
                new CmMessage.Terms(random.nextInt(100), 2 + random.nextInt(100), 0x111, 4, 4, 7, 7, 3),
                5555,
                port,
                SoftDevice.gid(SoftDevice.address(peer.addressHigh(), peer.addressLow())),
                device.gid(),
                new byte[] {(byte) random.nextInt(), 2, 3});
    }

    /** About a connection that there is not; or about the one that there is, but with something wrong. */
    private void about(int theirs) {
        boolean stranger = random.nextBoolean();
        int ours = stranger ? ID : random.nextInt(ID);
        var from = stranger ? new ManagementPort.Source(0, peer.addressLow() ^ 1L << random.nextInt(24)) : peer;
        var message = switch (random.nextInt(6)) {
            case 0 -> CmMessage.readyToUse(1, ours, theirs);
            case 1 -> CmMessage.disconnect(1, ours, theirs, stays.number());
            case 2 -> {
                // By the right one, of another queue pair.
                from = peer;
                yield CmMessage.disconnect(1, ID, theirs, stays.number() ^ 1 << random.nextInt(24));
            }
            case 3 -> CmMessage.wait(1, ours, theirs, random.nextInt(4), random.nextInt(32));
            case 4 -> CmMessage.disconnected(CmMessage.disconnect(1, theirs, ours, 1));
            default ->
                CmMessage.reject(
                        1,
                        ours,
                        theirs,
                        random.nextInt(4),
                        random.nextBoolean() ? CmMessage.TIMEOUT : random.nextInt(64),
                        new byte[8],
                        new byte[0]);
        };
        build(message, from);
    }
}
