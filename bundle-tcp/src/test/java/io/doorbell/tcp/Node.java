package io.doorbell.tcp;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.backends.NullBackend;
import io.doorbell.fabrics.FabricTarget;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.subsystem.NvmSubsystem;

/** A node that is nothing but a target: namespace 1 in memory, namespace 2 nothing. */
public final class Node implements AutoCloseable {
    /** One more, for who is not to be disturbed. */
    public static final String QUIET_NQN = "nqn.2026-11.io.doorbell:quiet";

    public static final String NQN = "nqn.2026-11.io.doorbell:tcp";

    public final ReactorPool reactors = new ReactorPool(ReactorOptions.DEFAULT);
    public final FabricTarget fabrics = new FabricTarget();
    public final NvmSubsystem subsystem = new NvmSubsystem(NQN, "SN1", "Model");
    public final NvmSubsystem quiet = new NvmSubsystem(QUIET_NQN, "SN2", "Model");
    public final TcpTarget target;

    public Node(TcpTargetSettings settings) {
        subsystem.addNamespace(1, new MemoryBackend().open(new NamespaceSpec("memory", 64 << 20, 512, "")));
        subsystem.addNamespace(2, new NullBackend().open(new NamespaceSpec("null", 1L << 40, 4096, "")));
        quiet.addNamespace(1, new MemoryBackend().open(new NamespaceSpec("memory", 64 << 20, 512, "")));
        fabrics.add(subsystem);
        fabrics.add(quiet);
        target = TcpTarget.open(settings, fabrics, reactors);
    }

    public static TcpTargetSettings settings(int port, int inCapsuleBytes, int bufferMebibytes, boolean digests) {
        return new TcpTargetSettings(
                "test",
                "127.0.0.1",
                port,
                java.util.Set.of(),
                1,
                64,
                128,
                16,
                inCapsuleBytes,
                1 << 17,
                bufferMebibytes,
                digests,
                digests,
                false);
    }

    /** Connections to it are encrypted. */
    public static TcpTargetSettings secured() {
        return new TcpTargetSettings(
                "test", "127.0.0.1", 0, java.util.Set.of(), 1, 64, 128, 16, 8192, 1 << 17, 16, true, true, true);
    }

    @Override
    public void close() {
        target.close();
        fabrics.close();
        subsystem.close();
        quiet.close();
        reactors.close();
    }

    /** For other processes: port and reactors as arguments, until standard input ends. */
    public static void main(String[] arguments) throws Exception {
        int port = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 4420;
        try (var node = new Node(settings(port, 8192, 64, true))) {
            System.out.println(node.target);
            while (System.in.read() >= 0) {
                Thread.onSpinWait();
            }
        }
    }
}
