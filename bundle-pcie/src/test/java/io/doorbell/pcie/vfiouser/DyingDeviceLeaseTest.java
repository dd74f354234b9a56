package io.doorbell.pcie.vfiouser;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.doorbell.host.DmaMemory;
import io.doorbell.host.QueuePair;
import io.doorbell.lease.LeaseException;
import io.doorbell.lease.LeaseListener;
import io.doorbell.lease.LeaseRequest;
import io.doorbell.lease.LeaseState;
import io.doorbell.lease.QueuePairLease;
import io.doorbell.lease.ResourceManager;
import io.doorbell.lease.RevocationReason;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.TransportId;
import io.doorbell.pci.PciException;
import io.doorbell.pcie.PcieController;
import io.doorbell.pcie.PcieOptions;
import io.doorbell.platform.Descriptor;
import io.doorbell.resources.lease.Holder;
import io.doorbell.resources.lease.LeaseManager;
import io.doorbell.resources.lease.LeaseOptions;
import io.doorbell.vfiouser.Command;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A device dies in each step of its bring-up, while a lease of it is made, right after it was granted, while it is used or given back: some dozen
 * times by default, {@code -Ddoorbell.kills=N} times if asked. Whoever had a lease hears of its end, soon, and with the reason; nobody hears twice.
 */
@Timeout(3600)
class DyingDeviceLeaseTest {
    private static final int LIVES = Integer.getInteger("doorbell.kills", 40);
    private static final int DEPTH = 16;
    private static final int BLOCK_BYTES = 512;

    /** Answers to a client until its first lease is granted, and some more. */
    private static final int MOST_ANSWERS = 90;

    private static final int MOST_MICROS = 3_000;
    private static final int SHORT_LEASE_MICROS = 500;
    private static final Duration LIFE_BOUND = Duration.ofSeconds(60);

    /** A device that has died answers nothing, so nothing of it is waited for. */
    private static final Duration END_BOUND = Duration.ofSeconds(15);

    private static final Duration LEASE_WAIT = Duration.ofSeconds(2);
    private static final PcieOptions OPTIONS =
            PcieOptions.DEFAULTS.withTimeouts(Duration.ofSeconds(1), Duration.ofSeconds(1));

    @TempDir
    Path directory;

    private final List<String> violations = new CopyOnWriteArrayList<>();
    private final AtomicInteger granted = new AtomicInteger();
    private volatile boolean stop;

    // The holder's.
    private long completions;
    private long longestEndNanos;
    private int gone;

    /** Cuts a connection at one of its answers. */
    private static final class Death implements Relay.Change {
        private int answers;
        private int last;
        private Runnable cut;
        volatile boolean happened;

        @Override
        public MemorySegment answer(int command, MemorySegment payload, List<Descriptor> descriptors) {
            boolean over;
            synchronized (this) {
                answers = command == Command.VERSION ? 0 : answers + 1;
                over = answers >= last;
            }
            if (over) {
                happened = true;
                cut.run();
            }
            return payload;
        }

        synchronized void nextLife(int mostAnswers) {
            last = mostAnswers;
            happened = false;
        }
    }

    /** The parts of a node, as a container puts them together. */
    private final class Node implements AutoCloseable {
        final LeaseManager leases;
        private final VfioUserWatch watch;
        private final Map<VfioUserFunction, Thread> driven = new ConcurrentHashMap<>();
        private final Map<VfioUserFunction, PcieController> controllers = new ConcurrentHashMap<>();

        Node(DeviceRig rig) {
            leases = new LeaseManager(LeaseOptions.DEFAULT, rig.reactors);
            watch = new VfioUserWatch(
                    directory.resolve("relay"), Duration.ofMillis(1500), Duration.ofMillis(20), this::came, this::went);
        }

        private void came(VfioUserFunction function) {
            driven.put(function, Thread.ofVirtual().start(() -> drive(function)));
        }

        private void drive(VfioUserFunction function) {
            try {
                var controller = PcieController.open(function, OPTIONS);
                controllers.put(function, controller);
                leases.addController(controller);
            } catch (PciException | NvmeException died) {
                // In its bring-up.
            } catch (RuntimeException | Error defect) {
                violations.add("bring-up: " + defect);
            }
        }

        private void went(VfioUserFunction function) {
            try {
                if (!driven.remove(function).join(LIFE_BOUND)) {
                    violations.add("a bring-up does not end");
                }
            } catch (InterruptedException closing) {
                Thread.currentThread().interrupt();
            }
            var controller = controllers.remove(function);
            if (controller != null) {
                leases.removeController(controller);
                controller.close();
            }
        }

        @Override
        public void close() {
            watch.close();
            leases.close();
        }
    }

    @Test
    void givesEachHolderTheEndOfItsLease() throws Exception {
        int mapped = ProcessState.mappings("doorbell-dma");
        long seed = Long.getLong("doorbell.seed", System.nanoTime());
        System.out.println("dying device: -Ddoorbell.seed=" + seed + " -Ddoorbell.kills=" + LIVES);
        var random = new Random(seed);
        var death = new Death();
        try (var device = new DeviceRig(directory.resolve("device"));
                var relay = new Relay(directory.resolve("relay"), directory.resolve("device"), death);
                var node = new Node(device)) {
            death.cut = relay::cut;
            var resources = node.leases.open(new Holder(1, "test", "1.0"));
            var holder = Thread.ofPlatform().name("holder").start(() -> hold(resources, new Random(seed + 1)));
            for (int life = 0; life < LIVES; life++) {
                live(life, random, death, relay);
                assertThat(violations).isEmpty();
            }
            death.nextLife(Integer.MAX_VALUE);
            int before = granted.get();
            await().atMost(LIFE_BOUND).until(() -> granted.get() > before);
            stop = true;
            holder.join();
            assertThat(violations).isEmpty();
            assertThat(node.leases.leases()).isEmpty();
        }
        ProcessState.await(() -> ProcessState.mappings("doorbell-dma") <= mapped);
        System.out.printf(
                "dying device: %d lives, %d leases, %d ended with the controller, the longest end took %d ms%n",
                LIVES, granted.get(), gone, longestEndNanos / 1_000_000);
        assertThat(gone).isPositive();
    }

    /** One connection to the device, from its beginning to its end. */
    private void live(int life, Random random, Death death, Relay relay) {
        boolean byAnswers = random.nextInt(3) == 0;
        int before = granted.get();
        death.nextLife(byAnswers ? life % MOST_ANSWERS : Integer.MAX_VALUE);
        await().atMost(LIFE_BOUND)
                .pollInterval(Duration.ofNanos(50_000))
                .until(() -> granted.get() > before || death.happened || !violations.isEmpty());
        if (random.nextBoolean()) {
            LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(random.nextInt(MOST_MICROS)));
        }
        relay.cut();
    }

    // ------ the holder

    private void hold(ResourceManager resources, Random random) {
        try {
            while (!stop) {
                holdOnce(resources, random);
            }
        } catch (RuntimeException | Error | InterruptedException defect) {
            violations.add("the holder ended by " + defect);
        }
    }

    /** What the holder of one lease hears. */
    private final class Ear implements LeaseListener {
        final CompletableFuture<RevocationReason> ended = new CompletableFuture<>();
        volatile boolean takenBack;

        @Override
        public void revoking(QueuePairLease lease, RevocationReason reason, Duration grace) {
            takenBack = true;
        }

        @Override
        public void ended(QueuePairLease lease, LeaseState state, RevocationReason reason) {
            takenBack = true;
            if (!ended.complete(reason)) {
                violations.add(lease + " ended twice");
            }
        }
    }

    private void holdOnce(ResourceManager resources, Random random) throws InterruptedException {
        var ear = new Ear();
        QueuePairLease lease;
        try {
            var trid = TransportId.of(
                    TransportId.Type.VFIOUSER, directory.resolve("relay").toString());
            lease = resources.lease(LeaseRequest.of(trid, Thread.currentThread(), (_, _, _) -> completions++, "test")
                    .withQueueEntries(DEPTH + 1)
                    .withListener(ear)
                    .withWaitBound(LEASE_WAIT));
        } catch (LeaseException died) {
            return;
        }
        granted.incrementAndGet();
        long before = completions;
        long accepted = load(lease, ear, random);
        long start = System.nanoTime();
        lease.close();
        while (lease.queuePair().inFlight() > 0 && System.nanoTime() - start < END_BOUND.toNanos()) {
            poll(lease.queuePair());
        }
        awaitEnd(lease, ear, start);
        if (completions - before != accepted) {
            violations.add(completions - before + " ends of the " + accepted + " commands of " + lease);
        }
    }

    /** Until the lease is taken back, or for a moment. Returns how many commands were accepted. */
    private long load(QueuePairLease lease, Ear ear, Random random) {
        var pair = lease.queuePair();
        long accepted = 0;
        boolean refused = false;
        long until = System.nanoTime()
                + TimeUnit.MICROSECONDS.toNanos(random.nextInt(random.nextBoolean() ? SHORT_LEASE_MICROS : 50_000));
        try {
            var data = lease.allocate((long) DEPTH * BLOCK_BYTES);
            while (!refused && System.nanoTime() < until) {
                int staged = stage(pair, data, random.nextInt(DEPTH));
                refused = staged < 0 && staged != QueuePair.QUEUE_FULL;
                accepted += staged == 0 ? 1 : 0;
                pair.commit();
                pair.poll(DEPTH);
            }
        } catch (LeaseException | IllegalStateException fenced) {
            refused = true;
        }
        // Whoever is refused waits to be told why.
        long start = System.nanoTime();
        while (refused && !ear.takenBack && System.nanoTime() - start < END_BOUND.toNanos()) {
            poll(pair);
        }
        if (refused && !ear.takenBack) {
            violations.add(lease + " takes no commands and is not taken back: " + lease.state());
        }
        return accepted;
    }

    private void awaitEnd(QueuePairLease lease, Ear ear, long startNanos) throws InterruptedException {
        try {
            if (ear.ended.get(END_BOUND.toNanos(), TimeUnit.NANOSECONDS) == RevocationReason.CONTROLLER_GONE) {
                gone++;
            }
        } catch (TimeoutException late) {
            violations.add(lease + " did not end: " + lease.state());
        } catch (ExecutionException never) {
            throw new AssertionError(never);
        }
        longestEndNanos = Math.max(longestEndNanos, System.nanoTime() - startNanos);
    }

    private static int stage(QueuePair pair, DmaMemory data, int slot) {
        return pair.read(DeviceRig.NSID, slot, 1, data, (long) slot * BLOCK_BYTES, 0, slot);
    }

    private static void poll(QueuePair pair) {
        try {
            pair.poll(DEPTH);
        } catch (IllegalStateException fenced) {
            // Nothing is left to poll.
        }
        Thread.yield();
    }
}
