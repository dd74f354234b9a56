package io.doorbell.tcp.host;

import io.doorbell.fabrics.host.FabricController;
import io.doorbell.fabrics.host.FabricHostOptions;
import io.doorbell.host.CompletionHandler;
import io.doorbell.host.HeldQueuePair;
import io.doorbell.host.PathOptions;
import io.doorbell.nvme.TransportId;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.UUID;

/** A controller of ours, and queue pairs that the test thread owns. */
final class HostRig implements AutoCloseable {
    static final UUID HOST_ID = UUID.fromString("1c7e6f40-1f37-4cc5-8a4e-5a3f0a3f0001");

    static final FabricHostOptions OPTIONS = FabricHostOptions.of(HOST_ID)
            .withTimes(Duration.ofSeconds(5), Duration.ofSeconds(10), Duration.ofMillis(20), Duration.ofSeconds(20));

    final TcpHostTransport transport;
    final FabricController controller;
    volatile boolean given;

    HostRig(InetSocketAddress address, String subnqn, FabricHostOptions options, TcpHostSettings settings) {
        var id = id(address, subnqn);
        var keys = options.keys();
        transport = new TcpHostTransport(
                id, settings, keys.tlsKey() == null ? null : new TcpHostTransport.Tls(keys, options.hostNqn(), subnqn));
        controller = FabricController.open(transport, id, options, () -> given = true);
    }

    static TransportId id(InetSocketAddress address, String subnqn) {
        return new TransportId(
                TransportId.Type.TCP,
                address.getAddress().getHostAddress(),
                Integer.toString(address.getPort()),
                subnqn,
                0);
    }

    HeldQueuePair hold(int entries, long dataBytes, CompletionHandler handler) {
        return new HeldQueuePair(controller, entries, dataBytes, handler, PathOptions.DEFAULTS);
    }

    @Override
    public void close() {
        controller.close();
    }
}
