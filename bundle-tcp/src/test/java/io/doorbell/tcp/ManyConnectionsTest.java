package io.doorbell.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.doorbell.fabrics.DataPool;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.TcpPdu;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Hundreds of connections on one reactor; thousands by {@code -Ddoorbell.connections}, as many as a target may have. */
@Timeout(300)
class ManyConnectionsTest {
    /** Of what takes some milliseconds, on a machine that has much else to do. */
    private static final Duration BOUND = Duration.ofSeconds(60);

    private static final int CONNECTIONS = Integer.getInteger("doorbell.connections", 300);
    private static final int CONNECTIONS_PER_HOST = 10;
    private static final int ENTRIES = 32;
    private static final int BLOCK = 512;
    private static final int BYTES = 4096;
    private static final int LONGEST = 1 << 17;
    private static final int BUFFER_MEBIBYTES = 4;

    private static final int CHUNKS = (BUFFER_MEBIBYTES << 20) / DataPool.CHUNK_BYTES;
    private static final int BAD_OF_A_KIND = 4;

    /** Each with an admin queue, and the good one with its. */
    private static final int MORE = 7 * BAD_OF_A_KIND + 2;

    private static final int MOST_SAMPLES = 2000;

    /** What a percentile needs, however slow the machine is. */
    private static final int LEAST_SAMPLES = 200;

    private static final int PART_SAMPLES = 50;

    private static final long SAMPLES_NANOS = TimeUnit.SECONDS.toNanos(8);
    private static final long GOOD_SLBA = 100_000;

    /** A thread that is not run at once, on a machine that has other things to do. */
    private static final long GRACE_NANOS = 200_000_000;

    private final Node node = new Node(new TcpTargetSettings(
            "many",
            "127.0.0.1",
            0,
            Set.of(),
            1,
            CONNECTIONS + MORE,
            ENTRIES,
            CONNECTIONS_PER_HOST,
            8192,
            LONGEST,
            BUFFER_MEBIBYTES,
            false,
            false,
            false));
    private final List<RawHost> all = new ArrayList<>();
    private final List<RawHost> admins = new ArrayList<>();
    private final List<RawHost> queues = new ArrayList<>();
    private final List<Runnable> slows = new ArrayList<>();
    private final List<IntConsumer> greedy = new ArrayList<>();
    private int lastController;
    private int lastQid;

    @BeforeEach
    void connect() {
        while (all.size() < CONNECTIONS) {
            if (all.size() % CONNECTIONS_PER_HOST == 0) {
                var admin = host();
                admins.add(admin);
                lastController = admin.admin(0);
                lastQid = 0;
            } else {
                queues.add(queue());
            }
        }
        assertThat(node.target.connections()).isEqualTo(CONNECTIONS);
    }

    @AfterEach
    void close() {
        all.forEach(RawHost::close);
        await().atMost(BOUND).until(() -> node.target.connections() == 0 && node.fabrics.associations() == 0);
        assertThat(node.target.heldParts()).isZero();
        node.close();
    }

    private RawHost host() {
        var host = new RawHost(node.target.address());
        all.add(host);
        return host;
    }

    /** Of the controller that was made last. */
    private RawHost queue() {
        return host().io(++lastQid, ENTRIES, lastController, 0, 0);
    }

    private static MemorySegment command(int opc, int cid, long slba, int bytes) {
        return RawHost.command(opc, cid, 1, (int) slba, 0, bytes / BLOCK - 1);
    }

    private static byte[] content(int queue, int round) {
        var bytes = new byte[BYTES];
        Arrays.fill(bytes, (byte) (31 * queue + 7 * round + 1));
        return bytes;
    }

    /** A Write and a Read on every I/O queue, a Keep Alive on every admin queue: all are sent before an answer is read. */
    private void everybodyWorks(int round) {
        for (int i = 0; i < queues.size(); i++) {
            queues.get(i).sendInCapsule(command(NvmOpcode.WRITE, 1, slba(i), BYTES), content(i, round));
        }
        for (var admin : admins) {
            admin.send(RawHost.command(AdminOpcode.KEEP_ALIVE, 3, 0, 0, 0, 0), 0);
        }
        for (var queue : queues) {
            assertThat(queue.read().status()).isZero();
        }
        for (int i = 0; i < queues.size(); i++) {
            queues.get(i).send(command(NvmOpcode.READ, 2, slba(i), BYTES), BYTES);
        }
        for (int i = 0; i < queues.size(); i++) {
            assertThat(queues.get(i).read().data()).as("queue %d", i).isEqualTo(content(i, round));
            assertThat(queues.get(i).read().status()).isZero();
        }
        for (var admin : admins) {
            assertThat(admin.read().status()).isZero();
        }
    }

    private static long slba(int queue) {
        return (long) queue * (BYTES / BLOCK);
    }

    @Test
    void allAreHeldWithWorkOnAll() {
        for (int round = 0; round < 5; round++) {
            everybodyWorks(round);
        }

        assertThat(node.target.connections()).isEqualTo(CONNECTIONS);
        assertThat(all).noneMatch(RawHost::hasMore);
    }

    /**
     * How long each of many commands of one host took, one after the other, and read back what it wrote. As many as there is time
     * for.
     */
    private long[] latencies(RawHost good) {
        var nanos = new long[MOST_SAMPLES];
        int count = 0;
        long start = System.nanoTime();
        for (int i = 0; i < MOST_SAMPLES && (i < LEAST_SAMPLES || System.nanoTime() - start < SAMPLES_NANOS); i += 2) {
            var content = content(7, i);
            long begun = System.nanoTime();
            good.sendInCapsule(command(NvmOpcode.WRITE, 1, GOOD_SLBA, BYTES), content);
            assertThat(good.read().status()).isZero();
            long written = System.nanoTime();
            good.send(command(NvmOpcode.READ, 2, GOOD_SLBA, BYTES), BYTES);
            assertThat(good.read().data()).isEqualTo(content);
            assertThat(good.read().status()).isZero();
            nanos[i] = written - begun;
            nanos[i + 1] = System.nanoTime() - written;
            count = i + 2;
        }
        return Arrays.copyOf(nanos, count);
    }

    private static long percentile(long[] nanos, double percent) {
        var sorted = nanos.clone();
        Arrays.sort(sorted);
        return sorted[Math.min(sorted.length - 1, (int) (sorted.length * percent / 100))];
    }

    /** The median of the best part: what the machine has to do beside this comes and goes, what a bad host does is always there. */
    private static long bestMedian(long[] nanos) {
        long best = Long.MAX_VALUE;
        for (int from = 0; from + PART_SAMPLES <= nanos.length; from += PART_SAMPLES) {
            best = Math.min(best, percentile(Arrays.copyOfRange(nanos, from, from + PART_SAMPLES), 50));
        }
        return best;
    }

    private static String text(String when, long[] nanos) {
        return String.format(
                "%-28s %4d commands, p50 %6d us, p99 %6d us, p99.9 %6d us, longest %6d us",
                when,
                nanos.length,
                percentile(nanos, 50) / 1000,
                percentile(nanos, 99) / 1000,
                percentile(nanos, 99.9) / 1000,
                percentile(nanos, 100) / 1000);
    }

    /** The same while all others work, as they do all the time. */
    private long[] latenciesUnderLoad(RawHost good) throws Exception {
        var stop = new AtomicBoolean();
        var others = CompletableFuture.runAsync(() -> {
            for (int round = 1; !stop.get(); round++) {
                everybodyWorks(round);
                slows.forEach(Runnable::run);
            }
        });
        try {
            return latencies(good);
        } finally {
            stop.set(true);
            others.get(60, TimeUnit.SECONDS);
        }
    }

    /** Hosts that make others wait, where they can: of each kind several. */
    private void addTheBad() {
        for (int i = 0; i < BAD_OF_A_KIND; i++) {
            var admin = host();
            lastController = admin.admin(0);
            lastQid = 0;
            addSlow();
            // Its window is closed from the first answers on.
            var deaf = new RawHost(node.target.address(), 8192);
            all.add(deaf);
            deaf.io(++lastQid, ENTRIES, lastController, 0, 0);
            greedy.add(cid -> deaf.send(command(NvmOpcode.READ, cid, 0, LONGEST), LONGEST));
            var dead = queue();
            greedy.add(cid -> dead.send(command(NvmOpcode.WRITE, cid, GOOD_SLBA + 8, LONGEST), LONGEST));
            var half = queue();
            half.write(
                    Arrays.copyOf(half.capsule(command(NvmOpcode.WRITE, 1, GOOD_SLBA, BYTES), new byte[BYTES]), 1000));
            var closed = queue();
            closed.send(command(NvmOpcode.READ, 1, 0, LONGEST), LONGEST);
            closed.shutdownOutput();
            host(); // And who says nothing at all.
        }
        for (int cid = 0; cid < ENTRIES - 1; cid++) {
            // Each would have all of the memory: data that it never reads, or that it never sends.
            int each = cid;
            greedy.forEach(one -> one.accept(each));
        }
    }

    /** Sends its data a byte at a time. */
    private void addSlow() {
        var slow = queue();
        slow.send(command(NvmOpcode.WRITE, 1, GOOD_SLBA + 8, LONGEST), LONGEST);
        int ttag = TcpPdu.ttag(slow.read().bytes(), 0);
        var data = slow.h2cData(1, ttag, 0, new byte[LONGEST], true);
        var sent = new AtomicInteger();
        slows.add(() -> slow.write(new byte[] {data[sent.getAndIncrement()]}));
    }

    @Test
    void latencyOfOneIsNotRuinedByTheDeadTheDeafAndTheSlow() throws Exception {
        var admin = host();
        lastController = admin.admin(0);
        lastQid = 0;
        var good = queue();
        everybodyWorks(0);
        latencies(good);
        var alone = latenciesUnderLoad(good);
        int idle = node.target.heldParts();
        addTheBad();
        await().atMost(BOUND).until(() -> node.target.heldParts() - idle > CHUNKS / 2);

        long begin = System.nanoTime();
        var beside = latenciesUnderLoad(good);
        long took = System.nanoTime() - begin;

        System.out.println(CONNECTIONS + " connections that work, and a host with one command at a time");
        System.out.println(text("beside them", alone));
        System.out.println(text("beside " + 6 * BAD_OF_A_KIND + " bad ones too", beside));
        // Long before anyone's patience with the dead ends, which would mend everything.
        assertThat(took).isLessThan(TcpConnection.PATIENCE_NANOS);
        assertThat(bestMedian(beside)).isLessThan(5 * percentile(alone, 50) + GRACE_NANOS / 100);
        assertThat(percentile(beside, 99)).isLessThan(10 * percentile(alone, 99) + GRACE_NANOS);
        assertThat(percentile(beside, 100)).isLessThan(10 * percentile(alone, 100) + 10 * GRACE_NANOS);
        assertThat(node.target.heldParts() - idle).isLessThan(CHUNKS + 6 * BAD_OF_A_KIND * ENTRIES);
    }
}
