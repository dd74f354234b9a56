package io.doorbell.bench;

import io.doorbell.backends.NullBackend;
import io.doorbell.fabrics.FabricTarget;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.subsystem.NvmSubsystem;
import io.doorbell.tcp.TcpTarget;
import io.doorbell.tcp.TcpTargetSettings;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
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
 * What one I/O over TCP costs, the host's part of it and the target's, in turn on one thread: a batch of commands is sent, the target's reactor
 * makes one cycle, the answers are taken. Nothing waits and no other thread has a part in it, so it shows the same on a busy machine. The
 * kernel's part, which is most of it, is in the figure. {@link #targetNanos} is the target's.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class TcpTargetBenchmark {
    private static final int COMMANDS = 32;

    /** Pattern, KiB, depth and connections. */
    @Param({"randread:4:1:1", "randread:4:32:1", "randread:4:64:16", "randread:128:8:1", "randwrite:128:8:1"})
    public String load;

    private final SteppedReactor reactor = new SteppedReactor();
    private FabricTarget fabrics;
    private NvmSubsystem subsystem;
    private TcpTarget target;
    private TcpHost host;
    private int connections;
    private long ahead;
    private long targetNanos;

    @Setup
    public void open() throws Exception {
        var parts = load.split(":");
        int depth = Integer.parseInt(parts[2]);
        connections = Integer.parseInt(parts[3]);
        var work = new Load(parts[0], Integer.parseInt(parts[1]) << 10, depth, connections, 0, 0);
        fabrics = new FabricTarget();
        subsystem = new NvmSubsystem(TcpNode.NQN, "BENCH", "Doorbell");
        subsystem.addNamespace(1, new NullBackend().open(NamespaceSpec.parse("null:1TiB:4096")));
        fabrics.add(subsystem);
        target = TcpTarget.open(settings(), fabrics, reactor);
        var connecting = new CompletableFuture<TcpHost>();
        Thread.ofPlatform().name("connect").start(() -> {
            try {
                connecting.complete(TcpHost.connect(target.address(), TcpNode.NQN, connections, depth / connections));
            } catch (IOException | RuntimeException failed) {
                connecting.completeExceptionally(failed);
            }
        });
        while (!connecting.isDone()) {
            reactor.step();
        }
        host = connecting.get();
        for (int i = 0; i < connections; i++) {
            host.begin(i, work, depth / connections);
        }
    }

    private TcpTargetSettings settings() {
        var usual = TcpTargetSettings.DEFAULT;
        return new TcpTargetSettings(
                "bench",
                usual.address(),
                usual.port(),
                usual.subsystems(),
                1,
                2 * connections + 2,
                usual.maxQueueEntries(),
                connections,
                usual.inCapsuleBytes(),
                usual.maxTransferBytes(),
                usual.bufferMebibytes(),
                usual.headerDigest(),
                usual.dataDigest(),
                false);
    }

    @TearDown
    public void close() {
        host.close();
        target.close();
        fabrics.close();
        subsystem.close();
        reactor.close();
    }

    @Benchmark
    @OperationsPerInvocation(COMMANDS)
    public long io() throws IOException {
        long ended = ahead;
        while (ended < COMMANDS) {
            ended += round();
        }
        ahead = ended - COMMANDS;
        return ended;
    }

    /** The target's part of all that there is to do, and then the host's. Returns how many commands ended. */
    int round() throws IOException {
        long start = System.nanoTime();
        reactor.step();
        targetNanos = System.nanoTime() - start;
        return host.poll();
    }

    /** What the target took in the last round. */
    long targetNanos() {
        return targetNanos;
    }
}
