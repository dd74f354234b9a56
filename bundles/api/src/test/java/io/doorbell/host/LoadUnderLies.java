package io.doorbell.host;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.NvmeException;
import java.time.Duration;
import java.util.Random;

/** Reads and writes on a controller whose target may lie: whatever comes of it, each command that is accepted ends once. */
public final class LoadUnderLies {
    private static final int COMMANDS = 60;
    private static final int BLOCKS = 40;

    private final NvmeController controller;
    private final Random random;
    private final Runnable brokenOff;

    /** @param brokenOff called when a queue pair was not to be had */
    public LoadUnderLies(NvmeController controller, Random random, Runnable brokenOff) {
        this.controller = controller;
        this.random = random;
        this.brokenOff = brokenOff;
    }

    /** One queue pair after the other, as long as the controller lasts, at most so many. */
    public void run(int mostQueuePairs) {
        int pairs = 0;
        while (pairs < mostQueuePairs && useQueuePair()) {
            pairs++;
        }
    }

    /** Returns whether there may be another one. */
    private boolean useQueuePair() {
        var ends = new int[COMMANDS];
        HeldQueuePair held;
        try {
            held = new HeldQueuePair(
                    controller,
                    17,
                    17L * BLOCKS * 512,
                    (token, status, result) -> ends[(int) token]++,
                    PathOptions.DEFAULTS);
        } catch (NvmeException | IllegalArgumentException lied) {
            brokenOff.run();
            return false;
        }
        int accepted;
        try (held) {
            accepted = load(held, ends);
        }
        while (held.pair.inFlight() > 0) {
            held.pair.poll(16);
        }
        for (int token = 0; token < COMMANDS; token++) {
            assertThat(ends[token]).as("ends of command %d", token).isEqualTo(token < accepted ? 1 : 0);
        }
        return controller.state() == ControllerState.READY;
    }

    private int load(HeldQueuePair held, int[] ends) {
        int accepted = 0;
        int blockSeed = random.nextInt(1000);
        long deadline = System.nanoTime() + Duration.ofMillis(200).toNanos();
        while (accepted < COMMANDS && System.nanoTime() - deadline < 0) {
            int blocks = 1 + (accepted * 7 + blockSeed) % BLOCKS;
            long at = accepted % 16 * (long) BLOCKS * 512;
            int staged;
            try {
                staged = accepted % 3 == 0
                        ? held.pair.write(1, accepted * 50L, blocks, held.data, at, 0, accepted)
                        : held.pair.read(1, accepted * 50L, blocks, held.data, at, 0, accepted);
            } catch (IllegalArgumentException lied) {
                // Of its namespaces.
                return accepted;
            }
            if (staged == 0) {
                accepted++;
            } else if (staged != QueuePair.QUEUE_FULL) {
                break;
            }
            held.pair.commit();
            if (held.pair.poll(4) == 0) {
                Thread.yield();
            }
        }
        while (held.pair.inFlight() > 0 && System.nanoTime() - deadline < 0) {
            if (held.pair.poll(16) == 0) {
                Thread.yield();
            }
        }
        return accepted;
    }
}
