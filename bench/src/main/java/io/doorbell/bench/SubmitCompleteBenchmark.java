package io.doorbell.bench;

import io.doorbell.host.CompletionHandler;
import io.doorbell.host.DmaMemory;
import io.doorbell.host.QueuePair;
import io.doorbell.host.QueuePairControl;
import io.doorbell.host.QueuePairOptions;
import io.doorbell.lease.LeaseRequest;
import io.doorbell.lease.QueuePairLease;
import io.doorbell.pcie.PcieController;
import io.doorbell.pcie.PcieOptions;
import io.doorbell.resources.lease.Holder;
import io.doorbell.resources.lease.LeaseManager;
import io.doorbell.resources.lease.LeaseOptions;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import java.lang.foreign.Arena;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What one I/O costs the driver: staged, committed, polled and handed to its handler, against a device that answers at
 * once on the same thread, so that nothing waits. {@code leased} says whether the queue pair came from the resource
 * manager, with the arena of its lease, or straight from the driver with the global arena, which cannot be fenced.
 *
 * <p>The device's own part is in the figure: reading a command id, posting a completion.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class SubmitCompleteBenchmark implements CompletionHandler {
    private static final int BATCH_1 = 1;
    private static final int BATCH_32 = 32;
    private static final int BLOCK_BYTES = 4096;
    private static final int ENTRIES = 256;

    @Param({"true", "false"})
    public boolean leased;

    private final InstantDevice device = new InstantDevice();
    private PcieController controller;
    private ReactorPool reactors;
    private LeaseManager leases;
    private QueuePairLease lease;
    private QueuePairControl control;
    private QueuePair queuePair;
    private DmaMemory data;
    private long slba;
    private long tokens;

    @Setup
    public void open() throws InterruptedException {
        controller = PcieController.open(device, PcieOptions.DEFAULTS);
        long dataBytes = (long) ENTRIES * BLOCK_BYTES;
        if (leased) {
            reactors = new ReactorPool(ReactorOptions.DEFAULT);
            leases = new LeaseManager(LeaseOptions.DEFAULT, reactors);
            leases.addController(controller);
            lease = leases.open(new Holder(1, "bench", "1"))
                    .lease(LeaseRequest.of(controller.transportId(), Thread.currentThread(), this, "bench")
                            .withQueueEntries(ENTRIES));
            queuePair = lease.queuePair();
            data = lease.allocate(dataBytes);
        } else {
            control = controller.createQueuePair(new QueuePairOptions(ENTRIES, this, "bench"), Arena.global());
            control.own(Thread.currentThread());
            queuePair = control.queuePair();
            data = controller.allocateDma(dataBytes, Arena.global()).memory();
        }
    }

    @TearDown
    public void close() {
        if (leased) {
            lease.close();
            leases.removeController(controller);
            leases.close();
            reactors.close();
            controller.close();
        } else {
            control.stopSubmissions();
            control.delete(java.time.Duration.ofSeconds(1));
            // The global arena never ends, so neither does this queue pair: what the lease is for.
        }
    }

    @Override
    public void complete(long token, int status, long result) {
        tokens += token + status;
    }

    @Benchmark
    @OperationsPerInvocation(BATCH_1)
    public long one() {
        return batch(BATCH_1);
    }

    @Benchmark
    @OperationsPerInvocation(BATCH_32)
    public long batchOf32() {
        return batch(BATCH_32);
    }

    private long batch(int count) {
        for (int i = 0; i < count; i++) {
            if (queuePair.read(1, slba++ & 0xFFFF, 1, data, (long) i * BLOCK_BYTES, 0, i) < 0) {
                throw new IllegalStateException("not accepted");
            }
        }
        queuePair.commit();
        device.serve();
        if (queuePair.poll(count) != count) {
            throw new IllegalStateException("not completed");
        }
        return tokens;
    }
}
