package io.doorbell.runtime;

import static io.doorbell.runtime.LocalNode.BOUND;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.management.HotSpotDiagnosticMXBean;
import io.doorbell.runtime.stamps.Journal;
import io.doorbell.runtime.stamps.Journal.Mode;
import io.doorbell.runtime.stamps.StampsActivator;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.function.BooleanSupplier;
import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Devices and nodes are killed, or hang, under a load that is checked ({@link io.doorbell.runtime.stamps}): a few times by default, {@code
 * -Ddoorbell.kills=100} times if asked, at moments that {@code -Ddoorbell.seed=N} repeats as far as time repeats.
 *
 * <p>For each kill: every command ended once, within a bound; the lease ended, with its reason, in the ear of its holder and in the history; the
 * node takes the device up again by itself; and blocks hold what was acknowledged with FUA or by a Flush, or something that was submitted later.
 */
class KillIT {
    private static final int KILLS = Integer.getInteger("doorbell.kills", 6);
    private static final int NODE_KILLS = Math.max(1, KILLS / 6);
    private static final int HANGS = Math.max(1, KILLS / 6);
    private static final int MOST_MILLIS_TO_A_KILL = 150;
    private static final int MOST_MILLIS_TO_BRING_UP = 200;
    /** The only moment to kill at, as {@code -Ddoorbell.moment=BRING_UP} names it; null for all of them. */
    private static final String ALWAYS = System.getProperty("doorbell.moment");

    private static final Duration ANSWER_TIMEOUT = Duration.ofMillis(1500);

    /** What may happen to the load when the device dies; bring-up is none of its modes. */
    private enum Moment {
        LOAD,
        BRING_UP,
        GRANT,
        REVOKE,
        ADMIN,
        RESET
    }

    @TempDir
    private Path folder;

    private Path directory;
    private String trid;
    private Journal journal;
    private Path journalFile;
    private Random random;
    private long seed;

    @BeforeEach
    void choose() throws IOException {
        // As a real path: that is what the node prints.
        var root = folder.toRealPath();
        directory = root.resolve("device");
        trid = "trtype:VFIOUSER traddr:" + directory;
        journalFile = root.resolve("journal");
        journal = new Journal(journalFile);
        seed = Long.getLong("doorbell.seed", System.nanoTime());
        random = new Random(seed);
        System.out.println("kills: -Ddoorbell.seed=" + seed + " -Ddoorbell.kills=" + KILLS);
    }

    private NodeProcess device() throws IOException {
        return NodeProcess.doorbell(
                folder,
                "device",
                "--socket",
                directory.toString(),
                "--namespace",
                "file:1MiB:4096:disk.img",
                "--namespace",
                "memory:16MiB:512");
    }

    private Path home() throws IOException {
        var home = folder.resolve("home");
        var config = Files.createDirectories(home.resolve("config"));
        Files.writeString(
                config.resolve("io.doorbell.pcie.vfiouser~device.cfg"),
                "path = " + directory + "\nreconnect.ms = 50\nanswer.timeout.ms = " + ANSWER_TIMEOUT.toMillis() + "\n");
        Files.writeString(config.resolve("io.doorbell.pcie.cfg"), "io.timeout.ms = 3000\nadmin.timeout.ms = 3000\n");
        return home;
    }

    private void awaitGrant(long before) {
        within(BOUND, "a new lease, and the blocks looked through", () -> journal.get(Journal.GRANTED) > before);
        long commands = journal.get(Journal.ENDED);
        within(BOUND, "commands", () -> journal.get(Journal.ENDED) > commands + 300);
    }

    private void within(Duration bound, String what, BooleanSupplier condition) {
        try {
            await().atMost(bound).pollInterval(Duration.ofMillis(5)).untilAsserted(() -> {
                assertThat(journal.violations()).isEmpty();
                assertThat(condition.getAsBoolean()).as(what + "; " + journal).isTrue();
            });
        } catch (ConditionTimeoutException late) {
            printThreads();
            throw late;
        }
    }

    /** Virtual ones too: whoever waits for whom is told by nothing else. */
    private void printThreads() {
        var file = folder.resolve("threads" + System.nanoTime());
        try {
            ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class)
                    .dumpThreads(file.toString(), HotSpotDiagnosticMXBean.ThreadDumpFormat.TEXT_PLAIN);
            System.out.println(Files.readString(file));
        } catch (IOException noFile) {
            System.out.println("no dump of threads: " + noFile);
        }
    }

    @Test
    void aNodeLivesThroughTheDeathsOfItsDevice() throws Exception {
        try (var node = new LocalNode(home())) {
            var plugin = StampsActivator.bundle(folder.resolve("stamps.jar"), trid, journalFile, seed);
            await().atMost(BOUND).until(() -> node.node().trids().size() == 1); // The emulated one of a new home.
            int mappings = node.mappings();
            node.node().context().installBundle(plugin.toUri().toString()).start();
            long endedByDeath = 0;
            for (int kill = 0; kill < KILLS; kill++) {
                endedByDeath = deathAt(moment(kill), endedByDeath);
                within(
                        BOUND,
                        "no lease, no controller",
                        () -> LocalNode.leases() == 0 && !node.node().trids().contains(trid));
            }
            lastLook();
            assertThat(node.node().notActive()).isEmpty();
            journal.mode(Mode.QUIET);
            within(BOUND, "quiet", () -> LocalNode.leases() == 0);
            node.bundle("stamps").uninstall();
            within(BOUND, "as few mappings as before", () -> node.mappings() == mappings);
            within(
                    BOUND,
                    "no thread of the device's",
                    () -> LocalNode.threads().stream().noneMatch(name -> name.contains(directory.toString())));
        }
        System.out.println("kills: " + journal);
        assertThat(journal.get(Journal.SUBMITTED)).isEqualTo(journal.get(Journal.ENDED));
    }

    /** Each of them at first, then any. */
    private Moment moment(int kill) {
        var moments = ALWAYS == null ? Moment.values() : new Moment[] {Moment.valueOf(ALWAYS)};
        return moments[kill < moments.length ? kill : random.nextInt(moments.length)];
    }

    /** One life of the device. Returns how many leases have ended because a controller was gone. */
    private long deathAt(Moment moment, long before) throws Exception {
        long granted = journal.get(Journal.GRANTED);
        journal.mode(Mode.LOAD);
        try (var device = device()) {
            if (moment == Moment.BRING_UP) {
                device.awaitOutput(trid, "is there");
                Thread.sleep(random.nextInt(MOST_MILLIS_TO_BRING_UP));
            } else {
                awaitGrant(granted);
                journal.mode(Mode.valueOf(moment.name()));
                Thread.sleep(random.nextInt(MOST_MILLIS_TO_A_KILL));
            }
            assertThat(device.output()).doesNotContain("ERROR");
            // Closing kills: SIGKILL.
        }
        if (moment == Moment.LOAD) {
            within(BOUND, "ended for CONTROLLER_GONE", () -> journal.get(Journal.ENDED_CONTROLLER_GONE) > before);
        }
        within(BOUND, "all commands ended", () -> LocalNode.leases() == 0);
        return journal.get(Journal.ENDED_CONTROLLER_GONE);
    }

    private void lastLook() throws IOException {
        long granted = journal.get(Journal.GRANTED);
        journal.mode(Mode.LOAD);
        try (var _ = device()) {
            awaitGrant(granted);
            journal.mode(Mode.QUIET);
            within(BOUND, "quiet", () -> journal.get(Journal.QUIET) == 1);
        }
    }

    @Test
    void aNodeOutlastsADeviceThatHangsAndTakesItUpWhenItGoesOn() throws Exception {
        try (var node = new LocalNode(home());
                var device = device()) {
            var plugin = StampsActivator.bundle(folder.resolve("stamps.jar"), trid, journalFile, seed);
            node.node().context().installBundle(plugin.toUri().toString()).start();
            journal.mode(Mode.LOAD);
            awaitGrant(0);
            for (int hang = 0; hang < HANGS; hang++) {
                long gone = journal.get(Journal.ENDED_CONTROLLER_GONE);
                long granted = journal.get(Journal.GRANTED);

                device.signal("STOP");

                within(BOUND, "ended for CONTROLLER_GONE", () -> journal.get(Journal.ENDED_CONTROLLER_GONE) > gone);
                within(
                        BOUND,
                        "no lease, no controller",
                        () -> LocalNode.leases() == 0 && !node.node().trids().contains(trid));
                assertThat(journal.get(Journal.ENDED))
                        .as("commands that ended")
                        .isEqualTo(journal.get(Journal.SUBMITTED));

                device.signal("CONT");

                awaitGrant(granted);
            }
            journal.mode(Mode.QUIET);
            within(BOUND, "quiet", () -> journal.get(Journal.QUIET) == 1);
            assertThat(node.node().notActive()).isEmpty();
            assertThat(device.output()).doesNotContain("ERROR");
        }
        System.out.println("hangs: " + journal);
    }

    @Test
    void aDeviceLivesThroughTheDeathsOfItsNode() throws Exception {
        try (var device = device()) {
            device.awaitOutput(trid, "is there");
            killNodes(home(), trid);
            assertThat(device.output()).doesNotContain("ERROR");
        }
    }

    @Test
    void aNodeFindsTheFilesOfItsPredecessorThatWasKilled() throws Exception {
        killNodes(folder.resolve("home"), "trtype:EMULATED traddr:nvme0");
    }

    private void killNodes(Path home, String controller) throws Exception {
        StampsActivator.bundle(
                Files.createDirectories(home.resolve("deploy")).resolve("stamps.jar"), controller, journalFile, seed);
        for (int kill = 0; kill <= NODE_KILLS; kill++) {
            boolean last = kill == NODE_KILLS;
            long granted = journal.get(Journal.GRANTED);
            long verified = journal.get(Journal.VERIFIED);
            journal.mode(Mode.LOAD);
            try (var node = NodeProcess.run(folder, home)) {
                awaitGrant(granted);
                within(BOUND, "a look through all blocks", () -> journal.get(Journal.VERIFIED) > verified);
                journal.mode(last ? Mode.QUIET : random.nextBoolean() ? Mode.LOAD : Mode.GRANT);
                if (last) {
                    within(BOUND, "quiet", () -> journal.get(Journal.QUIET) == 1);
                } else {
                    Thread.sleep(random.nextInt(MOST_MILLIS_TO_A_KILL));
                }
                assertThat(node.output()).doesNotContain("ERROR");
                // Closing kills: SIGKILL.
            }
        }
        System.out.println("kills of nodes: " + journal);
        assertThat(journal.get(Journal.DURABLE)).isPositive();
    }
}
