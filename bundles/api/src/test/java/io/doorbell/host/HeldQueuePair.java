package io.doorbell.host;

import io.doorbell.platform.MemoryView;
import java.lang.foreign.Arena;
import java.time.Duration;
import java.util.function.BooleanSupplier;

/** A queue pair with memory, owned by the thread that makes it. */
public final class HeldQueuePair implements AutoCloseable {
    /** Of what takes some milliseconds, on a machine that has much else to do. */
    private static final Duration BOUND = Duration.ofSeconds(60);

    public final Arena arena = Arena.ofShared();
    public final QueuePairControl control;
    public final QueuePair pair;
    public final DmaAllocation allocation;
    public final DmaMemory data;
    private boolean fenced;

    public HeldQueuePair(
            NvmeController controller, int entries, long dataBytes, CompletionHandler handler, PathOptions path) {
        control = controller.createQueuePair(new QueuePairOptions(entries, handler, "test", path), arena);
        pair = control.queuePair();
        control.own(Thread.currentThread());
        allocation = controller.allocateDma(dataBytes, arena);
        data = allocation.memory();
    }

    public void fence() {
        if (!fenced) {
            fenced = true;
            control.stopSubmissions();
            control.delete(BOUND);
            MemoryView.close(arena, BOUND);
            control.fenced("test");
            allocation.close();
        }
    }

    @Override
    public void close() {
        fence();
    }

    /** Polls until it is so. */
    public static void awaitEnds(QueuePair pair, BooleanSupplier ended) {
        long deadline = System.nanoTime() + BOUND.toNanos();
        while (!ended.getAsBoolean()) {
            pair.poll(64);
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("not within " + BOUND + ", " + pair.inFlight() + " in flight");
            }
        }
    }
}
