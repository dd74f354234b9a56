package io.doorbell.bench;

import io.doorbell.backends.NullBackend;
import io.doorbell.fabrics.FabricTarget;
import io.doorbell.rdmatarget.RdmaTarget;
import io.doorbell.rdmatarget.RdmaTargetSettings;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.subsystem.NvmSubsystem;
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
 * What one I/O over RDMA in software costs, the host's part of it and the target's, in turn on one thread: commands are sent, the target's reactor
 * makes one cycle, the answers are taken. The kernel's part is in it, and the peer's half of the protocol, which a NIC would do.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class RdmaTargetBenchmark {
    private static final int COMMANDS = 32;

    /** Pattern, KiB and depth. */
    @Param({"randread:4:1", "randread:4:32", "randwrite:4:32", "randread:128:8", "randwrite:128:8"})
    public String load;

    private final SteppedReactor reactor = new SteppedReactor();
    private final RdmaEnd targetEnd = new RdmaEnd(1 << 12);
    private FabricTarget fabrics;
    private NvmSubsystem subsystem;
    private RdmaTarget target;
    private RdmaHost host;
    private long ahead;

    @Setup
    public void open() throws Exception {
        var parts = load.split(":");
        int depth = Integer.parseInt(parts[2]);
        fabrics = new FabricTarget();
        subsystem = new NvmSubsystem(TcpNode.NQN, "BENCH", "Doorbell");
        subsystem.addNamespace(1, new NullBackend().open(NamespaceSpec.parse("null:1TiB:4096")));
        fabrics.add(subsystem);
        target = RdmaTarget.open(RdmaTargetSettings.DEFAULT, targetEnd.device, fabrics, reactor);
        host = new RdmaHost(target.address(), TcpNode.NQN, reactor::step);
        host.begin(new Load(parts[0], Integer.parseInt(parts[1]) << 10, depth, 1, 0, 0));
    }

    @TearDown
    public void close() throws Exception {
        host.close();
        var ending = Thread.ofPlatform().start(target::close);
        while (ending.isAlive()) {
            reactor.step();
        }
        fabrics.close();
        subsystem.close();
        targetEnd.close();
    }

    @Benchmark
    @OperationsPerInvocation(COMMANDS)
    public long io() {
        long ended = ahead;
        while (ended < COMMANDS) {
            reactor.step();
            ended += host.poll();
        }
        ahead = ended - COMMANDS;
        return ended;
    }
}
