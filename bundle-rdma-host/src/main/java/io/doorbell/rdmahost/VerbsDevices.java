package io.doorbell.rdmahost;

import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.TransportId;
import io.doorbell.verbs.VerbsDevice;
import io.doorbell.verbs.VerbsProvider;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;

/** The RDMA devices of this node, and which of them reaches a place. Any thread. */
@Component(service = VerbsDevices.class)
public final class VerbsDevices {
    // Guarded by this.
    private final List<VerbsProvider> providers = new ArrayList<>();
    private final Map<Runnable, VerbsProvider> users = new HashMap<>();

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    synchronized void addProvider(VerbsProvider added) {
        providers.add(added);
        notifyAll();
    }

    void removeProvider(VerbsProvider removed) {
        List<Runnable> concerned;
        synchronized (this) {
            providers.remove(removed);
            concerned = users.entrySet().stream()
                    .filter(user -> user.getValue() == removed)
                    .map(Map.Entry::getKey)
                    .toList();
            concerned.forEach(users::remove);
        }
        concerned.forEach(Runnable::run);
    }

    /**
     * The device from which a target is reached. One that is configured may be about to come: waits for it.
     *
     * @param from the address of the device; empty for any of the target's address family, which is of the loopback where the target is
     * @param gone called when the device goes, once, until {@link #forget}
     * @throws NvmeException when there is none within the bound
     */
    synchronized VerbsDevice towards(TransportId target, String from, Runnable gone, Duration bound) {
        long deadline = System.nanoTime() + bound.toNanos();
        while (true) {
            var found = find(InetAddress.ofLiteral(target.traddr()), from, gone);
            long left = deadline - System.nanoTime();
            if (found != null) {
                return found;
            }
            if (left <= 0) {
                throw new NvmeException(
                        NvmeException.Kind.RETRY,
                        target.toString(),
                        "no RDMA device of this node "
                                + (from.isEmpty() ? "reaches that address" : "has the address " + from)
                                + " (io.doorbell.rdma.soft~NAME.cfg makes one)"
                                + providers.stream()
                                        .map(VerbsProvider::problem)
                                        .filter(problem -> !problem.isEmpty())
                                        .map(problem -> ". " + problem)
                                        .collect(Collectors.joining()));
            }
            try {
                TimeUnit.NANOSECONDS.timedWait(this, left);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new NvmeException(NvmeException.Kind.RETRY, target.toString(), "interrupted", e);
            }
        }
    }

    private VerbsDevice find(InetAddress there, String from, Runnable gone) {
        for (var provider : providers) {
            for (var device : provider.devices()) {
                if (device.addresses().stream().anyMatch(address -> fits(address, from, there))) {
                    users.put(gone, provider);
                    return device;
                }
            }
        }
        return null;
    }

    private static boolean fits(InetAddress address, String from, InetAddress there) {
        if (!from.isEmpty()) {
            return address.equals(InetAddress.ofLiteral(from));
        }
        return address.getAddress().length == there.getAddress().length
                && address.isLoopbackAddress() == there.isLoopbackAddress();
    }

    synchronized void forget(Runnable gone) {
        users.remove(gone);
    }
}
