package io.doorbell.tcp.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.doorbell.host.PathOptions;
import io.doorbell.host.QueuePair;
import io.doorbell.nvme.Status;
import io.doorbell.platform.EventFd;
import io.doorbell.platform.MemoryView;
import io.doorbell.tcp.Node;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A lease of a connection is taken back as one of rings is. */
class HostQueuePairLifeTest {
    private final Node node = new Node(Node.settings(0, 8192, 16, true));
    private final Relay relay = new Relay(node.target.address());
    private final HostRig rig = new HostRig(relay.address(), Node.NQN, HostRig.OPTIONS, TcpHostSettings.DEFAULTS);
    private final List<Integer> ends = Collections.synchronizedList(new ArrayList<>());

    @AfterEach
    void close() {
        rig.close();
        relay.close();
        node.close();
    }

    private HostRig.Held hold() {
        return rig.hold(16, 1 << 16, (token, status, result) -> ends.add(status));
    }

    private void read(HostRig.Held held, int count) {
        for (int i = 0; i < count; i++) {
            assertThat(held.pair.read(1, i, 8, held.data, i * 4096L, 0, i)).isZero();
        }
    }

    @Test
    void belongsToOneThread() throws Exception {
        try (var held = hold()) {
            var thrown = new AtomicReference<Throwable>();
            var other = Thread.ofPlatform().start(() -> {
                try {
                    held.pair.read(1, 0, 1, held.data, 0, 0, 0);
                } catch (RuntimeException e) {
                    thrown.set(e);
                }
            });
            other.join();

            assertThat(thrown.get()).isInstanceOf(WrongThreadException.class);
        }
    }

    @Test
    void drainsWhatIsInFlightWhenItIsStopped() {
        try (var held = hold()) {
            read(held, 5);
            held.pair.commit();

            held.control.stopSubmissions();

            assertThat(held.pair.read(1, 0, 1, held.data, 0, 0, 9)).isEqualTo(QueuePair.LEASE_REVOKED);
            HostRig.awaitEnds(held.pair, () -> ends.size() == 5);
            assertThat(ends).containsOnly(0);
        }
    }

    @Test
    void sendsWhatWasStagedBeforeItWasStopped() {
        try (var held = hold()) {
            read(held, 3);
            held.control.stopSubmissions();
            held.pair.commit();

            HostRig.awaitEnds(held.pair, () -> ends.size() == 3);
            assertThat(ends).containsOnly(0);
        }
    }

    @Test
    void endsWhatTheTargetDoesNotAnswerWhenItIsFenced() {
        try (var held = hold()) {
            relay.freeze();
            read(held, 7);
            held.pair.commit();

            held.fence();

            assertThatThrownBy(() -> held.pair.read(1, 0, 1, held.data, 0, 0, 9))
                    .isInstanceOf(IllegalStateException.class);
            assertThat(held.pair.poll(4)).isEqualTo(4);
            assertThat(held.pair.poll(16)).isEqualTo(3);
            assertThat(ends).hasSize(7).containsOnly(Status.ABORTED_SQ_DELETION);
            assertThatThrownBy(() -> held.pair.poll(1)).isInstanceOf(IllegalStateException.class);
            relay.thaw();
        }
    }

    @Test
    void meetsTheFenceInTheMiddleOfIt() throws Exception {
        var ready = new AtomicReference<HostRig.Held>();
        var thrown = new AtomicReference<Throwable>();
        var owner = Thread.ofPlatform().start(() -> {
            var held = hold();
            ready.set(held);
            try {
                for (long token = 0; ; token++) {
                    held.pair.read(1, token % 64, 8, held.data, 0, 0, token);
                    held.pair.commit();
                    held.pair.poll(8);
                }
            } catch (IllegalStateException fenced) {
                thrown.set(fenced);
            }
            while (held.pair.inFlight() > 0) {
                held.pair.poll(16);
            }
        });
        await().until(() -> ends.size() > 500);
        var held = ready.get();

        // Without a word to the owner: as if it were between its check and its call.
        held.control.delete(Duration.ofSeconds(5));
        MemoryView.close(held.arena, Duration.ofSeconds(2));
        held.control.fenced("test");
        held.allocation.close();
        owner.join(5_000);

        assertThat(owner.isAlive()).isFalse();
        assertThat(thrown.get()).isNotNull();
        assertThat(held.pair.inFlight()).isZero();
        var counters = held.control.counters();
        assertThat(counters.completed()).isEqualTo(counters.submitted()).isEqualTo(ends.size());
    }

    @Test
    void isEndedByTheControlPlaneWhenItsOwnerIsDead() throws Exception {
        var made = new AtomicReference<HostRig.Held>();
        var owner = Thread.ofPlatform().start(() -> {
            var held = hold();
            relay.freeze();
            read(held, 4);
            held.pair.commit();
            made.set(held);
        });
        owner.join();
        var held = made.get();

        held.fence();

        assertThat(held.control.completeRest()).isEqualTo(4);
        assertThat(ends).hasSize(4).containsOnly(Status.ABORTED_SQ_DELETION);
        relay.thaw();
    }

    @Test
    void givesItsMemoryAndItsIdBack() {
        long before = rig.transport.takenBytes();
        int id;
        try (var held = hold()) {
            id = held.pair.queueId();
            read(held, 3);
            held.pair.commit();
            HostRig.awaitEnds(held.pair, () -> ends.size() == 3);
        }
        assertThat(rig.transport.takenBytes()).isEqualTo(before);
        try (var held = hold()) {
            assertThat(held.pair.queueId()).isEqualTo(id);
        }
        await().untilAsserted(() -> assertThat(node.target.connections()).isEqualTo(1));
    }

    @Test
    void wakesAnOwnerThatSleeps() throws Exception {
        try (var sign = EventFd.create();
                var held = new HostRig.Held(
                        rig.controller,
                        16,
                        1 << 16,
                        (token, status, result) -> ends.add(status),
                        PathOptions.DEFAULTS.withInterrupt(sign))) {
            assertThat(held.pair.interrupts()).isTrue();
            for (int round = 0; round < 50; round++) {
                ends.clear();
                read(held, 3);
                assertThat(held.pair.readyToPark()).as("with commands staged").isFalse();
                held.pair.commit();
                while (ends.size() < 3) {
                    if (held.pair.readyToPark()) {
                        assertThat(sign.await(Duration.ofSeconds(5).toNanos())).isTrue();
                        sign.drain();
                    }
                    held.pair.poll(16);
                }
                assertThat(ends).containsOnly(0);
            }
        }
    }
}
