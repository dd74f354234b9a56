package io.doorbell.bench;

import io.doorbell.backends.NullBackend;
import io.doorbell.fabrics.FabricTarget;
import io.doorbell.rdmatarget.RdmaTarget;
import io.doorbell.rdmatarget.RdmaTargetSettings;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.subsystem.NvmSubsystem;

/**
 * I/Os by NVMe/RDMA in software: commands are sent, the target's reactor makes one cycle, the answers are taken, in turn on one thread. The host's
 * half of the protocol, which a NIC would do, is in it.
 */
final class RdmaTargetLoad implements AutoCloseable {
    private static final int COMMANDS = 32;

    private final SteppedReactor reactor = new SteppedReactor();
    private final RdmaEnd targetEnd = new RdmaEnd(1 << 12);
    private final FabricTarget fabrics = new FabricTarget();
    private final NvmSubsystem subsystem = new NvmSubsystem(TcpNode.NQN, "BENCH", "Doorbell");
    private final RdmaTarget target;
    private final RdmaHost host;

    /** @param load pattern, KiB and depth: {@code randread:4:32} */
    RdmaTargetLoad(String load) throws Exception {
        var parts = load.split(":");
        int depth = Integer.parseInt(parts[2]);
        subsystem.addNamespace(1, new NullBackend().open(NamespaceSpec.parse("null:1TiB:4096")));
        fabrics.add(subsystem);
        target = RdmaTarget.open(RdmaTargetSettings.DEFAULT, targetEnd.device, fabrics, reactor);
        host = new RdmaHost(target.address(), TcpNode.NQN, reactor::step);
        host.begin(new Load(parts[0], Integer.parseInt(parts[1]) << 10, depth, 1, 0, 0));
    }

    @Override
    public void close() {
        host.close();
        var ending = Thread.ofPlatform().start(target::close);
        while (ending.isAlive()) {
            reactor.step();
        }
        fabrics.close();
        subsystem.close();
        targetEnd.close();
    }

    /** Returns how many I/Os ended. */
    int batch() {
        int ended = 0;
        while (ended < COMMANDS) {
            reactor.step();
            ended += host.poll();
        }
        return ended;
    }
}
