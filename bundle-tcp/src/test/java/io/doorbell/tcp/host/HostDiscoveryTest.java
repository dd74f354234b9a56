package io.doorbell.tcp.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.fabrics.host.FabricController;
import io.doorbell.host.DiscoveredSubsystem;
import io.doorbell.host.DiscoveringHost;
import io.doorbell.nvme.Nqn;
import io.doorbell.nvme.NvmeException;
import io.doorbell.tcp.Node;
import java.net.InetSocketAddress;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class HostDiscoveryTest {
    private static final Duration BOUND = Duration.ofSeconds(60);

    @Test
    void tellsWhatThereIsToConnectTo() {
        try (var node = new Node(Node.settings(0, 8192, 16, true))) {
            var id = HostRig.id(node.target.address(), "");

            var found = new TcpDiscoverer().discover(id, DiscoveringHost.THIS_MACHINE, BOUND);

            assertThat(found).extracting(DiscoveredSubsystem::subnqn).contains(Node.NQN, Node.QUIET_NQN);
            assertThat(found)
                    .filteredOn(each -> each.subnqn().equals(Node.NQN))
                    .first()
                    .satisfies(each -> {
                        assertThat(each.kind()).isEqualTo("NVM subsystem");
                        assertThat(each.trid())
                                .isEqualTo(HostRig.id(node.target.address(), Node.NQN)
                                        .toString());
                    });
            assertThat(node.target.connections()).isLessThanOrEqualTo(1);
        }
    }

    @Test
    void saysThatNobodyIsThere() {
        var id = HostRig.id(new InetSocketAddress("127.0.0.1", 1), "");

        assertThatThrownBy(() -> new TcpDiscoverer().discover(id, DiscoveringHost.THIS_MACHINE, BOUND))
                .isInstanceOf(NvmeException.class)
                .hasMessageContaining("ECONNREFUSED");
    }

    @Test
    void explainsWhyAConnectIsRefused() {
        try (var node = new Node(Node.settings(0, 8192, 16, true))) {
            assertThatThrownBy(() -> open(node, "nqn.2026-11.io.doorbell:none"))
                    .isInstanceOf(NvmeException.class)
                    .hasMessageContaining("Connect Invalid Parameters")
                    .hasMessageContaining("there is none of that name here");
            assertThatThrownBy(() -> open(node, Nqn.DISCOVERY))
                    .isInstanceOf(NvmeException.class)
                    .hasMessageContaining("discovery");
        }
    }

    private static void open(Node node, String subnqn) {
        var id = HostRig.id(node.target.address(), subnqn);
        FabricController.open(new TcpHostTransport(id, TcpHostSettings.DEFAULTS), id, HostRig.OPTIONS, () -> {})
                .close();
    }
}
