package io.doorbell.lab.tcp;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.fabrics.FabricTarget;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.subsystem.NvmSubsystem;
import io.doorbell.tcp.TcpTarget;
import io.doorbell.tcp.TcpTargetSettings;

/** Our target: one subsystem, whose namespace 1 is in memory, at a free port of the loopback. */
final class Target implements AutoCloseable {
    static final String NQN = "nqn.2026-11.io.doorbell:lab";

    private final ReactorPool reactors = new ReactorPool(ReactorOptions.DEFAULT);
    private final FabricTarget fabrics = new FabricTarget();
    final NvmSubsystem subsystem = new NvmSubsystem(NQN, "LAB", "Doorbell in the lab");
    private TcpTarget listener = TcpTarget.open(TcpTargetSettings.DEFAULT, fabrics, reactors);
    final int port = listener.address().getPort();

    Target() {
        addNamespace(1, 64 << 20);
        fabrics.add(subsystem);
    }

    /** For the kernel. */
    String where() {
        return "transport=tcp,traddr=127.0.0.1,trsvcid=" + port;
    }

    void addNamespace(int nsid, long bytes) {
        subsystem.addNamespace(nsid, new MemoryBackend().open(new NamespaceSpec("memory", bytes, 4096, "")));
    }

    /** Goes, and comes back at the same port. */
    void goes() {
        listener.close();
    }

    void comesBack() {
        var now = TcpTargetSettings.DEFAULT;
        listener = TcpTarget.open(
                new TcpTargetSettings(
                        now.name(),
                        now.address(),
                        port,
                        now.subsystems(),
                        now.reactors(),
                        now.maxConnections(),
                        now.maxQueueEntries(),
                        now.maxIoQueues(),
                        now.inCapsuleBytes(),
                        now.maxTransferBytes(),
                        now.bufferMebibytes(),
                        now.headerDigest(),
                        now.dataDigest()),
                fabrics,
                reactors);
    }

    int associations() {
        return fabrics.associations();
    }

    @Override
    public void close() {
        listener.close();
        fabrics.close();
        subsystem.close();
        reactors.close();
    }
}
