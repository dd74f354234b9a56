package io.doorbell.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.management.ThreadMXBean;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.nvme.TcpPdu;
import io.doorbell.reactor.Reactor;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class HotPathTest {
    /** Of what takes some milliseconds, on a machine that has much else to do. */
    private static final Duration BOUND = Duration.ofSeconds(60);

    private static final int DEPTH = 32;
    private static final int WARM_UP_ROUNDS = 600;
    private static final int ROUNDS = 300;
    private static final int WINDOWS = 100;

    /** In a window: the tick ten times a second, and a park now and then. Half the smallest object for each command. */
    private static final long MOST_BYTES = ROUNDS * DEPTH * 8L;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @Test
    void allocatesNothingPerCommand() {
        try (var node = new Node(Node.settings(0, 8192, 16, true));
                var admin = new RawHost(node.target.address());
                var io = new RawHost(node.target.address())) {
            io.io(1, 128, admin.admin(0), 0, 3);
            long thread = reactor(node).thread().threadId();
            rounds(io, WARM_UP_ROUNDS);

            // Until the compiler is done with it, views of memory are objects; when that is depends on what else the
            // machine does. An
            // allocation that is in the code would be in every window.
            long least = Long.MAX_VALUE;
            for (int window = 0; window < WINDOWS && least >= MOST_BYTES; window++) {
                long before = threads.getThreadAllocatedBytes(thread);
                rounds(io, ROUNDS);
                least = Math.min(least, threads.getThreadAllocatedBytes(thread) - before);
            }

            System.out.println("allocated for " + ROUNDS * DEPTH + " commands: " + least + " bytes");
            assertThat(least).isLessThan(MOST_BYTES);
        }
    }

    private static Reactor reactor(Node node) {
        return node.reactors.reactors().getFirst();
    }

    /** A batch of Reads and of Writes with their data, and all the answers. */
    private static void rounds(RawHost io, int count) {
        var batch = new java.io.ByteArrayOutputStream();
        for (int i = 0; i < DEPTH; i++) {
            boolean read = i % 2 == 0;
            var command = RawHost.command(read ? NvmOpcode.READ : NvmOpcode.WRITE, i, 1, i * 8, 0, 7);
            SubmissionEntry.sgl1(command, 0, read ? RawHost.TRANSPORT : RawHost.CAPSULE, 0, 4096);
            batch.writeBytes(io.capsule(command, new byte[read ? 0 : 4096]));
        }
        var bytes = batch.toByteArray();
        for (int round = 0; round < count; round++) {
            io.write(bytes);
            int answers = 0;
            while (answers < DEPTH) {
                var pdu = io.read();
                if (pdu.type() == TcpPdu.CAPSULE_RESP) {
                    assertThat(pdu.status()).isZero();
                    answers++;
                }
            }
        }
    }

    @Test
    void usesAtMostOnePercentOfACpuWhenIdle() throws Exception {
        try (var node = new Node(Node.settings(0, 8192, 4, true));
                var admin = new RawHost(node.target.address());
                var io = new RawHost(node.target.address())) {
            io.io(1, 128, admin.admin(0), 0, 0);
            await().atMost(BOUND).until(() -> reactor(node).statistics().parked());
            // What the connections took to come has no part in it.
            long thread = reactor(node).thread().threadId();
            Thread.sleep(500);

            // Who does not sleep uses more in every window; on a busy machine somebody's caches are cold in one.
            double least = 100;
            for (int window = 0; window < 5 && least >= 1; window++) {
                long startNanos = System.nanoTime();
                long before = threads.getThreadCpuTime(thread);
                Thread.sleep(2000);
                long used = threads.getThreadCpuTime(thread) - before;
                least = Math.min(least, 100.0 * used / (System.nanoTime() - startNanos));
            }

            System.out.printf("idle with two connections: %.3f %% of a CPU%n", least);
            assertThat(least).isLessThan(1.0);
        }
    }
}
