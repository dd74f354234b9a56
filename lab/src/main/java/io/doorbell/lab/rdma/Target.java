package io.doorbell.lab.rdma;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.fabrics.FabricTarget;
import io.doorbell.rdmasoft.SoftDevice;
import io.doorbell.rdmasoft.SoftSettings;
import io.doorbell.rdmatarget.RdmaTarget;
import io.doorbell.rdmatarget.RdmaTargetSettings;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.subsystem.NvmSubsystem;
import io.doorbell.verbs.VerbsDevice;
import java.net.InetAddress;
import java.util.TreeMap;

/** Our target: one subsystem, whose namespace 1 is in memory, at port 4420 of a device. */
final class Target implements AutoCloseable {
    static final String NQN = "nqn.2026-11.io.doorbell:lab";
    private static final int PORT = 4420;

    /** Of the two CPUs of the guest the kernel, which is the host and its device, needs all that it can get: no spinning, no pinning. */
    private static final ReactorOptions MODEST = new ReactorOptions(false, 100, 10);

    private final ReactorPool reactors = new ReactorPool(MODEST);
    private final FabricTarget fabrics = new FabricTarget();
    final NvmSubsystem subsystem = new NvmSubsystem(NQN, "LAB", "Doorbell in the lab");
    final VerbsDevice device;
    private final Runnable deviceEnd;
    private RdmaTarget listener;

    /** At a software device. */
    Target() {
        this(SoftDevice.open(SoftSettings.of(InetAddress.ofLiteral(RdmaLab.TARGET_ADDRESS))));
    }

    private Target(SoftDevice soft) {
        this(soft, soft::close);
    }

    /** @param deviceEnd when this has let the device go */
    Target(VerbsDevice device, Runnable deviceEnd) {
        this.device = device;
        this.deviceEnd = deviceEnd;
        addNamespace(1, 64 << 20);
        fabrics.add(subsystem);
        comesBack();
    }

    /** For the kernel. */
    String where() {
        return "transport=rdma,traddr=" + device.addresses().getFirst().getHostAddress() + ",trsvcid=" + PORT;
    }

    void addNamespace(int nsid, long bytes) {
        subsystem.addNamespace(nsid, new MemoryBackend().open(new NamespaceSpec("memory", bytes, 4096, "")));
    }

    /** Goes, and comes back at the same port. */
    void goes() {
        listener.close();
    }

    void comesBack() {
        var now = RdmaTargetSettings.DEFAULT;
        listener = RdmaTarget.open(
                new RdmaTargetSettings(
                        now.name(),
                        PORT,
                        now.subsystems(),
                        now.reactors(),
                        now.maxConnections(),
                        now.maxQueueEntries(),
                        now.maxIoQueues(),
                        now.inCapsuleBytes(),
                        now.maxTransferBytes(),
                        now.bufferMebibytes()),
                device,
                fabrics,
                reactors);
    }

    int associations() {
        return fabrics.associations();
    }

    int connections() {
        return listener.connections();
    }

    @Override
    public void close() {
        // For whoever reads the guest's console.
        var counters = new TreeMap<>(device.counters());
        counters.values().removeIf(count -> count == 0);
        System.out.println("lab: " + counters);
        listener.close();
        fabrics.close();
        subsystem.close();
        deviceEnd.run();
        reactors.close();
    }
}
