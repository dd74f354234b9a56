package io.doorbell.rdmahost;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import com.sun.management.ThreadMXBean;
import io.doorbell.host.HeldQueuePair;
import java.lang.management.ManagementFactory;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class HotPathTest {
    private static final int DEPTH = 32;
    private static final int WARM_UP_ROUNDS = 400;
    private static final int ROUNDS = 100;
    private static final int WINDOWS = 100;

    /** Half the smallest object for each command. */
    private static final long MOST_BYTES = ROUNDS * DEPTH * 8L;

    private static final long BOUND_NANOS = TimeUnit.MINUTES.toNanos(1);

    private int ended;

    @Test
    void allocatesNothingPerCommandOnEitherThread() {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (var node = new Node(8192);
                var host = node.host();
                var held = host.hold(DEPTH + 1, DEPTH * 16_384L, (token, status, result) -> ended++)) {
            long reactor = node.hostReactors.reactors().getFirst().thread().threadId();
            rounds(held, WARM_UP_ROUNDS);

            // An allocation that is in the code would be in every window.
            long owner = Long.MAX_VALUE;
            long wire = Long.MAX_VALUE;
            for (int window = 0; window < WINDOWS && Math.max(owner, wire) >= MOST_BYTES; window++) {
                long ownerBefore = threads.getCurrentThreadAllocatedBytes();
                long wireBefore = threads.getThreadAllocatedBytes(reactor);
                rounds(held, ROUNDS);
                owner = Math.min(owner, threads.getCurrentThreadAllocatedBytes() - ownerBefore);
                wire = Math.min(wire, threads.getThreadAllocatedBytes(reactor) - wireBefore);
            }

            System.out.println("allocated for " + ROUNDS * DEPTH + " commands: " + owner + " bytes by the owner, "
                    + wire + " by the reactor");
            assertThat(owner).isLessThan(MOST_BYTES);
            assertThat(wire).isLessThan(MOST_BYTES);
        }
    }

    /** Reads, Writes in capsules and Writes that are read by the target. */
    private void rounds(HeldQueuePair held, int count) {
        for (int round = 0; round < count; round++) {
            ended = 0;
            for (int i = 0; i < DEPTH; i++) {
                long at = i * 16_384L;
                if (i % 2 == 0) {
                    held.pair.read(2, i, 1, held.data, at, 0, i);
                } else {
                    held.pair.write(2, i, i % 4 == 1 ? 1 : 4, held.data, at, 0, i);
                }
            }
            held.pair.commit();
            long deadline = System.nanoTime() + BOUND_NANOS;
            while (ended < DEPTH) {
                if (held.pair.poll(DEPTH) == 0) {
                    if (System.nanoTime() - deadline > 0) {
                        fail(ended + " commands ended in round " + round);
                    }
                    Thread.yield();
                }
            }
        }
    }
}
