package io.doorbell.rdmasoft;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.verbs.Completions;
import io.doorbell.verbs.ConnectParameters;
import io.doorbell.verbs.SendRequests;
import io.doorbell.verbs.VerbsPeer;
import io.doorbell.verbs.VerbsQueuePair;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Both sides send, write and read as chance says, on several queue pairs at once, over a bad link: every byte is where it should be, in order, and
 * nothing is anywhere else. {@code -Ddoorbell.fuzz=N} says how many requests.
 */
class StressTest {
    private static final int REQUESTS = Integer.getInteger("doorbell.fuzz", 600);
    private static final int PAIRS = 3;
    private static final int DEPTH = 8;
    private static final int MAX_BYTES = 40_000;

    /** Of each queue pair's part: what it sends from, the peer writes to and reads from, it receives into, and reads into. */
    private static final int AREA = DEPTH * MAX_BYTES;

    private static final int PART = 4 * AREA;
    private static final Duration BOUND = Duration.ofSeconds(60);

    private record Asked(long id, int kind, int slot, byte[] content) {}

    /** One direction of a connection. */
    private final class Way {
        final VerbsPeer from;
        final VerbsPeer to;
        final VerbsQueuePair pair;
        final VerbsQueuePair toPair;
        final int base;
        final ArrayDeque<Asked> sent = new ArrayDeque<>();
        final ArrayDeque<Asked> expected = new ArrayDeque<>();
        long nextId;
        long nextReceive;

        Way(VerbsPeer from, VerbsPeer to, VerbsQueuePair pair, VerbsQueuePair toPair, int base) {
            this.from = from;
            this.to = to;
            this.pair = pair;
            this.toPair = toPair;
            this.base = base;
            for (int i = 0; i < DEPTH; i++) {
                to.receive(toPair, nextReceive++, base + 2 * AREA + i * MAX_BYTES, MAX_BYTES);
            }
        }

        void ask() {
            long id = nextId++;
            int slot = (int) (id % DEPTH);
            int kind = random.nextInt(3);
            var content = new byte[random.nextInt(4) == 0 ? random.nextInt(MAX_BYTES + 1) : random.nextInt(5000)];
            random.nextBytes(content);
            long there = base + AREA + (long) slot * MAX_BYTES;
            int here = base + (kind == 2 ? 3 * AREA : 0) + slot * MAX_BYTES;
            if (kind == 2) {
                to.bytes(there, content);
                from.sends.read(id, SendRequests.SIGNALED, to.at(there), to.region.remoteKey());
            } else {
                from.bytes(here, content);
                if (kind == 1) {
                    from.sends.write(id, SendRequests.SIGNALED, to.at(there), to.region.remoteKey());
                } else {
                    from.sends.send(id, SendRequests.SIGNALED);
                }
            }
            int first = content.length == 0 ? 0 : random.nextInt(content.length);
            from.piece(here, first);
            from.piece(here + first, content.length - first);
            from.post(pair);
            var asked = new Asked(id, kind, slot, content);
            sent.add(asked);
            if (kind == 0) {
                expected.add(asked);
            }
        }

        void ended(VerbsPeer.Done done) {
            var asked = sent.remove();
            assertThat(done.status()).as(Completions.describe(done.status())).isZero();
            assertThat(done.id()).isEqualTo(asked.id);
            if (asked.kind == 1) {
                assertThat(to.bytes(base + AREA + (long) asked.slot * MAX_BYTES, asked.content.length))
                        .isEqualTo(asked.content);
            } else if (asked.kind == 2) {
                assertThat(from.bytes(base + 3L * AREA + (long) asked.slot * MAX_BYTES, asked.content.length))
                        .isEqualTo(asked.content);
            }
        }

        void received(VerbsPeer.Done done) {
            assertThat(done.status()).as(Completions.describe(done.status())).isZero();
            var asked = expected.remove();
            long at = base + 2L * AREA + done.id() % DEPTH * MAX_BYTES;
            assertThat(done.bytes()).isEqualTo(asked.content.length);
            assertThat(to.bytes(at, done.bytes())).isEqualTo(asked.content);
            to.receive(toPair, nextReceive++, at, MAX_BYTES);
        }
    }

    private final Random random = Seed.random("StressTest");
    private final Way[] ways = new Way[2 * PAIRS];

    @ParameterizedTest
    @ValueSource(ints = {1024, 4096})
    void everythingArrivesOnceAndWholeOverABadLink(int mtu) throws Exception {
        var settings = SoftSettings.of(Loopback.address()).withMaxPathMtu(mtu);
        try (var leftDevice = SoftDevice.open(settings, this::bad);
                var rightDevice = Loopback.device(this::bad);
                var left = new VerbsPeer(leftDevice, PAIRS * PART);
                var right = new VerbsPeer(rightDevice, PAIRS * PART)) {
            for (int i = 0; i < PAIRS; i++) {
                var leftPair = left.pair();
                var rightPair = right.pair();
                connect(left, right, leftPair, rightPair);
                ways[2 * i] = new Way(left, right, leftPair, rightPair, i * PART);
                // The other direction has the other half of each area to itself, since what is written to is also read.
                ways[2 * i + 1] = new Way(right, left, rightPair, leftPair, i * PART);
            }
            run(left, right);

            System.out.println("left " + told(leftDevice) + ", right " + told(rightDevice));
            assertThat(leftDevice.counters().get("sent_again")).isPositive();
            assertThat(rightDevice.counters().get("drop_icrc")).isPositive();
            assertThat(left.ends).isEmpty();
        }
    }

    private Wire bad(Wire wire) {
        return new FaultyWire(wire, FaultyWire.Faults.HARSH, new Random(random.nextLong()), false);
    }

    private static String told(SoftDevice device) {
        var counters = device.counters();
        counters.values().removeIf(count -> count == 0);
        return counters.toString();
    }

    private void run(VerbsPeer left, VerbsPeer right) {
        long deadline = System.nanoTime() + BOUND.toNanos() * Math.max(1, REQUESTS / 1000);
        int asked = 0;
        while (asked < REQUESTS
                || Arrays.stream(ways).anyMatch(way -> !way.sent.isEmpty() || !way.expected.isEmpty())) {
            var way = ways[random.nextInt(ways.length)];
            if (asked < REQUESTS && way.sent.size() < DEPTH && way.expected.size() < DEPTH) {
                way.ask();
                asked++;
            }
            if (left.cycle() + right.cycle() == 0) {
                LockSupport.parkNanos(10_000);
            }
            drain(left);
            drain(right);
            assertThat(System.nanoTime()).as("asked for " + asked).isLessThan(deadline);
        }
    }

    private void drain(VerbsPeer peer) {
        while (peer.pending() > 0) {
            var done = peer.take();
            for (var way : ways) {
                if (done.isReceive() && way.to == peer && way.toPair.number() == done.pair()) {
                    way.received(done);
                } else if (!done.isReceive() && way.from == peer && way.pair.number() == done.pair()) {
                    way.ended(done);
                }
            }
        }
    }

    private static void connect(VerbsPeer left, VerbsPeer right, VerbsQueuePair from, VerbsQueuePair to) {
        var reads = ConnectParameters.DEFAULT.withReads(4, 4);
        var connected = new CompletableFuture<Void>();
        try (var listening =
                right.device.listen(0, request -> request.accept(to, reads, new byte[0], right.listener))) {
            Thread.ofVirtual().start(() -> {
                try {
                    left.device.connect(from, listening.address(), reads, new byte[0], left.listener, BOUND);
                    connected.complete(null);
                } catch (RuntimeException failed) {
                    connected.completeExceptionally(failed);
                }
            });
            while (!connected.isDone()) {
                if (left.cycle() + right.cycle() == 0) {
                    LockSupport.parkNanos(10_000);
                }
            }
            connected.join();
        }
    }
}
