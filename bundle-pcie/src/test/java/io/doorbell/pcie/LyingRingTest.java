package io.doorbell.pcie;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.host.QueuePair;
import io.doorbell.nvme.CompletionEntry;
import io.doorbell.nvme.Status;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Completion rings in which a device writes what it likes while I/O runs: some thousand entries by default, {@code -Ddoorbell.fuzz=1000000} if asked.
 * A lie fails the queue pair, loudly and alone, or is an answer that might have been true; each command ends once, whatever there is in the ring.
 */
@Timeout(7200)
class LyingRingTest {
    private static final long LIES = Long.getLong("doorbell.fuzz", 5_000);
    private static final int MOST_STEPS = 200;
    private static final int MOST_COMMANDS = 64 * MOST_STEPS;

    private final byte[] ends = new byte[MOST_COMMANDS];
    private int accepted;
    private int ended;
    private long lies;

    @Test
    void failTheirQueuePairAlone() {
        var seeds = Seed.random("lying rings");
        int cases = 0;
        int failed = 0;
        while (lies < LIES) {
            long seed = seeds.nextLong();
            try {
                failed += run(new Random(seed)) ? 1 : 0;
            } catch (RuntimeException | Error defect) {
                throw new AssertionError("case " + cases + ", seed " + seed, defect);
            }
            cases++;
        }
        System.out.println(
                "lying rings: " + lies + " lies in " + cases + " queue pairs, of which " + failed + " failed");
        assertThat(failed).isBetween(cases / 4, cases);
    }

    /** Returns whether the queue pair failed. */
    private boolean run(Random random) {
        java.util.Arrays.fill(ends, 0, accepted, (byte) 0);
        accepted = 0;
        ended = 0;
        int entries = 3 + random.nextInt(40);
        try (var rig = new QueuePairRig(entries, random.nextBoolean(), (token, status, result) -> {
            ends[(int) token]++;
            ended++;
        })) {
            rig.control.own(Thread.currentThread());
            boolean failed = load(rig, entries, random);
            rig.fence("the test is over");
            while (ended < accepted) {
                assertThat(rig.pair.poll(1 + random.nextInt(8))).isPositive();
            }
            for (int token = 0; token < accepted; token++) {
                assertThat(ends[token]).as("ends of command %d", token).isEqualTo((byte) 1);
            }
            assertThat(rig.pair.inFlight()).isZero();
            return failed;
        }
    }

    private boolean load(QueuePairRig rig, int entries, Random random) {
        var fetched = new ArrayList<RingDevice.Command>();
        try (var arena = Arena.ofConfined()) {
            var ring = rig.memory.completionRing(arena);
            for (int step = 0; step < MOST_STEPS; step++) {
                stage(rig, random);
                rig.pair.commit();
                fetched.addAll(rig.device.fetch());
                answer(rig, fetched, random);
                if (random.nextInt(4) == 0) {
                    lie(rig, ring, entries, fetched, random);
                }
                rig.pair.poll(1 + random.nextInt(8));
                if (rig.hasFailed()) {
                    assertThat(rig.failures.getFirst()).contains("test queue pair: completion at entry");
                    assertThat(rig.read(0, 0)).isEqualTo(QueuePair.NOT_CONNECTED);
                    int before = ended;
                    rig.pair.poll(8);
                    assertThat(ended)
                            .as("what is in flight waits for the end of the queues")
                            .isEqualTo(before);
                    return true;
                }
            }
        }
        return false;
    }

    private void stage(QueuePairRig rig, Random random) {
        for (int i = random.nextInt(8); i > 0; i--) {
            // 64 blocks go as one command, 100 as two.
            int blocks = random.nextInt(8) == 0 ? 100 : 8;
            int staged = rig.pair.read(QueuePairRig.NSID, random.nextInt(1000), blocks, rig.data, 0, 0, accepted);
            if (staged != 0) {
                return;
            }
            accepted++;
        }
    }

    private static void answer(QueuePairRig rig, List<RingDevice.Command> fetched, Random random) {
        for (int i = random.nextInt(6); i > 0 && !fetched.isEmpty() && rig.device.hasRoom(); i--) {
            var command = fetched.remove(random.nextInt(fetched.size()));
            rig.device.complete(command, random.nextInt(8) == 0 ? Status.INTERNAL_ERROR : 0);
        }
    }

    private void lie(
            QueuePairRig rig, MemorySegment ring, int entries, List<RingDevice.Command> fetched, Random random) {
        lies++;
        int known = fetched.isEmpty()
                ? 0
                : fetched.get(random.nextInt(fetched.size())).cid();
        switch (random.nextInt(6)) {
            case 0 -> post(rig, QueuePairRig.QUEUE_ID, random.nextInt(1 << 16), random);
            case 1 -> post(rig, random.nextInt(1 << 16), known, random);
            case 2 -> post(rig, QueuePairRig.QUEUE_ID, known ^ 1 << random.nextInt(16), random);
            // Answered before it was fetched, or twice.
            case 3 -> post(rig, QueuePairRig.QUEUE_ID, known, random);
            case 4 -> {
                long at = (long) random.nextInt(entries) * CompletionEntry.SIZE_BYTES;
                ring.set(ValueLayout.JAVA_LONG, at, random.nextLong());
                ring.set(ValueLayout.JAVA_LONG, at + Long.BYTES, random.nextLong());
            }
            default -> {
                for (long at = 0; at < ring.byteSize(); at += Long.BYTES) {
                    ring.set(ValueLayout.JAVA_LONG, at, random.nextLong());
                }
            }
        }
    }

    private static void post(QueuePairRig rig, int sqid, int cid, Random random) {
        if (rig.device.hasRoom()) {
            rig.device.post(sqid, cid, random.nextInt(1 << 15), random.nextLong());
        }
    }
}
