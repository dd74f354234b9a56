package io.doorbell.rdmasoft;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.verbs.QueuePairSetup;
import io.doorbell.verbs.VerbsPeer;
import java.lang.foreign.MemorySegment;
import java.util.Random;

/** A queue pair of ours, and a peer by hand: packets to it, one after the other, and what comes back of them. Owner: the test's thread. */
final class FuzzLink implements AutoCloseable {
    static final int SENDS = 16;
    static final int RECEIVES = 8;
    static final int RECEIVE_BYTES = FuzzMemory.PART_BYTES / RECEIVES;
    private static final int NUMBER = 0x4321;
    private static final int MOST_CYCLES = 4096;

    private final HandWire wire;
    private final VerbsPeer node;
    private final FuzzMemory memory;
    final SoftQueuePair pair;
    final int mtu;
    final int reads;

    /** The number of the next packet that is in order, each way. */
    int psn;

    private final int firstSent;
    private int receives;
    private int taken;

    // What came back.
    /** The last NAK, but for one of a sequence; 0 for none. */
    int refusal;

    int notReady;
    int acknowledged;

    /** Of the answer to a read: how much of it was as {@link #awaitAnswer} says, and how much was not. */
    private int answered;

    private FuzzMemory.Part answerPart;
    private int answerAt;
    boolean answerWrong;

    /** The last packet that asks for something: its number and opcode. */
    int lastSent;

    int lastSentOpcode;

    FuzzLink(HandWire wire, VerbsPeer node, FuzzMemory memory, Random random, int mtu, int reads) {
        this.wire = wire;
        this.node = node;
        this.memory = memory;
        this.mtu = mtu;
        this.reads = reads;
        pair = (SoftQueuePair) node.device.createQueuePair(
                new QueuePairSetup(node.domain, node.queue, node.queue, null, SENDS, RECEIVES, 2));
        psn = random.nextInt() & Psn.MASK;
        firstSent = random.nextInt() & Psn.MASK;
        lastSent = Psn.add(firstSent, -1);
        pair.connect(new SoftQueuePair.Peer(
                wire.peer().addressHigh(), wire.peer().addressLow(), NUMBER, firstSent, psn, mtu, reads, reads, 7, 7));
        wire.sink = this::came;
    }

    // What the node does.

    /** The next receive: its place in the part where messages land. */
    void postReceive() {
        node.receives.clear();
        node.receives.receive(receives);
        node.receives.segment(
                memory.landing.address(receives % RECEIVES * RECEIVE_BYTES),
                RECEIVE_BYTES,
                memory.landing.region.localKey());
        assertThat(pair.postReceive(node.receives)).isEqualTo(1);
        receives++;
    }

    int posted() {
        return receives - taken;
    }

    /** A message takes the oldest receive. Returns where in the part it lands. */
    int takeReceive() {
        return taken++ % RECEIVES * RECEIVE_BYTES;
    }

    /** Until all packets are taken, and nothing more comes of them. */
    void deliver() {
        for (int i = 0; node.cycle() > 0 || wire.waiting() > 0; i++) {
            assertThat(i).as("cycles for a few packets").isLessThan(MOST_CYCLES);
        }
    }

    // What the peer sends.

    MemorySegment begin(int opcode, int at, boolean ask, int bytes) {
        if (!wire.hasRoom()) {
            deliver();
        }
        var packet = wire.packet();
        Headers.bth(packet, 0, opcode, false, -bytes & 3, pair.number(), ask, at);
        return packet;
    }

    /** Ends a packet whose data, with their padding, end there. */
    void end(MemorySegment packet, int headers, int bytes) {
        for (int i = 0; i < (-bytes & 3); i++) {
            packet.set(java.lang.foreign.ValueLayout.JAVA_BYTE, headers + bytes + i, (byte) 0);
        }
        wire.end(headers + bytes + (-bytes & 3), 0);
    }

    /** A packet with nothing between BTH and data but words. Returns where the data are from. */
    int plain(int opcode, int at, boolean ask, Random random, int bytes, int... words) {
        var packet = begin(opcode, at, ask, bytes);
        int behind = Headers.BTH_BYTES;
        for (int word : words) {
            Headers.word(packet, behind, word);
            behind += Integer.BYTES;
        }
        int from = memory.fill(random, packet, behind, bytes);
        end(packet, behind, bytes);
        return from;
    }

    /** A packet with an RETH. */
    int toMemory(int opcode, int at, Random random, long address, int key, int length, int bytes, int... words) {
        var packet = begin(opcode, at, true, bytes);
        Headers.reth(packet, Headers.BTH_BYTES, address, key, length);
        int behind = Headers.BTH_BYTES + Headers.RETH_BYTES;
        for (int word : words) {
            Headers.word(packet, behind, word);
            behind += Integer.BYTES;
        }
        int from = memory.fill(random, packet, behind, bytes);
        end(packet, behind, bytes);
        return from;
    }

    int packets(int bytes) {
        return Math.max(1, (bytes + mtu - 1) / mtu);
    }

    // What comes back.

    /** An answer to a read is to come: what should be in that part from there on. */
    void awaitAnswer(FuzzMemory.Part part, int at) {
        answerPart = part;
        answerAt = at;
        answered = 0;
    }

    int answered() {
        return answered;
    }

    private void came(MemorySegment packets, long at, int bytes) {
        if (Headers.destination(packets, at) == PacketFuzzRun.BYSTANDER) {
            // Its last acknowledgement, once more.
            return;
        }
        assertThat(Headers.destination(packets, at)).isEqualTo(NUMBER);
        int opcode = Headers.opcode(packets, at);
        int data = bytes - Opcode.headerBytes(opcode) - Headers.pad(packets, at) - Headers.ICRC_BYTES;
        switch (opcode) {
            case Opcode.ACKNOWLEDGE -> syndrome(Headers.syndrome(packets, at + Headers.BTH_BYTES));
            case Opcode.READ_RESPONSE_FIRST,
                    Opcode.READ_RESPONSE_MIDDLE,
                    Opcode.READ_RESPONSE_LAST,
                    Opcode.READ_RESPONSE_ONLY -> {
                long from = at + Opcode.headerBytes(opcode);
                assertThat(FuzzMemory.hasSecret(packets, from, data))
                        .as("a secret is told")
                        .isFalse();
                answerWrong |=
                        answerPart != null && !memory.isExpected(answerPart, answerAt + answered, packets, from, data);
                answered += data;
            }
            default -> {
                // What is sent again, because the test's machine was slow, is behind it.
                int sent = Headers.psn(packets, at);
                if (Psn.ahead(sent, lastSent) > 0) {
                    lastSent = sent;
                    lastSentOpcode = opcode;
                }
            }
        }
    }

    private void syndrome(int syndrome) {
        if (Syndrome.kind(syndrome) == Syndrome.KIND_ACK) {
            acknowledged++;
        } else if (Syndrome.kind(syndrome) == Syndrome.KIND_RNR) {
            notReady++;
        } else if (syndrome != Syndrome.NAK_SEQUENCE) {
            refusal = syndrome;
        }
    }

    @Override
    public void close() {
        pair.close();
        node.forget();
    }
}
