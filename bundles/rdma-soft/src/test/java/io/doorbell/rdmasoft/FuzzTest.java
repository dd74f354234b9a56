package io.doorbell.rdmasoft;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.platform.NativeMemory;
import io.doorbell.verbs.Access;
import io.doorbell.verbs.ConnectParameters;
import io.doorbell.verbs.MemoryRegion;
import io.doorbell.verbs.SendRequests;
import io.doorbell.verbs.VerbsPeer;
import io.doorbell.verbs.VerbsQueuePair;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Packets and messages as chance has them, most of them nearly right. No byte outside registered memory changes, nothing is kept, and another
 * connection of the same lane goes on. {@code -Ddoorbell.fuzz=N} says how many.
 */
class FuzzTest {
    private static final int CASES = Integer.getInteger("doorbell.fuzz", 6_000);
    private static final int BURST = 48;
    private static final int MEMORY_BYTES = 1 << 20;

    /** The part of memory that is registered for peers, between parts that are not. */
    private static final int OPEN_AT = MEMORY_BYTES / 4;

    private static final int OPEN_BYTES = MEMORY_BYTES / 8;
    private static final byte UNTOUCHED = 0x5A;

    private final Random random = Seed.random("FuzzTest");
    private final SoftDevice device = Loopback.device();
    private final SoftDevice bystanderDevice = Loopback.device();
    private final VerbsPeer node = new VerbsPeer(device, MEMORY_BYTES);
    private final VerbsPeer bystander = new VerbsPeer(bystanderDevice, MEMORY_BYTES);
    private final RawPeer attacker = new RawPeer(device);
    private final NativeMemory guarded = NativeMemory.allocate(MEMORY_BYTES);
    private MemoryRegion open;
    private VerbsQueuePair bystanderPair;
    private VerbsQueuePair nodePair;
    private long exchanged;

    @BeforeEach
    void connectBystander() {
        guarded.segment().fill(UNTOUCHED);
        open = node.domain.register(
                guarded.segment().asSlice(OPEN_AT, OPEN_BYTES),
                Access.LOCAL_WRITE | Access.REMOTE_WRITE | Access.REMOTE_READ);
        nodePair = node.pair();
        bystanderPair = bystander.pair();
        var connected = new CompletableFuture<Void>();
        try (var listening = device.listen(
                0, request -> request.accept(nodePair, ConnectParameters.DEFAULT, new byte[0], node.listener))) {
            Thread.ofVirtual().start(() -> {
                try {
                    bystanderDevice.connect(
                            bystanderPair,
                            listening.address(),
                            ConnectParameters.DEFAULT,
                            new byte[0],
                            bystander.listener,
                            Duration.ofSeconds(10));
                    connected.complete(null);
                } catch (RuntimeException failed) {
                    connected.completeExceptionally(failed);
                }
            });
            until(connected::isDone);
            connected.join();
        }
    }

    @AfterEach
    void close() throws Exception {
        open.close();
        bystander.close();
        node.close();
        guarded.close();
        attacker.close();
        device.close();
        bystanderDevice.close();
    }

    private void until(BooleanSupplier condition) {
        long deadline = System.nanoTime() + 20_000_000_000L;
        while (!condition.getAsBoolean()) {
            if (node.cycle() + bystander.cycle() == 0) {
                LockSupport.parkNanos(20_000);
            }
            assertThat(System.nanoTime()).as("%s", device.counters()).isLessThan(deadline);
        }
    }

    /** The bystander sends a message, and it arrives. */
    private void exchange() {
        var content = new byte[5000];
        random.nextBytes(content);
        bystander.bytes(0, content);
        node.forget();
        node.receive(nodePair, exchanged++, 8192, 8192);
        bystander.sends.send(1, SendRequests.SIGNALED);
        bystander.piece(0, content.length);
        bystander.post(bystanderPair);
        until(() -> bystander.pending() > 0);
        assertThat(bystander.take().status()).isZero();
        assertThat(node.bytes(8192, content.length)).isEqualTo(content);
    }

    private void requireUntouched() {
        var segment = guarded.segment();
        var before = segment.asSlice(0, OPEN_AT);
        var behind = segment.asSlice(OPEN_AT + OPEN_BYTES);
        assertThat(untouched(before) && untouched(behind)).isTrue();
    }

    private static boolean untouched(MemorySegment part) {
        for (long at = 0; at < part.byteSize(); at += Long.BYTES) {
            if (part.get(ValueLayout.JAVA_LONG, at) != 0x5A5A5A5A5A5A5A5AL) {
                return false;
            }
        }
        return true;
    }

    // Packets.

    @Test
    void packetsOfAnySortTouchNothingThatIsNotTheirs() {
        int connections = 0;
        for (int sent = 0; sent < CASES; sent += BURST) {
            int number = 0x1000 + connections++ % 0xFFFF;
            var pair = node.pair();
            var terms = connect(pair, number);
            node.receive(pair, 1000, 0, 3000);
            node.receive(pair, 1001, 0, 3000);
            if (random.nextBoolean() && pair.isConnected()) {
                // So that there is something to answer.
                node.sends.read(5, 0, 0x1234, 77);
                node.piece(0, 40_000);
                node.sends.send(6, 0);
                node.piece(0, 100);
                pair.post(node.sends);
                node.sends.clear();
                node.cycle();
            }
            int psn = terms.psn();
            for (int i = 0; i < BURST; i++) {
                psn = packet(terms.number(), psn);
            }
            attacker.flush();
            for (int i = 0; i < 4; i++) {
                node.cycle();
            }
            attacker.drain();
            pair.close();
            if (connections % 20 == 0) {
                exchange();
                requireUntouched();
            }
        }
        exchange();
        requireUntouched();
        System.out.println(connections + " connections, " + device.counters());
        until(() -> device.connections().count() <= 1 + 1);
    }

    private CmMessage.Terms connect(VerbsQueuePair pair, int number) {
        try (var listening = device.listen(
                0,
                request ->
                        request.accept(pair, ConnectParameters.DEFAULT.withReads(4, 4), new byte[0], node.listener))) {
            attacker.send(attacker.request(
                    number,
                    new CmMessage.Terms(RawPeer.GUID, number, 0x222, 4, 4, 7, 7, 3),
                    listening.address().getPort()));
            var reply = attacker.receive(CmMessage.REP, () -> {
                node.cycle();
                bystander.cycle();
            });
            attacker.send(CmMessage.readyToUse(42, number, reply.localId()));
            return reply.replyTerms();
        }
    }

    /** Builds a packet; returns the number of the next one that would be in order. */
    private int packet(int number, int psn) {
        var packet = attacker.packet();
        boolean likely = random.nextInt(8) != 0;
        int opcode = likely ? random.nextInt(0x18) : random.nextInt(256);
        int at = switch (random.nextInt(6)) {
            case 0 -> Psn.add(psn, random.nextInt(9) - 4);
            case 1 -> random.nextInt(1 << 24);
            case 2 -> Psn.add(0x222, random.nextInt(64));
            default -> psn;
        };
        Headers.bth(
                packet,
                0,
                opcode,
                random.nextBoolean(),
                random.nextInt(8) == 0 ? random.nextInt(4) : 0,
                random.nextInt(16) == 0 ? random.nextInt(1 << 24) : number,
                random.nextBoolean(),
                at);
        int bytes = Headers.BTH_BYTES;
        int headers = Opcode.isKnown(opcode) ? Opcode.headerBytes(opcode) : random.nextInt(40);
        for (; bytes < headers; bytes += Integer.BYTES) {
            Headers.word(packet, bytes, random.nextInt());
        }
        if (headers >= Headers.BTH_BYTES + Headers.RETH_BYTES) {
            memoryPart(packet);
        }
        if (headers == Headers.BTH_BYTES + Headers.AETH_BYTES && random.nextBoolean()) {
            Headers.aeth(packet, Headers.BTH_BYTES, 0x1F | random.nextInt(4) << 5, random.nextInt());
        }
        int data = switch (random.nextInt(5)) {
            case 0 -> 1024;
            case 1 -> random.nextInt(4200) & ~3;
            case 2 -> 0;
            default -> random.nextInt(16) * 4;
        };
        bytes += data;
        if (random.nextInt(64) == 0) {
            bytes = random.nextInt(bytes);
        }
        if (random.nextInt(32) == 0) {
            packet.set(ValueLayout.JAVA_BYTE, random.nextInt(Headers.BTH_BYTES), (byte) random.nextInt());
        }
        attacker.end(bytes, random.nextInt(64) == 0 ? 1 << random.nextInt(32) : 0);
        return at == psn ? Psn.add(psn, 1) : psn;
    }

    /** Of memory that is there, beside it, or nowhere. */
    private void memoryPart(MemorySegment packet) {
        long address = open.address() + random.nextInt(OPEN_BYTES) - (random.nextInt(4) == 0 ? OPEN_BYTES / 2 : 0);
        int key = random.nextInt(4) == 0 ? random.nextInt() : open.remoteKey();
        int bytes = switch (random.nextInt(4)) {
            case 0 -> random.nextInt();
            case 1 -> random.nextInt(OPEN_BYTES);
            default -> random.nextInt(5000);
        };
        Headers.reth(packet, Headers.BTH_BYTES, random.nextInt(16) == 0 ? random.nextLong() : address, key, bytes);
    }

    // Messages.

    @Test
    void messagesOfAnySortMakeNoConnectionThatStays() {
        try (var listening = device.listen(0, request -> {
            if (request.privateData()[0] % 2 == 0) {
                request.reject(new byte[] {1});
            }
        })) {
            int port = listening.address().getPort();
            for (int i = 0; i < CASES; i++) {
                message(port);
                if (i % BURST == 0) {
                    attacker.flush();
                    node.cycle();
                    attacker.drain();
                }
                if (i % 2000 == 0) {
                    exchange();
                }
            }
        }
        exchange();
        assertThat(node.ends).isEmpty();
        System.out.println(device.counters());
        until(() -> device.connections().count() == 1);
    }

    private void message(int port) {
        var message = switch (random.nextInt(7)) {
            case 0 -> CmMessage.readyToUse(1, random.nextInt(), random.nextInt());
            case 1 -> CmMessage.disconnect(1, random.nextInt(), random.nextInt(), random.nextInt(1 << 24));
            case 2 ->
                CmMessage.reject(
                        1,
                        random.nextInt(100),
                        random.nextInt(2),
                        random.nextInt(4),
                        random.nextBoolean() ? CmMessage.TIMEOUT : random.nextInt(64),
                        new byte[8],
                        new byte[0]);
            default -> attacker.request(1 + random.nextInt(1000), 2 + random.nextInt(100), port);
        };
        int changes = random.nextInt(4);
        for (int i = 0; i < changes; i++) {
            message.mad[random.nextInt(CmMessage.BYTES)] = (byte) random.nextInt();
        }
        attacker.send(message);
    }
}
