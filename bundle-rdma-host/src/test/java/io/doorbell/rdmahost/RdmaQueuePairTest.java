package io.doorbell.rdmahost;

import io.doorbell.host.NetworkQueuePairContract;
import io.doorbell.host.NvmeController;
import org.junit.jupiter.api.AfterEach;

class RdmaQueuePairTest extends NetworkQueuePairContract {
    private final Node node = new Node(8192);
    private final Node.Host host = node.host();

    @AfterEach
    void close() {
        node.thaw();
        host.close();
        node.close();
    }

    @Override
    protected NvmeController controller() {
        return host.controller;
    }

    @Override
    protected String network() {
        return "RDMA";
    }

    @Override
    protected void freeze() {
        node.freeze();
    }

    @Override
    protected void thaw() {
        node.thaw();
    }

    @Override
    protected long takenBytes() {
        return host.transport.takenBytes();
    }

    @Override
    protected int connections() {
        return node.target.connections();
    }
}
