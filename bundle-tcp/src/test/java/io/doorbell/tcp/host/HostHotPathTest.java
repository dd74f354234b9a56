package io.doorbell.tcp.host;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.doorbell.host.HeldQueuePair;
import io.doorbell.tcp.Node;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HostHotPathTest {
    private static final int DEPTH = 32;
    private static final int WARM_UP_ROUNDS = 600;
    private static final int ROUNDS = 300;
    private static final int WINDOWS = 100;

    /** A park of a virtual thread here and there; half the smallest object for each command. */
    private static final long MOST_BYTES = ROUNDS * DEPTH * 8L;

    private int ended;

    @ParameterizedTest(name = "digests: {0}")
    @ValueSource(booleans = {false, true})
    void allocatesNothingPerCommand(boolean digests) {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (var node = new Node(Node.settings(0, 8192, 16, true));
                var rig = new HostRig(
                        node.target.address(),
                        Node.NQN,
                        HostRig.OPTIONS,
                        TcpHostSettings.DEFAULTS.withDigests(digests, digests));
                var held = rig.hold(DEPTH + 1, DEPTH * 16_384L, (token, status, result) -> ended++)) {
            rounds(held, WARM_UP_ROUNDS);

            // As for the target: an allocation that is in the code would be in every window.
            long least = Long.MAX_VALUE;
            for (int window = 0; window < WINDOWS && least >= MOST_BYTES; window++) {
                long before = threads.getCurrentThreadAllocatedBytes();
                rounds(held, ROUNDS);
                least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
            }

            System.out.println("allocated for " + ROUNDS * DEPTH + " commands: " + least + " bytes");
            assertThat(least).isLessThan(MOST_BYTES);
        }
    }

    /** Reads, Writes in capsules and Writes that are asked for. */
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
            while (ended < DEPTH) {
                held.pair.poll(DEPTH);
            }
        }
    }
}
