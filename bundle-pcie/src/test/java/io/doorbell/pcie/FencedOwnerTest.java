package io.doorbell.pcie;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.lease.LeaseRequest;
import io.doorbell.lease.QueuePairLease;
import io.doorbell.resources.lease.Holder;
import io.doorbell.resources.lease.HolderResources;
import io.doorbell.storage.BlockFormat;
import io.doorbell.storage.NamespaceSpec;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** An owner that is busy with the memory of its lease when the fence falls learns of it, and goes on with its life. */
class FencedOwnerTest {
    /** Without the remedy some 3 of 100 owners were left interrupted. */
    private static final int ROUNDS = 300;

    private static final int DATA_BYTES = 64 << 10;
    private static final long BOUND_SECONDS = 20;

    private LeasedRig rig;
    private LeasedRig.Device device;

    @BeforeEach
    void open() {
        rig = new LeasedRig();
        device = rig.device(new MemoryBackend().open(new NamespaceSpec("memory", 1 << 20, BlockFormat.of(512), "")));
    }

    @AfterEach
    void close() {
        rig.close();
    }

    @Test
    void isNotLeftInterruptedByTheFence() throws Exception {
        for (int round = 0; round < ROUNDS; round++) {
            var resources = rig.leases.open(new Holder(8 + round, "holder", "1"));
            var begun = new CompletableFuture<Void>();
            var interrupted = new CompletableFuture<Boolean>();
            Thread.ofPlatform().name("owner").start(() -> {
                try {
                    useUntilFenced(resources, begun);
                    interrupted.complete(Thread.interrupted());
                } catch (InterruptedException | RuntimeException | Error e) {
                    begun.completeExceptionally(e);
                    interrupted.completeExceptionally(e);
                }
            });
            begun.get(BOUND_SECONDS, TimeUnit.SECONDS);

            resources.close();

            assertThat(interrupted.get(BOUND_SECONDS, TimeUnit.SECONDS))
                    .as("interrupted, round %d", round)
                    .isFalse();
        }
    }

    private void useUntilFenced(HolderResources resources, CompletableFuture<Void> begun) throws InterruptedException {
        var lease = resources.lease(
                LeaseRequest.of(device.id().withoutNamespace(), Thread.currentThread(), (_, _, _) -> {}, "busy"));
        var data = lease.allocate(2 * DATA_BYTES).segment();
        begun.complete(null);
        try {
            while (true) {
                MemorySegment.copy(data, 0, data, DATA_BYTES, DATA_BYTES);
                lease.queuePair().poll(1);
            }
        } catch (IllegalStateException fenced) {
            hearOfIt(lease);
        }
    }

    /** As every owner does: what was in flight ends by polls, the last of which throws. */
    private static void hearOfIt(QueuePairLease lease) {
        long start = System.nanoTime();
        while (System.nanoTime() - start < TimeUnit.SECONDS.toNanos(BOUND_SECONDS)) {
            try {
                lease.queuePair().poll(1);
            } catch (IllegalStateException fenced) {
                if (fenced.getMessage().contains("fenced")) {
                    return;
                }
            }
        }
        throw new AssertionError("nobody says that it is fenced");
    }
}
