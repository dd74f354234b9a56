package io.doorbell.bench;

import io.doorbell.verbs.SendRequests;
import io.doorbell.verbs.VerbsQueuePair;
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
 * What a request of RDMA in software costs, both ends in turn on one thread, over UDP of the loopback: a batch is posted, and each end makes cycles
 * until it has completed. The kernel's part is in it.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class RdmaVerbsBenchmark {
    private static final int REQUESTS = 16;
    private static final int MOST_BYTES = 128 << 10;

    /** What the longest path MTU carries. */
    private static final int PACKET_BYTES = 4096;

    /** Kind of request and its bytes. */
    @Param({"send:64", "write:4096", "read:4096", "write:131072", "read:131072"})
    public String load;

    private final RdmaEnd left = new RdmaEnd((long) REQUESTS * MOST_BYTES);
    private final RdmaEnd right = new RdmaEnd((long) REQUESTS * MOST_BYTES);
    private VerbsQueuePair leftPair;
    private VerbsQueuePair rightPair;
    private String kind;
    private int bytes;

    /** Packets with data of one request. */
    static int packets(String load) {
        return Math.max(1, Integer.parseInt(load.split(":")[1]) / PACKET_BYTES);
    }

    @Setup
    public void open() throws Exception {
        kind = load.split(":")[0];
        bytes = Integer.parseInt(load.split(":")[1]);
        leftPair = left.pair();
        rightPair = right.pair();
        left.connect(leftPair, right.accept(rightPair), new byte[0], right.reactor::step);
    }

    @TearDown
    public void close() {
        left.close();
        right.close();
    }

    @Benchmark
    @OperationsPerInvocation(REQUESTS)
    public int request() {
        for (int i = 0; i < REQUESTS; i++) {
            long here = (long) i * MOST_BYTES;
            switch (kind) {
                case "send" -> {
                    right.receive(rightPair, i, here, bytes);
                    left.sends.send(i, SendRequests.SIGNALED);
                }
                case "write" -> left.sends.write(i, SendRequests.SIGNALED, right.at(here), right.region.remoteKey());
                default -> left.sends.read(i, SendRequests.SIGNALED, right.at(here), right.region.remoteKey());
            }
            left.sends.segment(left.at(here), bytes, left.region.localKey());
        }
        left.post(leftPair);
        int ended = 0;
        while (ended < REQUESTS) {
            left.reactor.step();
            right.reactor.step();
            ended += left.poll();
            right.poll();
        }
        return ended;
    }
}
