package io.doorbell.lab.tcp;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.fabrics.FabricTarget;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.subsystem.NvmSubsystem;
import io.doorbell.target.AccessState;
import io.doorbell.target.AccessStates;
import io.doorbell.tcp.TcpTarget;
import io.doorbell.tcp.TcpTargetSettings;

/** Our target: one subsystem, whose namespace 1 is in memory, at a free port of the loopback. */
final class Target implements AutoCloseable {
    static final String NQN = "nqn.2026-11.io.doorbell:lab";

    private final ReactorPool reactors = new ReactorPool(ReactorOptions.DEFAULT);
    final FabricTarget fabrics = new FabricTarget();
    final NvmSubsystem subsystem = new NvmSubsystem(NQN, "LAB", "Doorbell in the lab");
    private TcpTarget listener = TcpTarget.open(TcpTargetSettings.DEFAULT, fabrics, reactors);
    final int port = listener.address().getPort();

    private TcpTarget second;

    Target() {
        addNamespace(1, 64 << 20);
        fabrics.add(subsystem);
    }

    /** For the kernel. */
    String where() {
        return where(port);
    }

    String where(int anyPort) {
        return "transport=tcp,traddr=127.0.0.1,trsvcid=" + anyPort;
    }

    /** Another way to the same subsystem. Returns its port. */
    int openSecond() {
        second = TcpTarget.open(settings("tcp1", 0), fabrics, reactors);
        return second.address().getPort();
    }

    void closeSecond() {
        second.close();
    }

    /** The state of the first way (ANA). */
    void firstIs(AccessState state) {
        listener.accessStates(AccessStates.ALL_OPTIMIZED.with(1, state));
    }

    /** From now on it is for hosts that there are not. */
    void allowNobody() {
        fabrics.remove(subsystem);
        fabrics.add(new ForNobody(subsystem));
    }

    void addNamespace(int nsid, long bytes) {
        subsystem.addNamespace(nsid, new MemoryBackend().open(new NamespaceSpec("memory", bytes, 4096, "")));
    }

    /** Goes, and comes back at the same port. */
    void goes() {
        listener.close();
    }

    void comesBack() {
        listener = TcpTarget.open(settings(TcpTargetSettings.DEFAULT.name(), port), fabrics, reactors);
    }

    private static TcpTargetSettings settings(String name, int port) {
        var now = TcpTargetSettings.DEFAULT;
        return new TcpTargetSettings(
                name,
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
                now.dataDigest());
    }

    int associations() {
        return fabrics.associations();
    }

    @Override
    public void close() {
        listener.close();
        if (second != null) {
            second.close();
        }
        fabrics.close();
        subsystem.close();
        reactors.close();
    }
}
