package io.doorbell.pcie;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.doorbell.backends.MemoryBackend;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.reactor.HandReactor;
import io.doorbell.storage.NamespaceSession;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.storage.NvmRequest;
import java.lang.foreign.Arena;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

class LeasedHotPathTest {
    private static final int DEPTH = 32;
    private static final int BLOCKS = 8;
    private static final int WARM_UP_ROUNDS = 1500;
    private static final int ROUNDS = 300;
    private static final int WINDOWS = 100;

    /** Half the smallest object for each command. */
    private static final long MOST_BYTES = ROUNDS * DEPTH * 8L;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private final HandReactor reactor = HandReactor.byHand("hand");
    private int ended;
    private int failed;

    private final class Request extends NvmRequest {
        @Override
        public void complete(int status) {
            ended++;
            failed += status == 0 ? 0 : 1;
        }
    }

    @Test
    void allocatesNothingPerCommand() {
        try (var rig = new LeasedRig();
                var arena = Arena.ofConfined()) {
            var stored = new MemoryBackend().open(NamespaceSpec.parse("memory:4MiB:512"));
            var namespace = rig.leased(rig.device(stored));
            var session = namespace.open(reactor);
            var requests = new Request[DEPTH];
            for (int i = 0; i < DEPTH; i++) {
                requests[i] = new Request();
                requests[i].opc = i % 2 == 0 ? NvmOpcode.WRITE : NvmOpcode.READ;
                requests[i].slba = (long) i * BLOCKS;
                requests[i].blockCount = BLOCKS;
                requests[i].addPiece(arena.allocate(512 * BLOCKS, 4096), 0, 512 * BLOCKS);
            }
            rounds(session, requests, WARM_UP_ROUNDS);

            // Until the compiler is done with it, views of memory are objects. An allocation that is in the code would
            // be in
            // every window.
            long least = Long.MAX_VALUE;
            long thread = Thread.currentThread().threadId();
            for (int window = 0; window < WINDOWS && least >= MOST_BYTES; window++) {
                long before = threads.getThreadAllocatedBytes(thread);
                rounds(session, requests, ROUNDS);
                least = Math.min(least, threads.getThreadAllocatedBytes(thread) - before);
            }

            System.out.println("allocated for " + ROUNDS * DEPTH + " commands: " + least + " bytes");
            assertThat(failed).isZero();
            assertThat(least).isLessThan(MOST_BYTES);
            session.close();
            namespace.close();
        }
    }

    private void rounds(NamespaceSession session, Request[] requests, int count) {
        for (int round = 0; round < count; round++) {
            ended = 0;
            for (var request : requests) {
                if (session.submit(request) != NvmRequest.PENDING) {
                    throw new AssertionError("not pending");
                }
            }
            while (ended < requests.length) {
                reactor.cycle();
                session.poll(0);
                Thread.onSpinWait();
            }
        }
    }
}
