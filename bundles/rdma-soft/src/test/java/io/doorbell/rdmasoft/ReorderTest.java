package io.doorbell.rdmasoft;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.verbs.Access;
import io.doorbell.verbs.VerbsPeer;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Packets that overtake others, and that are lost: what a peer is told and when, by a clock of the test's own. A peer that has to send again may lose its
 * connection by it, and one that is not told waits for its timer, which is seconds.
 */
class ReorderTest {
    private static final int NUMBER = 0x4321;
    private static final int FIRST = 100;
    private static final int RECEIVES = 32;

    /** Farther ahead than what is kept. */
    private static final int FAR = EarlyPackets.MOST_AHEAD + 2;

    private static final ValueLayout.OfInt NUMBERS = ValueLayout.JAVA_INT.withOrder(ByteOrder.BIG_ENDIAN);

    private final ManagementPort.Source peer = SoftDevice.source(Loopback.address());
    private final HandWire[] made = new HandWire[1];
    private final int[] wires = {0};
    private final SoftDevice device =
            Loopback.device(real -> wires[0]++ == 0 ? real : (made[0] = new HandWire(real, peer)));
    private final VerbsPeer node = new VerbsPeer(device, 1 << 16);
    private final SoftQueuePair pair = (SoftQueuePair) node.pair();
    private final HandWire wire = made[0];
    private final Lane lane = ((SoftCompletionQueue) node.queue).lane;

    /** Messages that have come. */
    private int taken;

    /** What is said to the peer: syndrome and number. */
    private final List<String> said = new ArrayList<>();

    @BeforeEach
    void connect() {
        wire.device(device);
        wire.sink =
                (packets, at, bytes) -> said.add(Integer.toHexString(Headers.syndrome(packets, at + Headers.BTH_BYTES))
                        + " " + Headers.psn(packets, at));
        pair.connect(new SoftQueuePair.Peer(peer.addressHigh(), peer.addressLow(), NUMBER, 7, FIRST, 1024, 4, 4, 7, 7));
        postReceives();
    }

    private void postReceives() {
        for (int i = 0; i < RECEIVES; i++) {
            node.receive(pair, i, i * 64, 64);
        }
    }

    @AfterEach
    void close() {
        node.close();
        device.close();
    }

    private void message(int psn, boolean ask) {
        var packet = wire.packet();
        Headers.bth(packet, 0, Opcode.SEND_ONLY, false, 0, pair.number(), ask, psn);
        Headers.word(packet, Headers.BTH_BYTES, psn);
        wire.end(Headers.BTH_BYTES + Integer.BYTES, 0);
    }

    /** A cycle at so many milliseconds of a clock of the test's own. */
    private List<String> cycle(int millis) {
        said.clear();
        // Timers speak in the next cycle.
        lane.poll(TimeUnit.MILLISECONDS.toNanos(millis));
        lane.poll(TimeUnit.MILLISECONDS.toNanos(millis));
        taken += node.discard();
        return List.copyOf(said);
    }

    /** What says that a packet is missing; rxe sends again at once only when it hears first what has come. */
    private static String[] missing(int psn) {
        return new String[] {"1f " + (psn - 1), "60 " + psn};
    }

    @Test
    void whatOvertookOthersIsTakenWithoutAWord() {
        message(FIRST + 1, true);
        message(FIRST, true);

        assertThat(cycle(0)).containsExactly("1f " + (FIRST + 1));
        assertThat(taken).isEqualTo(2);
        assertThat(cycle(24)).isEmpty();
    }

    @Test
    void whatIsLateByLessThanARoundTripIsNotAskedFor() {
        message(FIRST + 2, true);
        message(FIRST + 3, true);
        assertThat(cycle(0)).isEmpty();
        message(FIRST + 1, true);
        assertThat(cycle(19)).isEmpty();

        message(FIRST, true);

        assertThat(cycle(19)).containsExactly("1f " + (FIRST + 3));
        assertThat(taken).isEqualTo(4);
    }

    @Test
    void packetsInAnyOrderAndSomeOfThemTwiceAreTakenOnceEachInTheirOrder() {
        var random = Seed.random("ReorderTest");
        for (int round = 0, first = FIRST; round < 200; round++, first += RECEIVES) {
            var order = new ArrayList<Integer>();
            for (int i = 0; i < RECEIVES; i++) {
                order.add(first + i);
                if (random.nextInt(4) == 0) {
                    order.add(first + i);
                }
            }
            Collections.shuffle(order, random);
            order.forEach(psn -> message(psn, true));

            assertThat(cycle(round)).isNotEmpty().allMatch(word -> word.startsWith("1f"));

            assertThat(said.getLast()).isEqualTo("1f " + (first + RECEIVES - 1));
            assertThat(taken).isEqualTo((round + 1) * RECEIVES);
            for (int i = 0; i < RECEIVES; i++) {
                assertThat(node.memory.segment().get(NUMBERS, i * 64)).isEqualTo(first + i);
            }
            postReceives();
        }
        assertThat(device.counters().get("sequence_nak_sent")).isZero();
    }

    @Test
    void whatStaysMissingIsAskedForAndWhatFollowedItIsToComeAgain() {
        message(FIRST + 1, true);
        assertThat(cycle(0)).isEmpty();

        assertThat(cycle(20)).containsExactly(missing(FIRST));

        message(FIRST, true);
        message(FIRST + 1, true);
        assertThat(cycle(21)).containsExactly("1f " + (FIRST + 1));
        assertThat(taken).isEqualTo(2);
    }

    @Test
    void whatIsRepeatedDoesNotHideThatSomethingIsMissing() {
        message(FIRST, true);
        assertThat(cycle(0)).containsExactly("1f " + FIRST);
        message(FIRST + FAR, true);
        message(FIRST, true);

        assertThat(cycle(1)).containsExactly(missing(FIRST + 1));
    }

    /** What is too far ahead to be kept is dropped at once, and then what is missing comes in the same cycle. */
    @Test
    void whatWasOvertakenDoesNotHideThatTheOtherWasDropped() {
        message(FIRST + FAR, true);
        message(FIRST, true);

        assertThat(cycle(0)).containsExactly(missing(FIRST + 1));
    }

    /** Once more soon, and then after more than the 2.1 s of its own timer, which begins anew whenever it hears something. */
    @Test
    void aPeerThatKnowsIsToldAgainOnlyAfterAWhile() {
        message(FIRST + 1, true);
        cycle(0);
        assertThat(cycle(20)).containsExactly(missing(FIRST));
        message(FIRST + 2, true);
        assertThat(cycle(21)).isEmpty();
        assertThat(cycle(269)).isEmpty();

        assertThat(cycle(270)).containsExactly(missing(FIRST));

        assertThat(cycle(270 + 2800)).isEmpty();
        assertThat(cycle(270 + 3000)).containsExactly(missing(FIRST));
        assertThat(cycle(270 + 5800)).isEmpty();
        message(FIRST, true);
        message(FIRST + 1, true);
        message(FIRST + 2, true);
        assertThat(cycle(270 + 5801)).containsExactly("1f " + (FIRST + 2));
        assertThat(taken).isEqualTo(3);
        assertThat(cycle(10_000)).containsExactly("1f " + (FIRST + 2));
        assertThat(pair.isConnected()).isTrue();
    }

    /** As Linux's rxe does whose send queue has failed while it sent again: the first packet comes, and no other, ever. */
    @Test
    void aPeerThatDoesNotSendAgainWhatItHasSentIsGivenUp() {
        message(FIRST + 1, true);
        cycle(0);
        cycle(20);
        message(FIRST, true);
        assertThat(cycle(21)).containsExactly("1f " + FIRST);
        int millis = 21;
        while (pair.isConnected() && millis < 20_000) {
            cycle(millis += 10);
        }

        assertThat(millis).isBetween(8_000, 10_000);
    }

    /** A thread that gets no processor for a minute has told its peer nothing in it. */
    @Test
    void aPeerIsNotGivenUpForTimeInWhichItWasNotTold() {
        message(FIRST + 1, true);
        cycle(0);
        assertThat(cycle(20)).containsExactly(missing(FIRST));

        assertThat(cycle(60_000)).containsExactly(missing(FIRST));

        assertThat(pair.isConnected()).isTrue();
        message(FIRST, true);
        message(FIRST + 1, true);
        assertThat(cycle(60_001)).containsExactly("1f " + (FIRST + 1));
        assertThat(taken).isEqualTo(2);
    }

    /** A batch of packets for nobody. */
    private void fullBatch() {
        for (int i = 0; i < HandWire.SLOTS; i++) {
            Headers.bth(wire.packet(), 0, Opcode.SEND_ONLY, false, 0, pair.number() ^ 1 << 14, false, i);
            wire.end(Headers.BTH_BYTES, 0);
        }
    }

    /** After a while without a processor more waits than one cycle takes, and what is missing may be behind it. */
    @Test
    void whatStillLiesInTheSocketIsNotAskedFor() {
        message(FIRST + 1, true);
        cycle(0);
        long late = TimeUnit.MILLISECONDS.toNanos(30);
        fullBatch();
        lane.poll(late);
        message(FIRST, true);

        assertThat(cycle(30)).containsExactly("1f " + (FIRST + 1));
        assertThat(device.counters().get("sequence_nak_sent")).isZero();
    }

    @Test
    void whatStaysMissingIsAskedForAlsoWhileMuchComes() {
        message(FIRST + 1, true);
        cycle(0);
        long late = TimeUnit.MILLISECONDS.toNanos(30);

        for (int i = 0; i <= Lane.FULL_BATCHES; i++) {
            assertThat(said).isEmpty();
            fullBatch();
            lane.poll(late);
        }

        assertThat(said).containsExactly(missing(FIRST));
    }

    /** A number that nobody can have come to yet is nothing that the peer would have to send again. */
    @Test
    void aPacketThatNobodyCanHaveSentIsDroppedWithoutAWord() {
        message(FIRST + (1 << 22), true);
        assertThat(cycle(0)).isEmpty();
        assertThat(cycle(10_000)).isEmpty();
        assertThat(pair.isConnected()).isTrue();

        message(FIRST, true);

        assertThat(cycle(10_001)).containsExactly("1f " + FIRST);
        assertThat(taken).isEqualTo(1);
    }

    /** What is said to be not ready may be lost, and what follows it is dropped without a word. */
    @Test
    void aPeerThatWasToldToWaitIsToldAgainAfterAWhile() {
        for (int i = 0; i < RECEIVES; i++) {
            message(FIRST + i, true);
        }
        cycle(0);
        int next = FIRST + RECEIVES;
        message(next, true);
        assertThat(cycle(1)).containsExactly("2c " + next);
        message(next + 1, true);
        assertThat(cycle(2)).isEmpty();

        assertThat(cycle(251)).containsExactly(missing(next));

        postReceives();
        message(next, true);
        message(next + 1, true);
        assertThat(cycle(252)).containsExactly("1f " + (next + 1));
        assertThat(cycle(10_000)).containsExactly("1f " + (next + 1));
        assertThat(taken).isEqualTo(RECEIVES + 2);
    }

    @Test
    void aPeerThatWaitsAndComesAgainIsToldNothingMore() {
        for (int i = 0; i <= RECEIVES; i++) {
            message(FIRST + i, true);
        }
        int next = FIRST + RECEIVES;
        assertThat(cycle(0)).containsExactly("2c " + next);
        postReceives();
        message(next, true);
        assertThat(cycle(1)).containsExactly("1f " + next);

        assertThat(cycle(252)).containsExactly("1f " + next);
        assertThat(device.counters().get("sequence_nak_sent")).isZero();
    }

    /** The end of a connection is told its peer, also when the socket had no room for what goes out before. */
    @Test
    void whyAPeerIsRefusedIsToldAlsoWhenMuchWaitsToBeSent() {
        var packet = wire.packet();
        Headers.bth(packet, 0, Opcode.READ_REQUEST, false, 0, pair.number(), true, FIRST);
        Headers.reth(packet, Headers.BTH_BYTES, node.at(0), node.region.remoteKey(), HandWire.SLOTS * 1024);
        wire.end(Headers.BTH_BYTES + Headers.RETH_BYTES, 0);
        wire.full = Integer.MAX_VALUE;
        for (int i = 0; i < HandWire.SLOTS; i++) {
            cycle(0);
        }
        assertThat(said).isEmpty();
        wire.full = 0;

        read(FIRST + HandWire.SLOTS, 0);
        cycle(1);

        assertThat(pair.isConnected()).isFalse();
        assertThat(said).hasSize(HandWire.SLOTS + 1).endsWith("62 " + (FIRST + HandWire.SLOTS));
    }

    @Test
    void theLastAcknowledgementIsRepeatedTwice() {
        message(FIRST, true);
        assertThat(cycle(0)).containsExactly("1f " + FIRST);

        assertThat(cycle(25)).containsExactly("1f " + FIRST);
        assertThat(cycle(125)).containsExactly("1f " + FIRST);

        assertThat(cycle(10_000)).isEmpty();
        assertThat(taken).isEqualTo(1);
    }

    /** An acknowledgement of what came before a read would say nothing, and one of the read that it was answered. */
    @Test
    void noAcknowledgementIsRepeatedAfterARead() {
        message(FIRST, true);
        assertThat(cycle(0)).containsExactly("1f " + FIRST);
        read(FIRST + 1, node.region.remoteKey());
        assertThat(cycle(1)).hasSize(1);

        assertThat(cycle(10_000)).isEmpty();
    }

    /** It asks twice when the answer is slow, and takes the key back when it has it. */
    @Test
    void aReadThatIsRepeatedWhoseKeyWasTakenBackIsNotAnsweredAndEndsNothing() {
        var region = node.domain.register(node.memory.segment(), Access.LOCAL_WRITE | Access.REMOTE_READ);
        int key = region.remoteKey();
        read(FIRST, key);
        assertThat(cycle(0)).hasSize(1);
        region.close();

        read(FIRST, key);

        assertThat(cycle(1)).isEmpty();
        assertThat(pair.isConnected()).isTrue();
        assertThat(device.counters().get("drop_read_forgotten")).isOne();

        read(FIRST + 1, key);

        assertThat(cycle(2)).containsExactly("62 " + (FIRST + 1));
        assertThat(pair.isConnected()).isFalse();
    }

    private void read(int psn, int key) {
        var packet = wire.packet();
        Headers.bth(packet, 0, Opcode.READ_REQUEST, false, 0, pair.number(), true, psn);
        Headers.reth(packet, Headers.BTH_BYTES, node.at(0), key, 64);
        wire.end(Headers.BTH_BYTES + Headers.RETH_BYTES, 0);
    }

    /** What many keep is bounded: who finds no room tells its peer at once. */
    @Test
    void whatIsKeptIsBounded() {
        for (int i = 0; i < EarlyPackets.SLOTS; i++) {
            message(FIRST + 1 + i, true);
            if (i % 32 == 31) {
                assertThat(cycle(0)).isEmpty();
            }
        }
        var other = (SoftQueuePair) node.pair();
        other.connect(
                new SoftQueuePair.Peer(peer.addressHigh(), peer.addressLow(), NUMBER + 1, 7, FIRST, 1024, 4, 4, 7, 7));
        var packet = wire.packet();
        Headers.bth(packet, 0, Opcode.SEND_ONLY, false, 0, other.number(), true, FIRST + 1);
        wire.end(Headers.BTH_BYTES, 0);

        assertThat(cycle(0)).containsExactly(missing(FIRST));

        // It has no receive, but its packet is looked at.
        Headers.bth(wire.packet(), 0, Opcode.SEND_ONLY, false, 0, other.number(), true, FIRST);
        wire.end(Headers.BTH_BYTES, 0);
        assertThat(cycle(1)).containsExactly("2c " + FIRST);
    }
}
