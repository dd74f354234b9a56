package io.doorbell.runtime;

import static io.doorbell.runtime.LocalNode.BOUND;
import static io.doorbell.runtime.LocalNode.PCIE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.doorbell.runtime.stamps.Journal;
import io.doorbell.runtime.stamps.Journal.Mode;
import io.doorbell.runtime.stamps.StampsActivator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleException;

/**
 * Hosts on the network work on a namespace of a leased controller, while everything below and beside them is replaced or killed. Two
 * kinds of them, each of which knows what it wrote: {@link TcpLoad}, which speaks NVMe/TCP itself, and our initiator below {@link
 * io.doorbell.runtime.stamps}, with many commands at once, FUA and Flush.
 */
class LeasedTargetIT {
    private static final String NQN = "nqn.2026-11.io.doorbell:leased";
    private static final String TCP = "io.doorbell.bundle-tcp";
    private static final String EMULATED = "trtype:EMULATED traddr:nvme0";
    private static final int BLOCK_BYTES = 4096;
    private static final int KILLS = Integer.getInteger("doorbell.kills", 3);
    private static final int MOST_MILLIS_TO_A_KILL = 150;

    /** Of whatever waits for a process, or for a bundle that is replaced, on a machine that has much else to do. */
    private static final Duration LONG = Duration.ofSeconds(120);

    /** Admin commands wait for nothing but a busy machine. */
    private static final Duration ADMIN_BOUND = Duration.ofSeconds(20);

    private final long seed = Long.getLong("doorbell.seed", System.nanoTime());

    @TempDir
    private Path folder;

    private Path root;
    private Path config;
    private int port;
    private Path journalFile;
    private Journal journal;

    @BeforeEach
    void configure() throws IOException {
        root = folder.toRealPath();
        config = Files.createDirectories(root.resolve("home/config"));
        port = TcpHost.freePort();
        journalFile = root.resolve("journal");
        journal = new Journal(journalFile);
        Files.writeString(config.resolve("io.doorbell.tcp.target~tcp0.cfg"), "name = tcp0\nport = " + port + "\n");
    }

    /** @param pause how long a host's command waits for the controller; then it is told */
    private void namespace(String transportId, Duration pause) throws IOException {
        Files.writeString(
                config.resolve("io.doorbell.subsystem~leased.cfg"),
                "nqn = " + NQN + "\nserial = LEASED0\nnamespaces = 1=nvme:" + transportId + " ns:1\n");
        Files.writeString(config.resolve("io.doorbell.backends.nvme.cfg"), "pause.ms = " + pause.toMillis() + "\n");
    }

    private TcpLoad load(boolean reconnects) {
        var load = new TcpLoad(port, NQN, BLOCK_BYTES, reconnects, seed);
        load.awaitProgress();
        return load;
    }

    /** Our initiator in the same node, and a holder of a queue pair of its controller. */
    private void initiator(LocalNode node) throws IOException, BundleException {
        var trid = "trtype:TCP traddr:127.0.0.1 trsvcid:" + port + " subnqn:" + NQN;
        // Now that there is something to connect to. No retries: what the target says is what the holder hears; and no
        // Keep Alive, which
        // a machine with much else to do may keep waiting.
        Files.writeString(
                config.resolve("io.doorbell.tcp.host~own.cfg"),
                "trid = " + trid + "\nreconnect.delay.ms = 50\nio.retries = 0\nkeep.alive.ms = 0\n");
        var plugin = StampsActivator.bundle(root.resolve("stamps.jar"), trid, journalFile, seed);
        journal.mode(Mode.LOAD);
        node.node().context().installBundle(plugin.toUri().toString()).start();
    }

    private static void awaitVersion(LocalNode node, String bundle, String version) {
        await().atMost(LONG).untilAsserted(() -> {
            assertThat(node.bundle(bundle).getVersion()).hasToString(version);
            assertThat(node.bundle(bundle).getState()).isEqualTo(Bundle.ACTIVE);
        });
    }

    private void within(String what, BooleanSupplier condition) {
        await().atMost(LONG).pollInterval(Duration.ofMillis(10)).untilAsserted(() -> {
            assertThat(journal.violations()).isEmpty();
            assertThat(condition.getAsBoolean()).as(what + "; " + journal).isTrue();
        });
    }

    /** What is written now is acknowledged as durable; and every block holds what was so acknowledged before. */
    private void awaitAllBlocks() {
        long durable = journal.get(Journal.DURABLE);
        within("durable writes", () -> journal.get(Journal.DURABLE) > durable + 300);
        journal.mode(Mode.QUIET);
        within("quiet", () -> journal.get(Journal.QUIET) == 1);
        long verified = journal.get(Journal.VERIFIED);
        journal.mode(Mode.LOAD);
        within("a look through all blocks", () -> journal.get(Journal.VERIFIED) > verified);
    }

    private void endQuietly() {
        journal.mode(Mode.QUIET);
        within("quiet", () -> journal.get(Journal.QUIET) == 1);
        assertThat(journal.get(Journal.ENDED)).isEqualTo(journal.get(Journal.SUBMITTED));
        System.out.println("our initiator: " + journal);
    }

    @Test
    void hostsSeeLatencyAndNoErrorWhileTheDriverIsReplacedAndTheControllerReset() throws Exception {
        namespace(EMULATED, TcpLoad.BOUND);
        try (var node = new LocalNode(root.resolve("home"))) {
            awaitNamespace();
            try (var load = load(false)) {
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

    /** The first death lasts until the host was told of it; the others as long as a process takes to come up. */
    @Test
    void ourInitiatorSeesAPauseOrAPathErrorWhileADeviceProcessIsKilledAndLosesNothing() throws Exception {
        var directory = root.resolve("device");
        var random = new Random(seed);
        namespace("trtype:VFIOUSER traddr:" + directory, Duration.ofSeconds(2));
        Files.writeString(
                config.resolve("io.doorbell.pcie.vfiouser~device0.cfg"),
                "path = " + directory + "\nreconnect.ms = 50\n");
        var device = device(directory);
        try (var node = new LocalNode(root.resolve("home"))) {
            awaitNamespace();
            initiator(node);
            awaitAllBlocks();
            for (int kill = 0; kill < KILLS; kill++) {
                long told = journal.get(Journal.PATH_ERRORS);
                Thread.sleep(random.nextInt(MOST_MILLIS_TO_A_KILL));

                device.close(); // SIGKILL.
                if (kill == 0) {
                    within("the host is told", () -> journal.get(Journal.PATH_ERRORS) > told);
                }
                device = device(directory);

                awaitAllBlocks();
            }
            endQuietly();
            assertThat(journal.get(Journal.ENDED_CONTROLLER_GONE))
                    .as("its own controller is none of this")
                    .isZero();
            assertThat(node.node().notActive()).isEmpty();
        } finally {
            device.close();
        }
    }

    private NodeProcess device(Path directory) throws IOException {
        return NodeProcess.doorbell(
                root, "device", "--socket", directory.toString(), "--namespace", "file:1MiB:4096:disk.img");
    }

    @Test
    void hostsComeAgainWhenTheirTransportIsReplacedAndLoseNothing() throws Exception {
        namespace(EMULATED, TcpLoad.BOUND);
        try (var node = new LocalNode(root.resolve("home"))) {
            awaitNamespace();
            initiator(node);
            awaitAllBlocks();
            long granted = journal.get(Journal.GRANTED);
            node.drop(node.withVersion("bundle-tcp", "0.1.1"));
            awaitVersion(node, TCP, "0.1.1");
            within("a new lease", () -> journal.get(Journal.GRANTED) > granted);
            awaitAllBlocks();
            node.drop(node.withVersion("bundle-pcie", "0.1.1"));
            awaitVersion(node, PCIE, "0.1.1");
            awaitAllBlocks();
            endQuietly();
            // The same blocks are those of other hosts now.
            try (var load = load(true)) {
                long connects = load.connects();
                node.drop(node.withVersion("bundle-tcp", "0.1.2"));
                awaitVersion(node, TCP, "0.1.2");
                await().atMost(LONG).until(() -> load.connects() > connects);
                load.awaitProgress();
                load.finish();
            }
            assertThat(node.node().notActive()).isEmpty();
        }
    }

    /** It is there when the controller is, which comes after the listener. */
    private void awaitNamespace() {
        await().atMost(LONG).ignoreExceptions().untilAsserted(() -> {
            try (var admin = new TcpHost(port, NQN, 0, 0xFFFF)) {
                assertThat(admin.activeNamespaces()).contains(1);
            }
        });
    }

    private static void reset(LocalNode node) throws ReflectiveOperationException {
        var controller = node.node()
                .await("io.doorbell.host.NvmeController", "(doorbell.trid=" + EMULATED + ")", BOUND)
                .orElseThrow();
        // Its classes are a bundle's, and not this test's.
        var reset = controller.getClass().getMethod("reset", String.class);
        reset.setAccessible(true);
        reset.invoke(controller, "a test wants it");
    }
}
