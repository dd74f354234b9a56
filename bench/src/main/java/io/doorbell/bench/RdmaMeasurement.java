package io.doorbell.bench;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What RDMA in software costs: requests of verbs, and I/Os of a target, both ends in turn on this thread over UDP of the loopback. The processor time
 * of the thread counts, the kernel's part in it, so it shows much the same on a busy machine.
 */
final class RdmaMeasurement {
    /**
     * What our code allocated for each would be an object, of 16 bytes at least. The JDK makes one of 40 for a system call, which are for a batch,
     * where its compiler was not lucky.
     */
    private static final double NO_ALLOCATION_BYTES = 8;

    private static final int BATCHES = 16;
    private static final long WINDOW_NANOS = 300_000_000;
    private static final String[] REQUESTS = {"send:64", "write:4096", "read:4096", "write:131072", "read:131072"};
    private static final String[] IOS = {
        "randread:4:1", "randread:4:32", "randwrite:4:32", "randread:128:8", "randwrite:128:8"
    };

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private final double[] nanos;
    private final double[] bytes;
    private final List<Figure> figures = new ArrayList<>();

    private RdmaMeasurement(boolean quick) {
        nanos = new double[quick ? 3 : 9];
        bytes = new double[nanos.length];
    }

    static List<Figure> run(boolean quick) throws Exception {
        var measurement = new RdmaMeasurement(quick);
        for (var request : REQUESTS) {
            try (var load = new RdmaVerbsLoad(request)) {
                double each = measurement.measure(request + ", both ends", load::batch);
                double packets = load.packets() * 1e9 / each;
                measurement.figures.add(
                        Figure.of("rdma", request + ", packets with data, there and back on a CPU", packets, "/s"));
            }
        }
        for (var io : IOS) {
            try (var load = new RdmaTargetLoad(io)) {
                double each = measurement.measure("target, " + io + ", host's part in it", load::batch);
                measurement.figures.add(Figure.of("rdma", "target, " + io + ", of a CPU", 1e9 / each, "IOPS"));
            }
        }
        return measurement.figures;
    }

    /** A batch of what is measured; returns how many. */
    private interface Batch {
        int run();
    }

    /** Returns the processor time of one. */
    private double measure(String name, Batch batch) {
        // Twice as long as it counts, for the compiler.
        for (int window = -2 * nanos.length; window < nanos.length; window++) {
            long startBytes = threads.getCurrentThreadAllocatedBytes();
            long start = threads.getCurrentThreadCpuTime();
            long now = start;
            long count = 0;
            while (now - start < WINDOW_NANOS) {
                for (int i = 0; i < BATCHES; i++) {
                    count += batch.run();
                }
                now = threads.getCurrentThreadCpuTime();
            }
            if (window >= 0) {
                nanos[window] = (now - start) / (double) count;
                bytes[window] = (threads.getCurrentThreadAllocatedBytes() - startBytes) / (double) count;
            }
        }
        double[] sorted = nanos.clone();
        Arrays.sort(sorted);
        double median = sorted[sorted.length / 2];
        figures.add(Figure.of("rdma", name, median, "ns"));
        // What is in the code is in every window.
        figures.add(Figure.of(
                        "rdma", name + ", allocated", Arrays.stream(bytes).min().orElseThrow(), "B")
                .atMost(NO_ALLOCATION_BYTES));
        return median;
    }
}
