package io.doorbell.rdmasoft;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.verbs.VerbsPeer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Packets that overtake others of the same cycle: their sender is to know that they were dropped, or it waits for its timer, which is seconds. */
class ReorderTest {
    private static final int NUMBER = 0x4321;
    private static final int FIRST = 100;

    private final ManagementPort.Source peer = SoftDevice.source(Loopback.address());
    private final HandWire[] made = new HandWire[1];
    private final int[] wires = {0};
    private final SoftDevice device =
            Loopback.device(real -> wires[0]++ == 0 ? real : (made[0] = new HandWire(real, peer)));
    private final VerbsPeer node = new VerbsPeer(device, 1 << 16);
    private final SoftQueuePair pair = (SoftQueuePair) node.pair();
    private final HandWire wire = made[0];

    /** What is said to the peer: syndrome and number. */
    private final List<String> said = new ArrayList<>();

    @BeforeEach
    void connect() {
        wire.device(device);
        wire.sink =
                (packets, at, bytes) -> said.add(Integer.toHexString(Headers.syndrome(packets, at + Headers.BTH_BYTES))
                        + " " + Headers.psn(packets, at));
        pair.connect(new SoftQueuePair.Peer(peer.addressHigh(), peer.addressLow(), NUMBER, 7, FIRST, 1024, 4, 4, 7, 7));
        for (int i = 0; i < 8; i++) {
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

    private List<String> cycle() {
        said.clear();
        node.cycle();
        return List.copyOf(said);
    }

    @Test
    void whatWasOvertakenDoesNotHideThatTheOtherWasDropped() {
        message(FIRST + 1, true);
        message(FIRST, true);

        assertThat(cycle()).containsExactly("60 " + (FIRST + 1));

        message(FIRST + 1, true);
        assertThat(cycle()).containsExactly("1f " + (FIRST + 1));
        assertThat(node.pending()).isEqualTo(2);
    }

    @Test
    void whatIsRepeatedDoesNotHideThatSomethingIsMissing() {
        message(FIRST, true);
        assertThat(cycle()).containsExactly("1f " + FIRST);

        message(FIRST + 2, true);
        message(FIRST, true);

        assertThat(cycle()).containsExactly("60 " + (FIRST + 1));
    }

    @Test
    void nothingIsAskedForThatHasComeMeanwhile() {
        message(FIRST + 1, true);
        message(FIRST, true);
        message(FIRST + 1, false);

        // The last one asks for nothing, but the one before it did.
        assertThat(cycle()).containsExactly("1f " + (FIRST + 1));
        assertThat(node.pending()).isEqualTo(2);
    }

    @Test
    void aPeerThatKnowsIsNotToldAgain() {
        message(FIRST + 1, true);
        assertThat(cycle()).containsExactly("60 " + FIRST);
        message(FIRST + 2, true);
        assertThat(cycle()).isEmpty();

        message(FIRST, true);
        message(FIRST + 1, true);
        message(FIRST + 2, true);

        assertThat(cycle()).containsExactly("1f " + (FIRST + 2));
        assertThat(node.pending()).isEqualTo(3);
    }
}
