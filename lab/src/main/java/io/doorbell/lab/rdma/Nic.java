package io.doorbell.lab.rdma;

import io.doorbell.lab.kernel.KernelHost;
import io.doorbell.rdmanic.Engine;
import io.doorbell.rdmanic.NicDevice;
import io.doorbell.rdmanic.NicDevices;
import java.net.InetAddress;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;

/** The guest's RDMA devices, as the bundle finds them. */
final class Nic implements AutoCloseable {
    private final List<NicDevice> devices = new CopyOnWriteArrayList<>();
    private final NicDevices watch;

    Nic(Engine engine) {
        watch = NicDevices.watch(engine, Set.of(NicLab.DEVICE), devices::add, devices::remove);
    }

    /** Our target at the device of this address, which goes with it. */
    static Target target(Engine engine, String address) {
        var nic = new Nic(engine);
        try {
            return new Target(nic.at(address), nic::close);
        } catch (RuntimeException none) {
            nic.close();
            throw none;
        }
    }

    /** The one at this address, when it is there. */
    NicDevice at(String address) {
        var wanted = InetAddress.ofLiteral(address);
        KernelHost.await("an RDMA device at " + address, () -> find(wanted) != null);
        return find(wanted);
    }

    private NicDevice find(InetAddress wanted) {
        return devices.stream()
                .filter(device -> device.addresses().contains(wanted))
                .findFirst()
                .orElse(null);
    }

    @Override
    public void close() {
        watch.close();
    }
}
