package io.doorbell.lab.rdma;

import io.doorbell.lab.kernel.LabTarget;
import io.doorbell.rdmasoft.SoftDevice;
import io.doorbell.rdmasoft.SoftSettings;
import io.doorbell.rdmatarget.RdmaTarget;
import io.doorbell.rdmatarget.RdmaTargetSettings;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.verbs.VerbsDevice;
import java.net.InetAddress;
import java.util.TreeMap;

/** Our target at port 4420 of a device. */
final class Target extends LabTarget {
    private static final int PORT = 4420;

    /** Of the two CPUs of the guest the kernel, which is the host and its device, needs all that it can get: no spinning, no pinning. */
    static final ReactorOptions MODEST = new ReactorOptions(false, 100, 10);

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
        super(MODEST);
        this.device = device;
        this.deviceEnd = deviceEnd;
        comesBack();
    }

    @Override
    public String transport() {
        return "rdma";
    }

    @Override
    public String address() {
        return device.addresses().getFirst().getHostAddress();
    }

    @Override
    public int port() {
        return PORT;
    }

    @Override
    public void goes() {
        listener.close();
    }

    @Override
    public void comesBack() {
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

    int connections() {
        return listener.connections();
    }

    long count(String counter) {
        return device.counters().get(counter);
    }

    @Override
    protected void closeListeners() {
        // For whoever reads the guest's console.
        var counters = new TreeMap<>(device.counters());
        counters.values().removeIf(count -> count == 0);
        System.out.println("lab: " + counters);
        listener.close();
    }

    @Override
    protected void closeDevices() {
        deviceEnd.run();
    }
}
