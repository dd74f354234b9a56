package io.doorbell.rdmahost;

import io.doorbell.fabrics.auth.DhchapOffer;
import io.doorbell.fabrics.auth.HostKeys;
import io.doorbell.fabrics.host.Discovery;
import io.doorbell.fabrics.host.FabricHostOptions;
import io.doorbell.fabrics.host.HostName;
import io.doorbell.host.DiscoveredSubsystem;
import io.doorbell.host.Discoverer;
import io.doorbell.host.DiscoveringHost;
import io.doorbell.nvme.TransportId;
import io.doorbell.reactor.Reactors;
import java.time.Duration;
import java.util.List;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** Discovery by NVMe/RDMA, from the device that fits. Nothing to configure: whoever asks says who it is. */
@Component(service = Discoverer.class)
public final class RdmaDiscoverer implements Discoverer {
    private static final RdmaHostSettings SETTINGS = new RdmaHostSettings(1, 8);

    private final VerbsDevices devices;
    private final Reactors reactors;

    @Activate
    public RdmaDiscoverer(@Reference VerbsDevices devices, @Reference Reactors reactors) {
        this.devices = devices;
        this.reactors = reactors;
    }

    @Override
    public TransportId.Type transport() {
        return TransportId.Type.RDMA;
    }

    @Override
    public List<DiscoveredSubsystem> discover(TransportId id, DiscoveringHost host, Duration bound) {
        if (host.tlsKey() != null) {
            throw new IllegalArgumentException(id + ": a key for TLS, which RDMA has not");
        }
        var hostId = HostName.id("");
        var nqn = host.nqn() == null ? FabricHostOptions.nqn(hostId) : host.nqn();
        var keys = new HostKeys(host.key(), host.controllerKey(), DhchapOffer.DEFAULT, null);
        return new Discovery(place -> transport(place, bound), nqn, hostId, keys, bound).discover(id);
    }

    private RdmaHostTransport transport(TransportId place, Duration bound) {
        Runnable nobody = () -> {};
        var device = devices.towards(place, "", nobody, bound);
        devices.forget(nobody);
        return new RdmaHostTransport(place, SETTINGS, device, reactors);
    }
}
