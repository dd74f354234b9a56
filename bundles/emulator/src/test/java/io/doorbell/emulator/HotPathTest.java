package io.doorbell.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.doorbell.nvme.CompletionEntry;
import io.doorbell.nvme.Doorbell;
import io.doorbell.nvme.NvmOpcode;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

class HotPathTest extends DeviceTest {
    private static final int DEPTH = 64;
    private static final int ROUNDS = 4_000;

    @Test
    void allocatesNothingPerCommand() {
        host.enable();
        host.configureDoorbellBuffers();
        var queue = host.createQueue(1, 128);
        long page = host.pages(2).address();
        onDevice(() -> turns(queue, page));

        long allocated = onDevice(() -> turns(queue, page));

        // What the measurement itself takes is far below a byte a command.
        assertThat(allocated).isLessThan(ROUNDS * DEPTH / 10);
    }

    /** Host and device in turn, on the device's thread. Returns what the device's turns allocated. */
    private long turns(RawHost.Queue queue, long page) {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long thread = Thread.currentThread().threadId();
        long allocated = 0;
        for (int round = 0; round < ROUNDS; round++) {
            for (int i = 0; i < DEPTH; i++) {
                // Half of them with two pages, so that PRP 2 has its part.
                queue.stageIo(i % 2 == 0 ? NvmOpcode.READ : NvmOpcode.WRITE, i, 8, page + i % 2 * 2048, page);
            }
            Doorbell.store(host.shadow, Doorbell.shadowSubmissionTailOffset(1, host.dstrd), queue.tail);
            long before = threads.getThreadAllocatedBytes(thread);
            function.controller().poll(System.nanoTime());
            allocated += threads.getThreadAllocatedBytes(thread) - before;
            for (int i = 0; i < DEPTH; i++) {
                long tail = CompletionEntry.tail(queue.cq.ring, (long) queue.cq.head * CompletionEntry.SIZE_BYTES);
                if (CompletionEntry.phase(tail) != queue.cq.phase || CompletionEntry.status(tail) != 0) {
                    throw new AssertionError("command " + i + " of round " + round);
                }
                if (++queue.cq.head == queue.cq.size) {
                    queue.cq.head = 0;
                    queue.cq.phase ^= 1;
                }
            }
            Doorbell.store(host.shadow, Doorbell.shadowCompletionHeadOffset(1, host.dstrd), queue.cq.head);
        }
        return allocated;
    }
}
