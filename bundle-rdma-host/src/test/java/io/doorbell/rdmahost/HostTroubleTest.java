package io.doorbell.rdmahost;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.doorbell.fabrics.host.FabricController;
import io.doorbell.host.ControllerState;
import io.doorbell.host.DiscoveringHost;
import io.doorbell.host.HeldQueuePair;
import io.doorbell.nvme.Nqn;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.Status;
import io.doorbell.reactor.HandReactors;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** A target that goes, stands still, comes again, or has nothing for us. */
class HostTroubleTest {
    private static final Duration BOUND = Duration.ofSeconds(60);

    private final List<Integer> ends = Collections.synchronizedList(new ArrayList<>());

    private HeldQueuePair hold(Node.Host host) {
        return host.hold(32, 1 << 20, (token, status, result) -> ends.add(status));
    }

    private static void read(HeldQueuePair held, int count) {
        for (int i = 0; i < count; i++) {
            assertThat(held.pair.read(1, i, 64, held.data, i * 32_768L, 0, i)).isZero();
        }
        held.pair.commit();
    }

    private void awaitReadyAndUse(Node.Host host) {
        await().atMost(BOUND).until(() -> host.controller.state() == ControllerState.READY);
        ends.clear();
        try (var held = hold(host)) {
            read(held, 3);
            HeldQueuePair.awaitEnds(held.pair, () -> ends.size() == 3);
            assertThat(ends).containsOnly(0);
        }
    }

    @Test
    void losesItsQueuePairsWithAReset() {
        try (var node = new Node(8192);
                var host = node.host()) {
            try (var held = hold(host)) {
                read(held, 8);

                host.controller.reset("a test");

                HeldQueuePair.awaitEnds(held.pair, () -> ends.size() == 8);
                assertThat(ends).allMatch(status -> status == 0 || status == Status.ABORTED_BY_HOST);
                assertThat(held.control.lost()).isTrue();
            }
            awaitReadyAndUse(host);
        }
    }

    @Test
    void goesOnWhenItsTargetIsStartedAgain() {
        try (var node = new Node(8192);
                var host = node.host()) {
            int port = node.target.address().getPort();
            try (var held = hold(host)) {
                read(held, 8);
                node.target.close();
                HeldQueuePair.awaitEnds(held.pair, () -> ends.size() == 8);
            }
            node.listen(port);
            awaitReadyAndUse(host);
        }
    }

    @Test
    void endsAllWhenItsTargetStandsStill() {
        var options = Node.OPTIONS.withTimes(
                Duration.ofSeconds(5), Duration.ofSeconds(3), Duration.ofMillis(20), Duration.ofSeconds(60));
        try (var node = new Node(8192);
                var host = node.new Host(options, RdmaHostSettings.DEFAULTS)) {
            try (var held = hold(host)) {
                node.freeze();
                read(held, 4);

                HeldQueuePair.awaitEnds(held.pair, () -> ends.size() == 4);

                assertThat(ends).doesNotContain(0);
                node.thaw();
            }
            awaitReadyAndUse(host);
        }
    }

    @Test
    void isGivenUpWhenItIsLostForTooLong() {
        var options = Node.OPTIONS.withTimes(
                Duration.ofMillis(500), Duration.ofSeconds(10), Duration.ofMillis(20), Duration.ofMillis(300));
        try (var node = new Node(8192);
                var host = node.new Host(options, RdmaHostSettings.DEFAULTS)) {
            node.target.close();

            await().atMost(BOUND).until(() -> host.given);

            assertThat(host.controller.state()).isEqualTo(ControllerState.FAILED);
            assertThatThrownBy(() -> hold(host)).isInstanceOf(NvmeException.class);
        }
    }

    @Test
    void hasManyQueuePairsOnThreadsOfTheirOwn() throws Exception {
        int pairs = 8;
        var failures = new AtomicInteger();
        try (var node = new Node(8192);
                var host = node.new Host(Node.OPTIONS, new RdmaHostSettings(2, 64))) {
            var threads = new ArrayList<Thread>();
            for (int i = 0; i < pairs; i++) {
                int which = i;
                threads.add(Thread.ofPlatform().start(() -> load(host, which, failures)));
            }
            for (var thread : threads) {
                assertThat(thread.join(BOUND)).isTrue();
            }
            assertThat(node.hostReactors.reactors()).hasSize(2);
        }
        assertThat(failures).hasValue(0);
    }

    /** Writes blocks of its own and reads them back. */
    private static void load(Node.Host host, int which, AtomicInteger failures) {
        var done = new int[1];
        try (var held = host.hold(8, 1 << 16, (token, status, result) -> {
            done[0]++;
            if (status != 0) {
                failures.incrementAndGet();
            }
        })) {
            var segment = held.data.segment();
            for (int i = 0; i < 40; i++) {
                segment.asSlice(0, 16_384).fill((byte) (which * 31 + i));
                held.pair.write(1, 10_000 + which * 32L, 32, held.data, 0, 0, i);
                held.pair.commit();
                int expected = 2 * i + 1;
                HeldQueuePair.awaitEnds(held.pair, () -> done[0] == expected);
                held.pair.read(1, 10_000 + which * 32L, 32, held.data, 16_384, 0, i);
                held.pair.commit();
                HeldQueuePair.awaitEnds(held.pair, () -> done[0] == expected + 1);
                if (segment.asSlice(0, 16_384).mismatch(segment.asSlice(16_384, 16_384)) >= 0) {
                    failures.incrementAndGet();
                }
            }
        } catch (RuntimeException | AssertionError e) {
            failures.incrementAndGet();
        }
    }

    @Test
    void givesBackEverythingWhenItIsClosed() {
        try (var node = new Node(8192)) {
            for (int i = 0; i < 3; i++) {
                var host = node.host();
                try (var held = hold(host)) {
                    read(held, 2);
                    HeldQueuePair.awaitEnds(held.pair, () -> ends.size() == 2);
                    ends.clear();
                }
                host.close();
                assertThat(host.transport.takenBytes()).isZero();
                await().atMost(BOUND).until(() -> node.hostReactors.reactors().isEmpty());
            }
            await().atMost(BOUND).until(() -> node.target.connections() == 0);
        }
    }

    @Test
    void givesBackEverythingWhenItsReactorDoesNotComeRound() {
        var late = HandReactors.running();
        try (var node = new Node(8192)) {
            var id = Node.id(node.target.address(), Node.NQN);
            var transport = new RdmaHostTransport(id, RdmaHostSettings.DEFAULTS, node.hosts, late);
            var connection = transport.connect(0, 0xFFFF, 32, BOUND);
            var reactor = late.opened().getFirst();

            // A few times: it is asked again. For good: it can be tried again.
            reactor.late(2);
            connection.shutdown();
            reactor.late(1000);
            assertThatThrownBy(() -> connection.close(true)).isInstanceOf(NvmeException.class);
            reactor.late(0);
            connection.close(true);
            transport.close();

            assertThat(transport.takenBytes()).isZero();
            assertThat(reactor.statistics().pollers()).isZero();
            assertThat(reactor.thread().isAlive()).isFalse();
        }
    }

    @Test
    void aConnectionThatIsNotMadeLeavesNothingWhenItsReactorDoesNotComeRound() {
        var late = HandReactors.running();
        try (var node = new Node(8192)) {
            var nobody = new InetSocketAddress(node.target.address().getAddress(), 1);
            var transport =
                    new RdmaHostTransport(Node.id(nobody, Node.NQN), RdmaHostSettings.DEFAULTS, node.hosts, late);
            assertThatThrownBy(() -> transport.connect(0, 0xFFFF, 32, BOUND)).isInstanceOf(NvmeException.class);
            var reactor = late.opened().getFirst();

            reactor.late(1);
            assertThatThrownBy(() -> transport.connect(0, 0xFFFF, 32, BOUND)).isInstanceOf(NvmeException.class);
            transport.close();

            assertThat(reactor.statistics().pollers()).isZero();
            assertThat(reactor.thread().isAlive()).isFalse();
        }
    }

    @Test
    void isToldWhatThereIsToConnectTo() {
        try (var node = new Node(8192)) {
            var devices = new VerbsDevices();
            devices.addProvider(node.provider());
            var id = Node.id(node.target.address(), "");

            var found = new RdmaDiscoverer(devices, node.hostReactors)
                    .discover(id, DiscoveringHost.THIS_MACHINE, Duration.ofSeconds(10));

            assertThat(found)
                    .filteredOn(each -> each.subnqn().equals(Node.NQN))
                    .singleElement()
                    .satisfies(each -> {
                        assertThat(each.kind()).isEqualTo("NVM subsystem");
                        assertThat(each.transport()).isEqualTo("RDMA");
                        assertThat(each.trid())
                                .isEqualTo(
                                        Node.id(node.target.address(), Node.NQN).toString());
                    });
            await().atMost(BOUND).until(() -> node.hostReactors.reactors().isEmpty());
        }
    }

    @Test
    void explainsWhyItCannotConnect() {
        try (var node = new Node(8192)) {
            var nobody = new InetSocketAddress(node.target.address().getAddress(), 1);
            assertThatThrownBy(() -> open(node, nobody, Node.NQN)).hasMessageContaining("connect");
            assertThatThrownBy(() -> open(node, node.target.address(), "nqn.2026-12.io.doorbell:none"))
                    .isInstanceOf(NvmeException.class)
                    .hasMessageContaining("there is none of that name here");
            assertThatThrownBy(() -> open(node, node.target.address(), Nqn.DISCOVERY))
                    .isInstanceOf(NvmeException.class)
                    .hasMessageContaining("discovery");
            await().atMost(BOUND).until(() -> node.hostReactors.reactors().isEmpty());
        }
    }

    private static void open(Node node, InetSocketAddress address, String subnqn) {
        var id = Node.id(address, subnqn);
        var transport = new RdmaHostTransport(id, RdmaHostSettings.DEFAULTS, node.hosts, node.hostReactors);
        FabricController.open(transport, id, Node.OPTIONS, () -> {}).close();
    }
}
