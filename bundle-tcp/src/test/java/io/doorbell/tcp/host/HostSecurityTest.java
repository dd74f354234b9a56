package io.doorbell.tcp.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.fabrics.FabricHost;
import io.doorbell.fabrics.auth.DhchapOffer;
import io.doorbell.fabrics.auth.HostKeys;
import io.doorbell.host.DiscoveredSubsystem;
import io.doorbell.host.DiscoveringHost;
import io.doorbell.host.HeldQueuePair;
import io.doorbell.nvme.DhchapHash;
import io.doorbell.nvme.Nqn;
import io.doorbell.nvme.NvmeException;
import io.doorbell.tcp.Node;
import io.doorbell.tcp.TcpTargetSettings;
import io.doorbell.tcp.tls.TlsSession;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An initiator that has to show who it is, and that wants to know who answers. */
class HostSecurityTest {
    private static final Duration BOUND = Duration.ofSeconds(60);

    @TempDir
    private Path folder;

    private TestKeys keys;

    /** The first handshake of a JVM takes seconds on a busy machine, and no host waits so long. */
    @BeforeAll
    static void shakeHandsOnce() throws IOException {
        TlsSession.warmUp();
    }

    @BeforeEach
    void makeKeys() throws IOException {
        keys = TestKeys.in(folder, DhchapHash.SHA_256);
    }

    private Node node(TcpTargetSettings settings) {
        var node = new Node(settings);
        keys.addTo(node, true);
        return node;
    }

    private static HostRig open(Node node, HostKeys with) {
        return new HostRig(node.target.address(), Node.NQN, HostRig.OPTIONS.withKeys(with), TcpHostSettings.DEFAULTS);
    }

    private static void refused(Node node, HostKeys with, String said) {
        assertThatThrownBy(() -> open(node, with))
                .isInstanceOf(NvmeException.class)
                .hasMessageContaining(said);
    }

    @Test
    void everyQueueShowsWhoTheHostIs() {
        try (var node = node(TcpTargetSettings.DEFAULT);
                var rig = open(node, keys.host("host", "controller", null))) {
            var ended = new int[] {-1};
            try (var held = rig.hold(16, 4096, (_, status, _) -> ended[0] = status)) {
                assertThat(held.pair.read(1, 0, 1, held.data, 0, 0, 0)).isZero();
                held.pair.commit();
                HeldQueuePair.awaitEnds(held.pair, () -> ended[0] >= 0);
            }
            assertThat(ended[0]).isZero();
        }
    }

    @Test
    void isToldWhyItIsNotLetInAndLetsNoOtherControllerIn() throws IOException {
        try (var node = node(TcpTargetSettings.DEFAULT)) {
            refused(node, HostKeys.NONE, "dhchap.key");
            refused(node, keys.host("other", null, null), "the controller refuses this host: authentication failed");
            refused(node, keys.host("host", "other", null), "the controller does not know its key");
            refused(node, keys.host("none", null, null), "there is no file");
            Files.setPosixFilePermissions(folder.resolve("host"), PosixFilePermissions.fromString("rw-r--r--"));
            refused(node, keys.host("host", null, null), "chmod 600");
        }
    }

    @Test
    void tlsNeedsTheSameKeyOnBothSides() {
        try (var node = node(Node.secured())) {
            try (var rig = open(node, keys.host("host", "controller", "tls"))) {
                assertThat(rig.given).isFalse();
            }
            refused(node, keys.host("host", null, "otherTls"), "decrypt_error");
            refused(node, keys.host("host", null, null), "");
        }
        try (var plain = node(TcpTargetSettings.DEFAULT)) {
            refused(plain, keys.host("host", null, "tls"), "");
        }
    }

    private static void discovers(Node node, DiscoveringHost host) {
        var found = new TcpDiscoverer().discover(HostRig.id(node.target.address(), ""), host, BOUND);
        assertThat(found).extracting(DiscoveredSubsystem::subnqn).contains(Node.NQN);
    }

    private static void discoversNothing(Node node, DiscoveringHost host) {
        var id = HostRig.id(node.target.address(), "");
        assertThatThrownBy(() -> new TcpDiscoverer().discover(id, host, BOUND)).isInstanceOf(NvmeException.class);
    }

    @Test
    void discoveryIsEncryptedForAHostWithAKey() {
        var nqn = HostRig.OPTIONS.hostNqn();
        try (var node = node(Node.secured())) {
            discovers(node, new DiscoveringHost(nqn, null, null, keys.file("tls")));
            discoversNothing(node, new DiscoveringHost(nqn, null, null, keys.file("otherTls")));
            discoversNothing(node, new DiscoveringHost(nqn, null, null, null));
        }
    }

    @Test
    void discoveryAsksWhoTheHostIs() {
        var nqn = HostRig.OPTIONS.hostNqn();
        try (var node = new Node(TcpTargetSettings.DEFAULT)) {
            node.fabrics.add(new FabricHost(
                    nqn,
                    Set.of(Nqn.DISCOVERY),
                    new HostKeys(keys.file("host"), keys.file("controller"), DhchapOffer.DEFAULT, null)));
            discovers(node, new DiscoveringHost(nqn, keys.file("host"), keys.file("controller"), null));
            discoversNothing(node, new DiscoveringHost(nqn, keys.file("other"), null, null));
            discoversNothing(node, new DiscoveringHost(nqn, keys.file("host"), keys.file("other"), null));
            discoversNothing(node, new DiscoveringHost(nqn, null, null, null));
        }
    }
}
