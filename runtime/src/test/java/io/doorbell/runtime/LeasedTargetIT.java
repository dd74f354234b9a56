package io.doorbell.runtime;

import static io.doorbell.runtime.LocalNode.BOUND;
import static io.doorbell.runtime.LocalNode.PCIE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;

/** Hosts on the network work on a namespace of a leased controller, while everything below and beside them is replaced. */
class LeasedTargetIT {
    private static final String NQN = "nqn.2026-11.io.doorbell:leased";
    private static final int BLOCK_BYTES = 4096;

    /** Admin commands wait for nothing but a busy machine. */
    private static final Duration ADMIN_BOUND = Duration.ofSeconds(5);

    private final long seed = Long.getLong("doorbell.seed", System.nanoTime());

    @TempDir
    private Path folder;

    private Path root;
    private Path config;
    private int port;

    @BeforeEach
    void configure() throws IOException {
        root = folder.toRealPath();
        config = Files.createDirectories(root.resolve("home/config"));
        port = TcpHost.freePort();
        Files.writeString(config.resolve("io.doorbell.tcp.target~tcp0.cfg"), "name = tcp0\nport = " + port + "\n");
        // A process comes up when the machine has time for it; nothing is to end before that.
        Files.writeString(
                config.resolve("io.doorbell.backends.nvme.cfg"), "pause.ms = " + TcpLoad.BOUND.toMillis() + "\n");
    }

    private void namespace(String transportId) throws IOException {
        Files.writeString(
                config.resolve("io.doorbell.subsystem~leased.cfg"),
                "nqn = " + NQN + "\nserial = LEASED0\nnamespaces = 1=nvme:" + transportId + " ns:1\n");
    }

    private TcpLoad load() {
        var load = new TcpLoad(port, NQN, BLOCK_BYTES, false, seed);
        load.awaitProgress();
        return load;
    }

    private static void awaitVersion(LocalNode node, String bundle, String version) {
        await().atMost(BOUND).untilAsserted(() -> {
            assertThat(node.bundle(bundle).getVersion()).hasToString(version);
            assertThat(node.bundle(bundle).getState()).isEqualTo(Bundle.ACTIVE);
        });
    }

    @Test
    void hostsSeeLatencyAndNoErrorWhileTheDriverIsReplacedAndTheControllerReset() throws Exception {
        namespace("trtype:EMULATED traddr:nvme0");
        try (var node = new LocalNode(root.resolve("home"))) {
            awaitNamespace();
            try (var load = load()) {
                for (var version : List.of("0.1.1", "0.1.2")) {
                    node.drop(node.withVersion("bundle-pcie", version));
                    awaitVersion(node, PCIE, version);
                    load.awaitProgress();
                }
                for (int i = 0; i < 3; i++) {
                    reset(node);
                    load.awaitProgress();
                }
                assertThat(load.longestAdmin()).as("keep alive beside a pause").isLessThan(ADMIN_BOUND);
                load.finish();
            }
            assertThat(node.node().notActive()).isEmpty();
        }
    }

    /** It is there when the controller is, which comes after the listener. */
    private void awaitNamespace() {
        await().atMost(BOUND).ignoreExceptions().untilAsserted(() -> {
            try (var admin = new TcpHost(port, NQN, 0, 0xFFFF)) {
                assertThat(admin.activeNamespaces()).contains(1);
            }
        });
    }

    private static void reset(LocalNode node) throws ReflectiveOperationException {
        var controller = node.node()
                .await("io.doorbell.host.NvmeController", "(doorbell.trid=trtype:EMULATED traddr:nvme0)", BOUND)
                .orElseThrow();
        // Its classes are a bundle's, and not this test's.
        var reset = controller.getClass().getMethod("reset", String.class);
        reset.setAccessible(true);
        reset.invoke(controller, "a test wants it");
    }
}
