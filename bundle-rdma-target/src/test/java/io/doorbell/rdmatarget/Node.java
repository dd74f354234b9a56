package io.doorbell.rdmatarget;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.fabrics.ConnectionLender;
import io.doorbell.fabrics.FabricTarget;
import io.doorbell.rdmasoft.SoftDevice;
import io.doorbell.rdmasoft.SoftSettings;
import io.doorbell.reactor.Reactors;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.subsystem.NvmSubsystem;
import io.doorbell.target.AccessStates;
import io.doorbell.verbs.LoopbackAddress;
import java.util.Set;
import java.util.function.Consumer;

/** A node that is nothing but a target, with namespace 1 in memory, and a device for hosts. */
final class Node implements AutoCloseable {
    static final String NQN = "nqn.2026-11.io.doorbell:rdma";

    /** One more, for who is not to be disturbed. */
    static final String QUIET_NQN = "nqn.2026-11.io.doorbell:quiet";

    final ReactorPool reactors = new ReactorPool(ReactorOptions.DEFAULT);
    final FabricTarget fabrics;
    final NvmSubsystem subsystem = new NvmSubsystem(NQN, "SN1", "Model");
    final NvmSubsystem quiet = new NvmSubsystem(QUIET_NQN, "SN2", "Model");
    final SoftDevice device = device();
    final SoftDevice hosts = device();
    final RdmaTarget target;

    Node(RdmaTargetSettings settings) {
        this(settings, ConnectionLender.UNCOUNTED, pool -> {});
    }

    /** @param before is done before it listens */
    Node(RdmaTargetSettings settings, ConnectionLender lender, Consumer<ReactorPool> before) {
        this(settings, lender, before, new FabricTarget(), null);
    }

    /** One whose target is served by reactors of the test's. */
    Node(RdmaTargetSettings settings, Reactors others, FabricTarget fabrics) {
        this(settings, ConnectionLender.UNCOUNTED, pool -> {}, fabrics, others);
    }

    private Node(
            RdmaTargetSettings settings,
            ConnectionLender lender,
            Consumer<ReactorPool> before,
            FabricTarget fabrics,
            Reactors others) {
        this.fabrics = fabrics;
        before.accept(reactors);
        subsystem.addNamespace(1, new MemoryBackend().open(new NamespaceSpec("memory", 64 << 20, 512, "")));
        quiet.addNamespace(1, new MemoryBackend().open(new NamespaceSpec("memory", 1 << 20, 512, "")));
        fabrics.add(subsystem);
        fabrics.add(quiet);
        target = RdmaTarget.open(
                settings, AccessStates.ALL_OPTIMIZED, device, fabrics, others == null ? reactors : others, lender);
    }

    static RdmaTargetSettings settings(int maxConnections, int bufferMebibytes) {
        return new RdmaTargetSettings("test", 0, Set.of(), 1, maxConnections, 128, 4, 4096, 1 << 17, bufferMebibytes);
    }

    private static SoftDevice device() {
        return SoftDevice.open(SoftSettings.of(LoopbackAddress.next()));
    }

    RawHost host(int qid) {
        return new RawHost(hosts).connect(target.address(), qid);
    }

    @Override
    public void close() {
        target.close();
        fabrics.close();
        subsystem.close();
        quiet.close();
        device.close();
        hosts.close();
        reactors.close();
    }
}
