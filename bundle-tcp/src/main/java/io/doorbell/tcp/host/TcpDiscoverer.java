package io.doorbell.tcp.host;

import io.doorbell.fabrics.auth.DhchapOffer;
import io.doorbell.fabrics.auth.HostKeys;
import io.doorbell.fabrics.host.Discovery;
import io.doorbell.fabrics.host.FabricHostOptions;
import io.doorbell.fabrics.host.HostName;
import io.doorbell.host.DiscoveredSubsystem;
import io.doorbell.host.Discoverer;
import io.doorbell.host.DiscoveringHost;
import io.doorbell.nvme.Nqn;
import io.doorbell.nvme.TransportId;
import java.time.Duration;
import java.util.List;
import org.osgi.service.component.annotations.Component;

/** Discovery by NVMe/TCP, with TLS for a host that has a key for it. Nothing to configure: whoever asks says who it is. */
@Component(service = Discoverer.class)
public final class TcpDiscoverer implements Discoverer {
    private static final TcpHostSettings SETTINGS = new TcpHostSettings(false, false, 8);

    @Override
    public TransportId.Type transport() {
        return TransportId.Type.TCP;
    }

    @Override
    public List<DiscoveredSubsystem> discover(TransportId id, DiscoveringHost host, Duration bound) {
        var hostId = HostName.id("");
        var nqn = host.nqn() == null ? FabricHostOptions.nqn(hostId) : host.nqn();
        var keys = new HostKeys(host.key(), host.controllerKey(), DhchapOffer.DEFAULT, host.tlsKey());
        var tls = host.tlsKey() == null ? null : new TcpHostTransport.Tls(keys, nqn, Nqn.DISCOVERY);
        return new Discovery(place -> new TcpHostTransport(place, SETTINGS, tls), nqn, hostId, keys, bound)
                .discover(id);
    }
}
