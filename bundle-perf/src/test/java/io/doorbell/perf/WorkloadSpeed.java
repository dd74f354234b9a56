package io.doorbell.perf;

import io.doorbell.host.DmaMemory;
import io.doorbell.host.MetadataFormat;
import io.doorbell.host.NvmeController;
import io.doorbell.host.NvmeNamespace;
import io.doorbell.host.QueuePair;
import io.doorbell.lease.LeaseState;
import io.doorbell.lease.QueuePairLease;
import io.doorbell.nvme.TransportId;
import java.lang.foreign.Arena;
import java.lang.management.ManagementFactory;
import java.util.List;

/**
 * What the workload itself costs per I/O, on a queue pair that answers at once. Run by hand:
 * {@code WorkloadSpeed [flags of perf…]}.
 */
final class WorkloadSpeed {
    private static final int ROUNDS = 6;

    private WorkloadSpeed() {}

    public static void main(String[] args) {
        var flags =
                args.length > 0 ? List.of(args) : List.of("-q", "128", "-o", "4096", "-w", "randread", "-t", "1000");
        var options = PerfOptions.parse(flags);
        var target = new Target(
                TransportId.emulated("nvme0"),
                new NvmeNamespace(1, 1 << 20, 512, metadata(options), 0, ""),
                128 << 10,
                1024);
        var region = new IoRegion(0, target.namespace().byteSize() / options.ioBytes());
        var worker = new NamespaceWorker(options, target, region, 0, 0, 1, new Silent());
        for (var lane : worker.lanes()) {
            var queuePair = new InstantQueuePair(1024);
            queuePair.handler = lane;
            var stride = Math.toIntExact(worker.layout().slotBytes());
            var memory = new DmaMemory(Arena.global().allocate((long) lane.slots() * stride), 0);
            lane.attach(new InstantLease(queuePair), memory, 0, stride);
        }
        worker.start();
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        for (var round = 0; round < ROUNDS; round++) {
            var begin = System.nanoTime();
            var bytes = threads.getCurrentThreadAllocatedBytes();
            var ios = 0L;
            while (System.nanoTime() - begin < 1_000_000_000L) {
                for (var i = 0; i < 1000; i++) {
                    ios += worker.poll(begin);
                }
            }
            var nanos = System.nanoTime() - begin;
            System.out.printf(
                    "%6.2f ns per I/O, %.4f bytes per I/O%n",
                    (double) nanos / ios, (double) (threads.getCurrentThreadAllocatedBytes() - bytes) / ios);
        }
        System.out.println(worker.result().completed());
    }

    /** With {@code -e}: protection information behind each block, which the host makes and checks with PRACT=0. */
    private static MetadataFormat metadata(PerfOptions options) {
        return options.protection() == BlockProtection.NONE
                ? MetadataFormat.NONE
                : MetadataFormat.withProtection(8, true, 1, false);
    }

    private record InstantLease(QueuePair queuePair) implements QueuePairLease {
        @Override
        public long id() {
            return 1;
        }

        @Override
        public long epoch() {
            return 1;
        }

        @Override
        public LeaseState state() {
            return LeaseState.GRANTED;
        }

        @Override
        public NvmeController controller() {
            throw new UnsupportedOperationException();
        }

        @Override
        public DmaMemory allocate(long bytes) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void handOver(Thread newOwner) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void close() {}
    }

    private static final class Silent implements NamespaceWorker.Events {
        @Override
        public void ended(NamespaceWorker worker) {}

        @Override
        public void failed(NamespaceWorker worker, String why) {
            throw new IllegalStateException(why);
        }

        @Override
        public void ioFailed(String what) {}

        @Override
        public void laneLost(Lane lane, String why) {
            throw new IllegalStateException(why);
        }
    }
}
