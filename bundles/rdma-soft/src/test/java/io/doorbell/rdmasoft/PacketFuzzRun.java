package io.doorbell.rdmasoft;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.verbs.Access;
import io.doorbell.verbs.Completions;
import io.doorbell.verbs.MemoryWindow;
import io.doorbell.verbs.ProtectionDomain;
import io.doorbell.verbs.SendRequests;
import io.doorbell.verbs.VerbsPeer;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/**
 * Connections one after the other. On an exact one each packet does what it should, as a second memory says, up to one that is not allowed: that one
 * is refused by the right syndrome, does nothing, and nothing does after it. On a wild one packets are nearly right, and nothing changes but what
 * peers may write to. Beside them a connection of the same lane goes on all the time.
 */
final class PacketFuzzRun implements AutoCloseable {
    private static final int[] MTUS = {256, 512, 1024, 2048, 4096};
    private static final int WILD_PACKETS = 96;

    /** The number that the peer of the other queue pair has. */
    static final int BYSTANDER = 0x1111;

    private static final int MOST_ACKNOWLEDGEMENTS = 16;

    private final Random random;
    private final HandWire[] made = new HandWire[1];
    private final SoftDevice device;
    private final VerbsPeer node;
    private final ProtectionDomain other;
    private final FuzzMemory memory;
    private final HandWire wire;
    private final SoftQueuePair stranger;
    private final MemoryWindow window;
    private final Map<String, Long> counts = new TreeMap<>();
    private long cases;

    PacketFuzzRun(long seed) {
        random = new Random(seed);
        var peer = SoftDevice.source(Loopback.address());
        int[] wires = {0};
        device = Loopback.device(real -> wires[0]++ == 0 ? real : (made[0] = new HandWire(real, peer)));
        node = new VerbsPeer(device, 1 << 16);
        wire = made[0];
        wire.device(device);
        other = device.allocateProtectionDomain();
        memory = new FuzzMemory(node.domain, other, random);
        // A window for a queue pair that stays: its key is of no use on others.
        stranger = (SoftQueuePair) node.pair();
        stranger.connect(
                new SoftQueuePair.Peer(peer.addressHigh(), peer.addressLow(), BYSTANDER, 5, 5, 1024, 4, 4, 7, 7));
        window = bind(stranger);
        node.forget();
    }

    /** A window on memory of the node's, which lies elsewhere. */
    private MemoryWindow bind(SoftQueuePair to) {
        var made = node.domain.allocateWindow();
        int key = made.remoteKey() & ~0xFF | made.remoteKey() + 1 & 0xFF;
        node.sends.bind(9, 0, made, key, node.region, node.at(0), 4096, Access.REMOTE_WRITE | Access.REMOTE_READ);
        node.post(to);
        node.cycle();
        assertThat(made.remoteKey()).isEqualTo(key);
        return made;
    }

    long cases() {
        return cases;
    }

    private void count(String kind, long by) {
        cases += by;
        counts.merge(kind, by, Long::sum);
    }

    /** A connection from its beginning to its end. */
    void connection() {
        try (var link = new FuzzLink(
                wire, node, memory, random, MTUS[random.nextInt(MTUS.length)], random.nextInt(8) == 0 ? 0 : 4)) {
            if (random.nextInt(3) == 0) {
                wild(link);
            } else {
                exact(link);
            }
        }
        bystander();
    }

    // Exact.

    private void exact(FuzzLink link) {
        for (int i = random.nextInt(FuzzLink.RECEIVES + 1); i > 0; i--) {
            link.postReceive();
        }
        for (int i = 1 + random.nextInt(24); i > 0; i--) {
            switch (random.nextInt(6)) {
                case 0, 1 -> send(link);
                case 2, 3 -> write(link);
                case 4 -> read(link);
                default -> ours(link);
            }
            assertThat(link.pair.isConnected()).isTrue();
        }
        link.deliver();
        memory.requireExpected();
        violate(link);
        memory.requireExpected();
    }

    /** Packets that have no effect, whatever is under way. */
    private void noise(FuzzLink link) {
        if (random.nextInt(4) != 0) {
            return;
        }
        int opcode = random.nextBoolean() ? Opcode.SEND_ONLY : Opcode.WRITE_MIDDLE;
        int bytes = random.nextInt(link.mtu / 4 + 1) * 4;
        int kind = random.nextInt(7);
        int at = switch (kind) {
            case 0 -> Psn.add(link.psn, -1 - random.nextInt(1000));
            // What is less far ahead is kept, and counts when its turn comes.
            case 1 -> Psn.add(link.psn, 2 * EarlyPackets.MOST_AHEAD + random.nextInt(1000));
            default -> link.psn;
        };
        var packet = link.begin(opcode, at, random.nextBoolean(), bytes);
        memory.fill(random, packet, Headers.BTH_BYTES, bytes);
        int wrong = 0;
        var from = wire.peer();
        switch (kind) {
            case 0, 1 -> {
                // It is its number that is wrong.
            }
            case 2 -> wrong = 1 << random.nextInt(32) | 1 << random.nextInt(32) | 1;
            case 3 -> from = new ManagementPort.Source(0, from.addressLow() ^ 1L << random.nextInt(32));
            case 4 -> packet.set(ValueLayout.JAVA_BYTE, 2, (byte) random.nextInt(0x7F));
            case 5 -> packet.set(ValueLayout.JAVA_BYTE, 1, (byte) (1 + random.nextInt(15)));
            // Of a lane that there never is.
            default -> packet.set(ValueLayout.JAVA_BYTE, 7, (byte) (link.pair.number() | (1 << Lane.LANE_BITS) - 1));
        }
        // So many bits of a check are left when the identification is not known: some wrong ones pass.
        if (kind != 2 || Icrc.identification(wrong, Headers.BTH_BYTES + bytes) < 0) {
            wire.end(Headers.BTH_BYTES + bytes, wrong, from);
            count("noise", 1);
        }
    }

    private void send(FuzzLink link) {
        if (link.posted() == 0) {
            int before = link.notReady;
            link.plain(Opcode.SEND_ONLY, link.psn, true, random, 4);
            link.deliver();
            assertThat(link.notReady).isEqualTo(before + 1);
            link.postReceive();
        }
        int length = random.nextInt(4) == 0 ? FuzzLink.RECEIVE_BYTES : random.nextInt(FuzzLink.RECEIVE_BYTES);
        int packets = link.packets(length);
        int place = link.takeReceive();
        boolean immediate = random.nextInt(4) == 0;
        for (int i = 0; i < packets; i++) {
            noise(link);
            int at = i * link.mtu;
            int bytes = Math.min(link.mtu, length - at);
            int opcode = i == 0
                    ? packets == 1 ? Opcode.SEND_ONLY : Opcode.SEND_FIRST
                    : i == packets - 1 ? Opcode.SEND_LAST : Opcode.SEND_MIDDLE;
            boolean withNumber = immediate && Opcode.isLast(opcode);
            int from = withNumber
                    ? link.plain(opcode + 1, link.psn, random.nextBoolean(), random, bytes, random.nextInt())
                    : link.plain(opcode, link.psn, random.nextBoolean(), random, bytes);
            memory.expect(memory.landing, place + at, from, bytes);
            link.psn = Psn.add(link.psn, 1);
        }
        count("sends", packets);
        link.deliver();
        while (node.pending() > 1) {
            node.take();
        }
        var done = node.take();
        assertThat(done.status()).isEqualTo(Completions.SUCCESS);
        assertThat(done.bytes()).isEqualTo(length);
    }

    private void write(FuzzLink link) {
        var part = random.nextBoolean() ? memory.both : memory.writable;
        int length = random.nextInt(random.nextInt(4) == 0 ? FuzzMemory.PART_BYTES + 1 : 2000);
        int offset = random.nextInt(FuzzMemory.PART_BYTES - length + 1);
        int packets = link.packets(length);
        for (int i = 0; i < packets; i++) {
            noise(link);
            int at = i * link.mtu;
            int bytes = Math.min(link.mtu, length - at);
            int from;
            if (i == 0) {
                int opcode = packets == 1 ? Opcode.WRITE_ONLY : Opcode.WRITE_FIRST;
                from = link.toMemory(opcode, link.psn, random, part.address(offset), part.key(), length, bytes);
            } else {
                int opcode = i == packets - 1 ? Opcode.WRITE_LAST : Opcode.WRITE_MIDDLE;
                from = link.plain(opcode, link.psn, random.nextBoolean(), random, bytes);
            }
            memory.expect(part, offset + at, from, bytes);
            link.psn = Psn.add(link.psn, 1);
        }
        count("writes", packets);
        if (random.nextBoolean()) {
            link.deliver();
        }
    }

    private void read(FuzzLink link) {
        link.deliver();
        if (!mayRead(link)) {
            return;
        }
        var part = random.nextBoolean() ? memory.both : memory.readable;
        int length = random.nextInt(FuzzMemory.PART_BYTES + 1);
        int offset = random.nextInt(FuzzMemory.PART_BYTES - length + 1);
        wire.full = random.nextInt(4) == 0 ? random.nextInt(4) : 0;
        link.awaitAnswer(part, offset);
        link.toMemory(Opcode.READ_REQUEST, link.psn, random, part.address(offset), part.key(), length, 0);
        link.deliver();
        requireAnswer(link, length);
        // Once more, from some packet on: the answer was lost.
        int skipped = random.nextInt(link.packets(length));
        int passed = skipped * link.mtu;
        link.awaitAnswer(part, offset + passed);
        link.toMemory(
                Opcode.READ_REQUEST,
                Psn.add(link.psn, skipped),
                random,
                part.address(offset + passed),
                part.key(),
                length - passed,
                0);
        link.psn = Psn.add(link.psn, link.packets(length));
        link.deliver();
        requireAnswer(link, length - passed);
        count("reads", 2);
    }

    private void requireAnswer(FuzzLink link, int length) {
        while (wire.full > 0) {
            node.cycle();
        }
        link.deliver();
        assertThat(link.answered()).isEqualTo(length);
        assertThat(link.answerWrong).isFalse();
    }

    private static boolean mayRead(FuzzLink link) {
        return link.reads > 0;
    }

    /** What the node asks for is answered as it should be, among answers that nobody asked for. */
    private void ours(FuzzLink link) {
        int length = 1 + random.nextInt(3000);
        int kind = random.nextInt(3);
        link.deliver();
        node.forget();
        if (kind == 0 && mayRead(link)) {
            int place = FuzzMemory.PART_BYTES - length;
            if (link.posted() > 0) {
                // Where it is read to, messages would land.
                return;
            }
            node.sends.read(1, SendRequests.SIGNALED, 0x10_0000, 77);
            node.sends.segment(memory.landing.address(place), length, memory.landing.region.localKey());
            node.post(link.pair);
            link.deliver();
            assertThat(link.lastSentOpcode).isEqualTo(Opcode.READ_REQUEST);
            int first = link.lastSent;
            for (int i = 0; i < link.packets(length); i++) {
                unasked(link, Psn.add(first, -1 - random.nextInt(100)));
                int at = i * link.mtu;
                int bytes = Math.min(link.mtu, length - at);
                memory.expect(memory.landing, place + at, answer(link, first, i, length, bytes), bytes);
            }
            count("answers to reads", link.packets(length));
        } else {
            if (kind == 1) {
                node.sends.send(1, SendRequests.SIGNALED);
            } else {
                node.sends.write(1, SendRequests.SIGNALED, 0x10_0000, 77);
            }
            node.sends.segment(memory.readable.address(0), length, memory.readable.region.localKey());
            node.post(link.pair);
            link.deliver();
            unasked(link, Psn.add(link.lastSent, 100 + random.nextInt(100)));
            // Once, but for a window that has become small because this thread did not run for a while.
            for (int i = 0; node.pending() == 0 && i < MOST_ACKNOWLEDGEMENTS; i++) {
                link.plain(Opcode.ACKNOWLEDGE, link.lastSent, false, random, 0, Syndrome.ACK << 24);
                count("acknowledgements", 1);
                link.deliver();
            }
        }
        link.deliver();
        assertThat(node.pending()).isEqualTo(1);
        assertThat(node.take().status()).isEqualTo(Completions.SUCCESS);
    }

    private int answer(FuzzLink link, int first, int index, int length, int bytes) {
        boolean last = index == link.packets(length) - 1;
        int opcode = index == 0
                ? last ? Opcode.READ_RESPONSE_ONLY : Opcode.READ_RESPONSE_FIRST
                : last ? Opcode.READ_RESPONSE_LAST : Opcode.READ_RESPONSE_MIDDLE;
        return opcode == Opcode.READ_RESPONSE_MIDDLE
                ? link.plain(opcode, Psn.add(first, index), false, random, bytes)
                : link.plain(opcode, Psn.add(first, index), false, random, bytes, Syndrome.ACK << 24);
    }

    /** Of something that was never sent, or is long over. */
    private void unasked(FuzzLink link, int psn) {
        switch (random.nextInt(6)) {
            case 0 -> link.plain(Opcode.ACKNOWLEDGE, psn, false, random, 0, random.nextInt(128) << 24);
            case 1 -> link.plain(Opcode.READ_RESPONSE_ONLY, psn, false, random, 64, Syndrome.ACK << 24);
            case 2 -> link.plain(Opcode.READ_RESPONSE_MIDDLE, psn, false, random, link.mtu);
            case 3 -> link.plain(Opcode.ATOMIC_ACKNOWLEDGE, psn, false, random, 0, Syndrome.ACK << 24, 1, 2);
            default -> {
                return;
            }
        }
        count("noise", 1);
    }

    // Violations.

    private void violate(FuzzLink link) {
        int refusal = switch (random.nextInt(4)) {
            case 0 -> badWrite(link);
            case 1 -> badRead(link);
            case 2 -> badOrder(link);
            default -> badLength(link);
        };
        link.deliver();
        assertThat(link.refusal).as("the syndrome").isEqualTo(refusal);
        assertThat(link.pair.isConnected()).isFalse();
        count("violations", 1);
        // What comes after it has no effect any more.
        link.toMemory(
                Opcode.WRITE_ONLY,
                Psn.add(link.psn, random.nextInt(2)),
                random,
                memory.both.address(0),
                memory.both.key(),
                64,
                64);
        link.deliver();
        assertThat(node.pending()).isGreaterThanOrEqualTo(link.posted());
    }

    /** A range that no peer may write to, or read from. */
    private int badRange(FuzzLink link, int opcode, int bytes, boolean writes) {
        int most = Math.max(1, bytes);
        int key;
        long address;
        switch (random.nextInt(7)) {
            case 0 -> {
                var part = writes ? memory.readable : memory.writable;
                key = part.key();
                address = part.address(random.nextInt(FuzzMemory.PART_BYTES - most + 1));
            }
            case 1 -> {
                var part = random.nextBoolean() ? memory.landing : memory.foreign;
                key = part.key();
                address = part.address(0);
            }
            case 2 -> {
                key = memory.gone.key();
                address = memory.gone.address(0);
            }
            case 3 -> {
                key = memory.both.key() ^ 1 << random.nextInt(32);
                address = memory.both.address(0);
            }
            case 4 -> {
                key = memory.both.key();
                address = memory.both.address(FuzzMemory.PART_BYTES - most + 1 + random.nextInt(100));
            }
            case 5 -> {
                key = memory.both.key();
                address = random.nextBoolean()
                        ? memory.both.address(-1 - random.nextInt(most + 100))
                        : memory.both.address(0) + (random.nextLong() | 1L << 40);
            }
            default -> {
                key = window.remoteKey();
                address = node.at(0);
            }
        }
        link.toMemory(opcode, link.psn, random, address, key, most, writes ? most : 0);
        return Syndrome.NAK_ACCESS;
    }

    private int badWrite(FuzzLink link) {
        return badRange(link, Opcode.WRITE_ONLY, random.nextInt(link.mtu) + 1, true);
    }

    private int badRead(FuzzLink link) {
        if (!mayRead(link) || random.nextInt(8) == 0) {
            int length = mayRead(link) ? 1 << 30 | 1 : 64;
            link.toMemory(Opcode.READ_REQUEST, link.psn, random, memory.both.address(0), memory.both.key(), length, 0);
            return Syndrome.NAK_INVALID;
        }
        return badRange(link, Opcode.READ_REQUEST, random.nextInt(4096) + 1, false);
    }

    /** What cannot come now. */
    private int badOrder(FuzzLink link) {
        switch (random.nextInt(5)) {
            case 0 -> link.plain(Opcode.SEND_MIDDLE, link.psn, true, random, link.mtu);
            case 1 -> link.plain(Opcode.WRITE_LAST, link.psn, true, random, 4);
            case 2 -> link.plain(Opcode.COMPARE_SWAP, link.psn, true, random, 0, 1, 2, 3, 4, 5, 6, 7);
            case 3 -> {
                link.toMemory(
                        Opcode.WRITE_FIRST,
                        link.psn,
                        random,
                        memory.both.address(0),
                        memory.both.key(),
                        // Nothing of the message is to be seen after: it is refused before its second packet counts.
                        0,
                        link.mtu);
                return Syndrome.NAK_INVALID;
            }
            default -> {
                if (link.posted() == 0) {
                    link.postReceive();
                }
                link.plain(Opcode.SEND_ONLY_INVALIDATE, link.psn, true, random, 0, window.remoteKey());
                return Syndrome.NAK_OPERATION;
            }
        }
        return Syndrome.NAK_INVALID;
    }

    private int badLength(FuzzLink link) {
        var part = memory.both;
        int words = 1 + random.nextInt(16);
        switch (random.nextInt(4)) {
            case 0 ->
                link.toMemory(
                        Opcode.WRITE_ONLY,
                        link.psn,
                        random,
                        part.address(0),
                        part.key(),
                        64,
                        64 + words * 4 <= link.mtu ? 64 + words * 4 : 60);
            case 1 ->
                link.toMemory(
                        Opcode.WRITE_FIRST, link.psn, random, part.address(0), part.key(), 8192, link.mtu - words * 4);
            case 2 -> {
                if (link.posted() == 0) {
                    link.postReceive();
                }
                link.plain(Opcode.SEND_FIRST, link.psn, true, random, link.mtu - words * 4);
            }
            default -> link.plain(Opcode.SEND_LAST, link.psn, true, random, 0);
        }
        return Syndrome.NAK_INVALID;
    }

    // Wild.

    private void wild(FuzzLink link) {
        for (int i = 0; i < 4; i++) {
            link.postReceive();
        }
        if (random.nextBoolean()) {
            // So that there is something to answer.
            node.sends.read(5, 0, 0x1234, 77);
            node.sends.segment(memory.landing.address(0), FuzzMemory.PART_BYTES, memory.landing.region.localKey());
            node.sends.send(6, 0);
            node.sends.segment(memory.readable.address(0), 100, memory.readable.region.localKey());
            link.pair.post(node.sends);
            node.sends.clear();
        }
        for (int i = 0; i < WILD_PACKETS; i++) {
            wildPacket(link);
        }
        wire.full = random.nextInt(4) == 0 ? random.nextInt(8) : 0;
        count("anything", WILD_PACKETS);
        link.deliver();
        wire.full = 0;
        link.deliver();
        memory.requireUntouched();
    }

    private void wildPacket(FuzzLink link) {
        int opcode = random.nextInt(8) != 0 ? random.nextInt(0x18) : random.nextInt(256);
        int at = switch (random.nextInt(6)) {
            case 0 -> Psn.add(link.psn, random.nextInt(9) - 4);
            case 1 -> random.nextInt(1 << 24);
            case 2 -> Psn.add(link.lastSent, random.nextInt(64) - 32);
            default -> link.psn;
        };
        var packet = link.begin(opcode, at, random.nextBoolean(), random.nextInt(8) == 0 ? random.nextInt(4) : 0);
        if (random.nextInt(16) == 0) {
            Headers.word(packet, Headers.DESTINATION_WORD, random.nextInt());
        }
        int bytes = Headers.BTH_BYTES;
        int headers = Opcode.isKnown(opcode) ? Opcode.headerBytes(opcode) : random.nextInt(40);
        for (; bytes < headers; bytes += Integer.BYTES) {
            Headers.word(packet, bytes, random.nextInt());
        }
        if (headers >= Headers.BTH_BYTES + Headers.RETH_BYTES) {
            wildRange(packet);
        }
        if (headers == Headers.BTH_BYTES + Headers.AETH_BYTES && random.nextBoolean()) {
            Headers.aeth(packet, Headers.BTH_BYTES, 0x1F | random.nextInt(4) << 5, random.nextInt());
        }
        int data = switch (random.nextInt(5)) {
            case 0 -> link.mtu;
            case 1 -> random.nextInt(4096 - 64) & ~3;
            case 2 -> 0;
            default -> random.nextInt(16) * 4;
        };
        memory.fill(random, packet, bytes, data);
        bytes += data;
        if (random.nextInt(64) == 0) {
            bytes = random.nextInt(bytes);
        }
        if (random.nextInt(32) == 0) {
            packet.set(ValueLayout.JAVA_BYTE, random.nextInt(Headers.BTH_BYTES), (byte) random.nextInt());
        }
        if (Headers.destination(packet, 0) == stranger.number()) {
            // Once in some thousand runs; what that one is to do is known.
            Headers.word(packet, Headers.DESTINATION_WORD, link.pair.number());
        }
        wire.end(bytes, random.nextInt(64) == 0 ? 1 << random.nextInt(32) : 0);
        link.psn = at == link.psn ? Psn.add(at, 1) : link.psn;
    }

    /** Of a part, beside it, or nowhere. */
    private void wildRange(java.lang.foreign.MemorySegment packet) {
        var part = memory.parts().get(random.nextInt(memory.parts().size()));
        long address = part.address(random.nextInt(2 * FuzzMemory.PART_BYTES) - FuzzMemory.PART_BYTES / 2);
        int key = random.nextInt(4) == 0 ? random.nextInt() : part.key();
        int bytes = switch (random.nextInt(4)) {
            case 0 -> random.nextInt();
            case 1 -> random.nextInt(FuzzMemory.PART_BYTES);
            default -> random.nextInt(5000);
        };
        Headers.reth(packet, Headers.BTH_BYTES, random.nextInt(16) == 0 ? random.nextLong() : address, key, bytes);
    }

    // Beside them.

    private int bystanderPsn = 5;

    /** Another queue pair of the lane takes a message, and answers a read by its window. */
    private void bystander() {
        int[] came = {0, 0};
        wire.sink = (packets, at, bytes) -> {
            assertThat(Headers.destination(packets, at)).isEqualTo(BYSTANDER);
            came[Headers.opcode(packets, at) == Opcode.ACKNOWLEDGE ? 0 : 1]++;
        };
        node.receive(stranger, 1, 8192, 64);
        var packet = wire.packet();
        Headers.bth(packet, 0, Opcode.SEND_ONLY, false, 0, stranger.number(), true, bystanderPsn);
        Headers.word(packet, Headers.BTH_BYTES, bystanderPsn);
        wire.end(Headers.BTH_BYTES + 4, 0);
        bystanderPsn = Psn.add(bystanderPsn, 1);
        while (wire.waiting() > 0 || came[0] == 0) {
            node.cycle();
        }
        packet = wire.packet();
        Headers.bth(packet, 0, Opcode.READ_REQUEST, false, 0, stranger.number(), true, bystanderPsn);
        Headers.reth(packet, Headers.BTH_BYTES, node.at(0), window.remoteKey(), 64);
        wire.end(Headers.BTH_BYTES + Headers.RETH_BYTES, 0);
        bystanderPsn = Psn.add(bystanderPsn, 1);
        while (wire.waiting() > 0 || came[1] == 0) {
            node.cycle();
        }
        assertThat(node.take().bytes()).isEqualTo(4);
    }

    /** When all connections have gone. */
    void requireNothingLeft() {
        node.cycle();
        assertThat(node.pending()).isZero();
        assertThat(node.queueIsEmpty()).isTrue();
    }

    @Override
    public void close() {
        window.close();
        memory.close();
        node.close();
        other.close();
        device.close();
    }

    @Override
    public String toString() {
        return cases + " cases: " + counts;
    }
}
