package io.doorbell.rdmasoft;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.doorbell.verbs.SendRequests;
import io.doorbell.verbs.VerbsContract;
import io.doorbell.verbs.VerbsDevice;
import io.doorbell.verbs.VerbsPeer;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

/** What a request costs, beside its time. */
class HotPathTest {
    private static final int WARM_UP_ROUNDS = 3000;
    private static final int ROUNDS = 300;
    private static final int WINDOWS = 100;
    private static final int REQUESTS = 4;

    /** Half the smallest object for each request. */
    private static final long MOST_BYTES = ROUNDS * REQUESTS * 8L;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /** Borrows the contract's way of connecting. */
    private static final class Rig extends VerbsContract {
        final SoftDevice active = Loopback.device();
        final SoftDevice passive = Loopback.device();

        @Override
        protected VerbsDevice active() {
            return active;
        }

        @Override
        protected VerbsDevice passive() {
            return passive;
        }

        void begin() {
            left = new VerbsPeer(active, 1 << 20);
            right = new VerbsPeer(passive, 1 << 20);
            connect();
        }

        void round() {
            right.receives.clear();
            right.receives.receive(1);
            right.receives.segment(right.at(0), 64, right.region.localKey());
            rightPair.postReceive(right.receives);
            left.sends.clear();
            left.sends.write(1, 0, right.at(65_536), right.region.remoteKey());
            left.piece(0, 16_384);
            left.sends.read(2, 0, right.at(65_536), right.region.remoteKey());
            left.piece(65_536, 16_384);
            left.sends.send(3, SendRequests.SIGNALED);
            left.piece(0, 64);
            leftPair.post(left.sends);
            while (left.queueIsEmpty()) {
                left.reactor.cycle();
                right.reactor.cycle();
            }
            left.discard();
            right.discard();
        }

        void end() throws Exception {
            left.close();
            right.close();
            active.close();
            passive.close();
        }
    }

    @Test
    void allocatesNothingPerRequest() throws Exception {
        var rig = new Rig();
        rig.begin();
        try {
            for (int i = 0; i < WARM_UP_ROUNDS; i++) {
                rig.round();
            }
            // Until the compiler is done with it, views of memory are objects; an allocation that is in the code would
            // be
            // in every window.
            long least = Long.MAX_VALUE;
            long thread = Thread.currentThread().threadId();
            for (int window = 0; window < WINDOWS && least >= MOST_BYTES; window++) {
                long before = threads.getThreadAllocatedBytes(thread);
                for (int i = 0; i < ROUNDS; i++) {
                    rig.round();
                }
                least = Math.min(least, threads.getThreadAllocatedBytes(thread) - before);
            }
            System.out.println("allocated for " + ROUNDS * REQUESTS + " requests at both ends: " + least + " bytes");
            assertThat(least).isLessThan(MOST_BYTES);
        } finally {
            rig.end();
        }
    }
}
