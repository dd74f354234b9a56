package io.doorbell.pcie;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.host.QueuePair;
import io.doorbell.nvme.Doorbell;
import io.doorbell.nvme.Status;
import java.lang.foreign.Arena;
import java.lang.management.ManagementFactory;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Random;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Queue pairs whose owner, device and control plane are threads of their own. */
class QueuePairLifeTest {
    private static final int MAX_TOKENS = 2_000_000;

    // Where allocations are counted: of 33 commands each, and at most a tenth of a byte for each.
    private static final int WINDOW_ROUNDS = 1_000;
    private static final int MOST_ROUNDS = 80_000;
    private static final long MOST_BYTES = WINDOW_ROUNDS * 33 / 10;

    /** A device that answers, on its own thread, in an order of its own, now and then nothing for a while, until it is cut off. */
    private static final class DeviceThread {
        private final QueuePairRig rig;
        private final Random random;
        private final boolean lies;
        private final Thread thread;
        private volatile boolean stopped;
        private volatile Throwable broken;

        DeviceThread(QueuePairRig rig, long seed, boolean lies) {
            this.rig = rig;
            this.lies = lies;
            random = new Random(seed);
            thread = Thread.ofPlatform().daemon().name("device").start(this::run);
        }

        private void run() {
            var held = new ArrayList<RingDevice.Command>();
            try {
                while (!stopped) {
                    held.addAll(rig.device.fetch());
                    int answers = held.isEmpty() ? 0 : random.nextInt(held.size() + 1);
                    for (int i = 0; i < answers && rig.device.hasRoom(); i++) {
                        var command = held.remove(random.nextInt(held.size()));
                        rig.device.complete(command, random.nextInt(50) == 0 ? Status.INTERNAL_ERROR : 0);
                        if (lies && random.nextInt(500) == 0 && rig.device.hasRoom()) {
                            // Once more, or of what may never have been.
                            rig.device.complete(random.nextBoolean() ? command.cid() : random.nextInt(1 << 16), 0, 0);
                        }
                    }
                    if (random.nextInt(100) == 0) {
                        Thread.yield();
                    }
                }
            } catch (IllegalStateException cutOff) {
                // Its queues were deleted.
            } catch (Throwable thrown) {
                broken = thrown;
            }
        }

        void stop() throws InterruptedException {
            stopped = true;
            thread.join();
            assertThat(broken).isNull();
        }
    }

    @Test
    void endsEachAcceptedCommandOnceWheneverItIsTakenBack() throws Exception {
        var random = Seed.random("revocation");
        for (int run = 0; run < 60; run++) {
            revokeAtARandomMoment(random, random.nextBoolean(), false);
        }
    }

    @Test
    void endsEachAcceptedCommandOnceWhateverTheDeviceSays() throws Exception {
        var random = Seed.random("revocation from a lying device");
        for (int run = 0; run < 60; run++) {
            revokeAtARandomMoment(random, random.nextBoolean(), true);
        }
    }

    private void revokeAtARandomMoment(Random random, boolean shadows, boolean lies) throws Exception {
        int entries = 2 + random.nextInt(40);
        boolean drain = random.nextBoolean();
        boolean resubmits = random.nextBoolean();
        var ended = new AtomicIntegerArray(MAX_TOKENS);
        var accepted = new boolean[MAX_TOKENS];
        var box = new AtomicReference<QueuePairRig>();
        var next = new int[1];
        var rig = new QueuePairRig(entries, shadows, (token, status, result) -> {
            ended.incrementAndGet((int) token);
            if (resubmits) {
                stage(box.get(), accepted, next, 1);
            }
        });
        box.set(rig);
        var failure = new AtomicReference<Throwable>();
        long ownerSeed = random.nextLong();
        var owner = Thread.ofPlatform().unstarted(() -> {
            try {
                use(rig, new Random(ownerSeed), accepted, next);
            } catch (Throwable thrown) {
                failure.set(thrown);
            }
        });
        rig.control.own(owner);
        var device = new DeviceThread(rig, random.nextLong(), lies);
        owner.start();

        LockSupport.parkNanos(random.nextInt(2_000_000));
        rig.control.stopSubmissions();
        if (drain) {
            long deadline = System.nanoTime() + 5_000_000_000L;
            while (rig.pair.inFlight() > 0 && !rig.hasFailed() && System.nanoTime() < deadline) {
                LockSupport.parkNanos(10_000);
            }
        }
        rig.control.delete(Duration.ofSeconds(1));
        rig.closeArena();
        long afterFence = wordsOf(rig);
        rig.control.fenced("test");
        owner.join();
        device.stop();

        assertThat(failure.get()).isNull();
        assertThat(wordsOf(rig)).as("no store to a doorbell after the fence").isEqualTo(afterFence);
        assertThat(rig.failures).hasSizeLessThanOrEqualTo(lies ? 1 : 0);
        for (int token = 0; token < next[0]; token++) {
            assertThat(ended.get(token))
                    .as("token %d, accepted %s", token, accepted[token])
                    .isEqualTo(accepted[token] ? 1 : 0);
        }
        assertThat(rig.pair.inFlight()).isZero();
        rig.close();
    }

    private static long wordsOf(QueuePairRig rig) {
        long bar = Doorbell.load(rig.tailBarWord, 0);
        return bar << 32
                | Doorbell.load(rig.shadows.segment(), Doorbell.shadowSubmissionTailOffset(QueuePairRig.QUEUE_ID, 0));
    }

    /** What a holder does until it learns that it holds nothing any more. */
    private static void use(QueuePairRig rig, Random random, boolean[] accepted, int[] next) {
        try {
            while (next[0] < MAX_TOKENS - 10) {
                int count = random.nextInt(5);
                for (int i = 0; i < count; i++) {
                    stage(rig, accepted, next, random.nextInt(10) == 0 ? 130 : 1 + random.nextInt(16));
                }
                if (random.nextInt(3) > 0) {
                    rig.pair.commit();
                }
                rig.pair.poll(1 + random.nextInt(8));
            }
        } catch (IllegalStateException fenced) {
            drainAfterFence(rig);
        }
    }

    private static void drainAfterFence(QueuePairRig rig) {
        try {
            while (true) {
                rig.pair.poll(3);
            }
        } catch (IllegalStateException fenced) {
            // Nothing left.
        }
    }

    private static void stage(QueuePairRig rig, boolean[] accepted, int[] next, int blocks) {
        int token = next[0];
        if (token >= MAX_TOKENS || blocks > 64 && rig.pair.depth() < 3) {
            return;
        }
        if (rig.pair.read(QueuePairRig.NSID, token, blocks, rig.data, 0, 0, token) >= 0) {
            accepted[token] = true;
            next[0]++;
        }
    }

    @Test
    void stopsAHolderThatDoesNothingButSubmit() throws Exception {
        var rig = new QueuePairRig(16, false, (token, status, result) -> {});
        var thrown = new AtomicReference<Throwable>();
        var owner = Thread.ofPlatform().unstarted(() -> {
            try {
                // A rogue one: it knows how to get around the refusal, and rings for ever.
                while (true) {
                    rig.read(0, 0);
                    rig.pair.commit();
                    rig.pair.poll(1);
                }
            } catch (IllegalStateException e) {
                thrown.set(e);
            }
        });
        rig.control.own(owner);
        var device = new DeviceThread(rig, 1, false);
        owner.start();
        LockSupport.parkNanos(20_000_000);

        rig.control.delete(Duration.ofSeconds(1));
        rig.closeArena();

        owner.join(10_000);
        assertThat(thrown.get()).isInstanceOf(IllegalStateException.class);
        long words = wordsOf(rig);
        device.stop();
        assertThat(wordsOf(rig)).isEqualTo(words);
        rig.close();
    }

    /** The fence falls between any two stores of a command: what was not accepted does not end, what was does. */
    @Test
    void acceptsACommandWhollyOrNotAtAll() throws Exception {
        var random = Seed.random("fence while staging");
        for (int run = 0; run < 150; run++) {
            var ended = new int[MAX_TOKENS];
            var accepted = new boolean[MAX_TOKENS];
            var next = new int[1];
            var rig = new QueuePairRig(64, run % 2 == 0, (token, status, result) -> ended[(int) token]++);
            var thrown = new AtomicReference<Throwable>();
            var owner = Thread.ofPlatform().unstarted(() -> {
                try {
                    while (next[0] < MAX_TOKENS - 200) {
                        for (int i = 0; i < 40; i++) {
                            stage(rig, accepted, next, i == 7 ? 130 : 100);
                        }
                        rig.pair.commit();
                        rig.device.fetch().forEach(rig.device::complete);
                        rig.pair.poll(64);
                    }
                } catch (IllegalStateException fenced) {
                    thrown.set(fenced);
                    drainAfterFence(rig);
                }
            });
            rig.control.own(owner);
            owner.start();
            LockSupport.parkNanos(200_000 + random.nextInt(2_000_000));

            rig.pair.deleted();
            rig.closeArena();
            owner.join();

            assertThat(thrown.get()).isNotNull();
            for (int token = 0; token <= next[0]; token++) {
                assertThat(ended[token])
                        .as("token %d, accepted %s", token, accepted[token])
                        .isEqualTo(accepted[token] ? 1 : 0);
            }
            assertThat(rig.pair.inFlight()).isZero();
            rig.close();
        }
    }

    /** As when a device is pulled while its BAR is mapped: the store is a SIGBUS, of which the JVM makes an error. */
    @Test
    void survivesTheLossOfItsDoorbells(@TempDir Path directory) throws Exception {
        try (var file = FileChannel.open(
                        Files.createFile(directory.resolve("bar")), StandardOpenOption.READ, StandardOpenOption.WRITE);
                var arena = Arena.ofShared()) {
            var bar = file.map(FileChannel.MapMode.READ_WRITE, 0, TestAccess.DOORBELL_BYTES, arena);
            try (var rig = new QueuePairRig(new TestAccess(bar), 8, false, (token, status, result) -> {})) {
                rig.control.own(Thread.currentThread());
                rig.read(0, 0);
                rig.pair.commit();
                rig.device.fetch().forEach(rig.device::complete);
                assertThat(rig.pair.poll(8)).isEqualTo(1);

                file.truncate(0);
                rig.read(1, 1);
                rig.pair.commit();

                assertThat(rig.unreachable).singleElement().asString().contains("storing to a doorbell failed");
                assertThat(rig.read(2, 2)).isEqualTo(QueuePair.NOT_CONNECTED);
                rig.pair.endWith(new PcieQueuePair.Ending("removed", Status.HOST_PATHING_ERROR));
                assertThat(rig.pair.poll(8)).isEqualTo(1);
            }
        }
    }

    @Test
    void allocatesNothingForACommand() {
        var rig = new QueuePairRig(64, true, (token, status, result) -> {});
        rig.control.own(Thread.currentThread());
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        var commands = new ArrayList<RingDevice.Command>();
        // The first rounds are the interpreter's and the compiler's, who take their time on a busy machine. An
        // allocation that is
        // in the code would be in every window.
        long least = Long.MAX_VALUE;
        long allocated = 0;

        for (int round = 1; round <= MOST_ROUNDS && least >= MOST_BYTES; round++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < 32; i++) {
                rig.read(i, i);
            }
            rig.pair.read(QueuePairRig.NSID, 0, 130, rig.data, 0, 0, 33);
            rig.pair.commit();
            long staged = threads.getCurrentThreadAllocatedBytes();
            commands.clear();
            commands.addAll(rig.device.fetch());
            commands.forEach(rig.device::complete);
            long answered = threads.getCurrentThreadAllocatedBytes();
            rig.pair.poll(64);
            long end = threads.getCurrentThreadAllocatedBytes();
            allocated += staged - before + end - answered;
            if (round % WINDOW_ROUNDS == 0) {
                least = Math.min(least, allocated);
                allocated = 0;
            }
        }

        assertThat(least).as("bytes in a window").isLessThan(MOST_BYTES);
        rig.close();
    }
}
