package io.doorbell.pcie.vfiouser;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.host.CompletionHandler;
import io.doorbell.host.DmaAllocation;
import io.doorbell.host.DmaMemory;
import io.doorbell.host.QueuePair;
import io.doorbell.host.QueuePairControl;
import io.doorbell.host.QueuePairOptions;
import io.doorbell.pcie.PcieController;
import io.doorbell.platform.MemoryView;
import java.lang.foreign.Arena;
import java.time.Duration;
import java.util.function.BooleanSupplier;

/** A queue pair with data memory and the arena of both, as a lease holds them. Owned by the thread that makes it. */
final class Held implements AutoCloseable {
    private static final long BOUND_NANOS = 60_000_000_000L;

    final Arena arena = Arena.ofShared();
    final QueuePairControl control;
    final QueuePair pair;
    final DmaAllocation allocation;
    final DmaMemory data;

    Held(PcieController controller, int entries, long dataBytes, CompletionHandler handler) {
        control = controller.createQueuePair(new QueuePairOptions(entries, handler, "test"), arena);
        pair = control.queuePair();
        allocation = controller.allocateDma(dataBytes, arena);
        data = allocation.memory();
        control.own(Thread.currentThread());
    }

    void pollUntil(BooleanSupplier condition) {
        long start = System.nanoTime();
        while (!condition.getAsBoolean()) {
            if (pair.poll(64) == 0) {
                Thread.yield();
            }
            assertThat(System.nanoTime() - start).as("nanoseconds waited").isLessThan(BOUND_NANOS);
        }
    }

    /** Takes it back, in order. */
    @Override
    public void close() {
        control.stopSubmissions();
        control.delete(Duration.ofSeconds(5));
        MemoryView.close(arena, Duration.ofSeconds(2));
        control.fenced("test is over");
        allocation.close();
    }
}
