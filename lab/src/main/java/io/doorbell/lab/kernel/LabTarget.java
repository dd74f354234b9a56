package io.doorbell.lab.kernel;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.fabrics.FabricTarget;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.subsystem.NvmSubsystem;

/** Our target for hosts of the guest's kernel, whatever carries it: one subsystem, whose namespace 1 is in memory. */
public abstract class LabTarget implements AutoCloseable {
    public static final String NQN = "nqn.2026-11.io.doorbell:lab";
    public static final String MODEL = "Doorbell in the lab";
    public static final long NAMESPACE_BYTES = 64 << 20;
    private static final int BLOCK_BYTES = 4096;

    protected final ReactorPool reactors;
    public final FabricTarget fabrics = new FabricTarget();
    public final NvmSubsystem subsystem = new NvmSubsystem(NQN, "LAB", MODEL);

    protected LabTarget(ReactorOptions options) {
        reactors = new ReactorPool(options);
        addNamespace(1, NAMESPACE_BYTES);
        fabrics.add(subsystem);
    }

    /** {@code tcp} and so on, as the kernel and nvme-cli call it. */
    public abstract String transport();

    public abstract String address();

    public abstract int port();

    /** For the kernel. */
    public final String where() {
        return where(port());
    }

    protected final String where(int anyPort) {
        return "transport=" + transport() + ",traddr=" + address() + ",trsvcid=" + anyPort;
    }

    public final void addNamespace(int nsid, long bytes) {
        subsystem.addNamespace(nsid, new MemoryBackend().open(new NamespaceSpec("memory", bytes, BLOCK_BYTES, "")));
    }

    /** Goes, and comes back at the same port. */
    public abstract void goes();

    public abstract void comesBack();

    public final int associations() {
        return fabrics.associations();
    }

    /** Ends what listens. */
    protected abstract void closeListeners();

    /** Ends what the listeners stood on, after the subsystem. */
    protected void closeDevices() {}

    @Override
    public final void close() {
        closeListeners();
        fabrics.close();
        subsystem.close();
        closeDevices();
        reactors.close();
    }
}
