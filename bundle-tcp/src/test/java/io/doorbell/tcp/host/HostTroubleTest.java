package io.doorbell.tcp.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.doorbell.host.ControllerListener;
import io.doorbell.host.ControllerState;
import io.doorbell.host.HeldQueuePair;
import io.doorbell.host.NvmeController;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.TcpPdu;
import io.doorbell.tcp.Node;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** A target that goes, falls silent, comes again. */
class HostTroubleTest {
    /** Of what takes some milliseconds, on a machine that has much else to do. */
    private static final Duration BOUND = Duration.ofSeconds(60);

    private static final int ENTRIES = 32;

    private final List<Integer> ends = Collections.synchronizedList(new ArrayList<>());

    private HeldQueuePair hold(HostRig rig) {
        return rig.hold(ENTRIES, 1 << 20, (token, status, result) -> ends.add(status));
    }

    private static void read(HeldQueuePair held, int count, int blocks) {
        for (int i = 0; i < count; i++) {
            assertThat(held.pair.read(1, i, blocks, held.data, (long) i * blocks * 512, 0, i))
                    .isZero();
        }
        held.pair.commit();
    }

    private void awaitReady(HostRig rig) {
        await().atMost(Duration.ofSeconds(60)).until(() -> rig.controller.state() == ControllerState.READY);
    }

    @Test
    void endsAllAndIsThereAgainWhenAConnectionIsCutInTheMiddleOfData() {
        try (var node = new Node(Node.settings(0, 8192, 16, true));
                var relay = new Relay(node.target.address());
                var rig = new HostRig(relay.address(), Node.NQN, HostRig.OPTIONS, TcpHostSettings.DEFAULTS);
                var held = hold(rig)) {
            var states = states(rig);
            relay.way(pdu -> {
                if (pdu[0] != TcpPdu.C2H_DATA) {
                    return pdu;
                }
                relay.way(other -> other);
                relay.cutAfter(Arrays.copyOf(pdu, 1000));
                return null;
            });
            read(held, 6, 64);

            HeldQueuePair.awaitEnds(held.pair, () -> ends.size() == 6);
            assertThat(ends)
                    .allMatch(status -> status == 0 || status == Status.HOST_PATHING_ERROR)
                    .contains(Status.HOST_PATHING_ERROR);
            assertThat(held.control.lost()).isTrue();
            awaitReady(rig);
            await().atMost(BOUND)
                    .untilAsserted(
                            () -> assertThat(states).containsExactly(ControllerState.RESETTING, ControllerState.READY));
            held.fence();
            ends.clear();
            try (var again = hold(rig)) {
                read(again, 3, 8);
                HeldQueuePair.awaitEnds(again.pair, () -> ends.size() == 3);
                assertThat(ends).containsOnly(0);
            }
        }
    }

    @Test
    void noticesATargetThatFallsSilentByItsKeepAlive() {
        var options = HostRig.OPTIONS.withTimes(
                Duration.ofSeconds(3), Duration.ofSeconds(4), Duration.ofMillis(20), Duration.ofSeconds(20));
        try (var node = new Node(Node.settings(0, 8192, 16, true));
                var relay = new Relay(node.target.address());
                var rig = new HostRig(relay.address(), Node.NQN, options, TcpHostSettings.DEFAULTS);
                var held = hold(rig)) {
            relay.freeze();
            read(held, 4, 8);

            HeldQueuePair.awaitEnds(held.pair, () -> ends.size() == 4);

            assertThat(ends).doesNotContain(0);
            assertThat(rig.controller.state()).isNotEqualTo(ControllerState.READY);
            relay.thaw();
            awaitReady(rig);
        }
    }

    private static List<ControllerState> states(HostRig rig) {
        var states = Collections.synchronizedList(new ArrayList<ControllerState>());
        rig.controller.addListener(new ControllerListener() {
            @Override
            public void stateChanged(NvmeController controller, ControllerState state, String reason) {
                states.add(state);
            }
        });
        return states;
    }

    @Test
    void keepsItsControllerAliveWhenNothingElseIsSaid() throws Exception {
        var options = HostRig.OPTIONS.withTimes(
                Duration.ofSeconds(5), Duration.ofSeconds(4), Duration.ofMillis(20), Duration.ofSeconds(20));
        try (var node = new Node(Node.settings(0, 8192, 16, true));
                var rig = new HostRig(node.target.address(), Node.NQN, options, TcpHostSettings.DEFAULTS)) {
            var states = states(rig);

            Thread.sleep(9_000);

            assertThat(states).isEmpty();
            assertThat(rig.controller.state()).isEqualTo(ControllerState.READY);
        }
    }

    @Test
    void losesItsQueuePairsWithAReset() {
        try (var node = new Node(Node.settings(0, 8192, 16, true));
                var rig = new HostRig(node.target.address(), Node.NQN, HostRig.OPTIONS, TcpHostSettings.DEFAULTS);
                var held = hold(rig)) {
            read(held, 8, 8);

            rig.controller.reset("a test");

            assertThat(rig.controller.state()).isEqualTo(ControllerState.READY);
            HeldQueuePair.awaitEnds(held.pair, () -> ends.size() == 8);
            assertThat(ends).allMatch(status -> status == 0 || status == Status.ABORTED_BY_HOST);
            assertThat(held.control.lost()).isTrue();
        }
    }

    @Test
    void goesOnWhenItsTargetIsStartedAgain() {
        var first = new Node(Node.settings(0, 8192, 16, true));
        int port = first.target.address().getPort();
        try (var rig = new HostRig(first.target.address(), Node.NQN, HostRig.OPTIONS, TcpHostSettings.DEFAULTS)) {
            try (var held = hold(rig)) {
                read(held, 10, 64);
                first.close();
                HeldQueuePair.awaitEnds(held.pair, () -> ends.size() == 10);
            }
            try (var second = new Node(Node.settings(port, 8192, 16, true))) {
                awaitReady(rig);
                ends.clear();
                try (var held = hold(rig)) {
                    read(held, 10, 64);
                    HeldQueuePair.awaitEnds(held.pair, () -> ends.size() == 10);
                    assertThat(ends).containsOnly(0);
                }
                assertThat(second.target.connections()).isPositive();
            }
        }
    }

    @Test
    void isGivenUpWhenItIsLostForTooLong() {
        var options = HostRig.OPTIONS.withTimes(
                Duration.ofSeconds(3), Duration.ofSeconds(10), Duration.ofMillis(20), Duration.ofMillis(300));
        try (var node = new Node(Node.settings(0, 8192, 16, true));
                var relay = new Relay(node.target.address());
                var rig = new HostRig(relay.address(), Node.NQN, options, TcpHostSettings.DEFAULTS)) {
            relay.cut(true);

            await().atMost(BOUND).until(() -> rig.given);

            assertThat(rig.controller.state()).isEqualTo(ControllerState.FAILED);
            assertThatThrownBy(() -> hold(rig)).isInstanceOf(NvmeException.class);
        }
    }

    @Test
    void hasManyQueuePairsOnThreadsOfTheirOwn() throws Exception {
        int pairs = 12;
        int commands = 60;
        var failures = new AtomicInteger();
        try (var node = new Node(Node.settings(0, 8192, 32, true));
                var rig = new HostRig(node.target.address(), Node.NQN, HostRig.OPTIONS, TcpHostSettings.DEFAULTS)) {
            var threads = new ArrayList<Thread>();
            for (int i = 0; i < pairs; i++) {
                int which = i;
                threads.add(Thread.ofPlatform().start(() -> load(rig, which, commands, failures)));
            }
            for (var thread : threads) {
                thread.join(120_000);
                assertThat(thread.isAlive()).isFalse();
            }
        }
        assertThat(failures).hasValue(0);
    }

    /** Writes blocks of its own and reads them back. */
    private static void load(HostRig rig, int which, int commands, AtomicInteger failures) {
        var done = new int[1];
        try (var held = rig.hold(8, 1 << 16, (token, status, result) -> {
            done[0]++;
            if (status != 0) {
                failures.incrementAndGet();
            }
        })) {
            var segment = held.data.segment();
            for (int i = 0; i < commands; i++) {
                byte mark = (byte) (which * 31 + i);
                segment.asSlice(0, 4096).fill(mark);
                assertThat(held.pair.write(1, 10_000 + which * 8L, 8, held.data, 0, 0, i))
                        .isZero();
                held.pair.commit();
                int expected = 2 * i + 1;
                HeldQueuePair.awaitEnds(held.pair, () -> done[0] == expected);
                assertThat(held.pair.read(1, 10_000 + which * 8L, 8, held.data, 8192, 0, i))
                        .isZero();
                held.pair.commit();
                HeldQueuePair.awaitEnds(held.pair, () -> done[0] == expected + 1);
                if (segment.asSlice(0, 4096).mismatch(segment.asSlice(8192, 4096)) >= 0) {
                    failures.incrementAndGet();
                }
            }
        }
    }
}
