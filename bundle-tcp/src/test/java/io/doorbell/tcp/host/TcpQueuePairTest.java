package io.doorbell.tcp.host;

import io.doorbell.host.NetworkQueuePairContract;
import io.doorbell.host.NvmeController;
import io.doorbell.tcp.Node;
import org.junit.jupiter.api.AfterEach;

class TcpQueuePairTest extends NetworkQueuePairContract {
    private final Node node = new Node(Node.settings(0, 8192, 16, true));
    private final Relay relay = new Relay(node.target.address());
    private final HostRig rig =
            new HostRig(relay.address(), Node.NQN, HostRig.OPTIONS, TcpHostSettings.DEFAULTS.withDigests(true, true));

    @AfterEach
    void close() {
        rig.close();
        relay.close();
        node.close();
    }

    @Override
    protected NvmeController controller() {
        return rig.controller;
    }

    @Override
    protected String network() {
        return "TCP";
    }

    @Override
    protected void freeze() {
        relay.freeze();
    }

    @Override
    protected void thaw() {
        relay.thaw();
    }

    @Override
    protected long takenBytes() {
        return rig.transport.takenBytes();
    }

    @Override
    protected int connections() {
        return node.target.connections();
    }
}
