package io.doorbell.tcp.host;

import io.doorbell.fabrics.host.Discovery;
import io.doorbell.fabrics.host.FabricHostOptions;
import io.doorbell.fabrics.host.HostName;
import io.doorbell.host.DiscoveredSubsystem;
import io.doorbell.host.Discoverer;
import io.doorbell.nvme.TransportId;
import java.time.Duration;
import java.util.List;
import org.osgi.service.component.annotations.Component;

/** Discovery by NVMe/TCP, as the host that this machine is. Nothing to configure. */
@Component(service = Discoverer.class)
public final class TcpDiscoverer implements Discoverer {
    private static final TcpHostSettings SETTINGS = new TcpHostSettings(false, false, 8);

    @Override
    public TransportId.Type transport() {
        return TransportId.Type.TCP;
    }

    @Override
    public List<DiscoveredSubsystem> discover(TransportId id, Duration bound) {
        var hostId = HostName.id("");
        return new Discovery(
                        place -> new TcpHostTransport(place, SETTINGS), FabricHostOptions.nqn(hostId), hostId, bound)
                .discover(id);
    }
}
