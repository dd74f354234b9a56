package io.doorbell.runtime;

import static io.doorbell.runtime.LocalNode.BOUND;
import static io.doorbell.runtime.LocalNode.PCIE;
import static io.doorbell.runtime.LocalNode.PERF;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import javax.management.JMException;
import javax.management.ObjectName;
import javax.management.openmbean.CompositeData;
import javax.management.openmbean.TabularData;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleException;

/** Plug-ins of the assembled distribution are replaced and removed while I/O runs. */
class HotDeployIT {
    /** Longer than anything takes here: it is cut short. */
    private static final String[] LOAD = load("3000");

    private static final String[] SHORT = load("1");

    @TempDir
    private Path folder;

    private LocalNode node;
    private Set<String> threadsBefore;
    private int mappingsBefore;

    private static String[] load(String seconds) {
        return new String[] {
            "-q", "32", "-o", "4096", "-w", "randrw", "-M", "50", "-t", seconds, "-r", "trtype:EMULATED traddr:nvme0"
        };
    }

    @BeforeEach
    void start() throws IOException {
        node = new LocalNode(folder.resolve("home"));
        assertThat(node.node().notActive()).isEmpty();
        await().atMost(BOUND)
                .untilAsserted(() -> assertThat(node.node().trids()).contains("trtype:EMULATED traddr:nvme0"));
        threadsBefore = LocalNode.threads();
        mappingsBefore = node.mappings();
    }

    @AfterEach
    void stop() {
        node.close();
    }

    private void awaitLoad() {
        await().atMost(BOUND).until(() -> LocalNode.leases() > 0);
    }

    private static Object ofPerf(String operation, Object argument) throws JMException {
        var type = argument instanceof Long ? long.class : argument.getClass();
        return ManagementFactory.getPlatformMBeanServer()
                .invoke(new ObjectName("io.doorbell:type=PerfRuns"), operation, new Object[] {argument}, new String[] {
                    type.getName()
                });
    }

    private static CompositeData run(long id) {
        var runs = (TabularData) LocalNode.attribute("PerfRuns", "Runs");
        return (CompositeData) runs.get(new Object[] {id}).get("value");
    }

    /** On what it drives now. */
    private static void awaitProgress(long id) {
        await().atMost(BOUND).until(() -> LocalNode.leases() > 0);
        long before = (Long) run(id).get("completed");
        await().atMost(BOUND)
                .untilAsserted(() -> assertThat((Long) run(id).get("completed"))
                        .as(run(id).toString())
                        .isGreaterThan(before + 1000));
    }

    private void awaitNothingLeft() {
        await().atMost(BOUND).untilAsserted(() -> {
            assertThat(LocalNode.leases()).as("leases").isZero();
            assertThat(LocalNode.threads()).as("threads").isSubsetOf(threadsBefore);
            assertThat(node.mappings()).as("mappings").isEqualTo(mappingsBefore);
        });
    }

    private void awaitVersion(String bundle, String version) {
        await().atMost(BOUND).untilAsserted(() -> {
            assertThat(node.bundle(bundle).getVersion()).hasToString(version);
            assertThat(node.bundle(bundle).getState()).isEqualTo(Bundle.ACTIVE);
        });
    }

    enum End {
        STOP {
            @Override
            void of(Bundle perf, Path jar) throws BundleException {
                perf.stop();
            }
        },
        UPDATE {
            @Override
            void of(Bundle perf, Path jar) throws BundleException, IOException {
                try (var in = Files.newInputStream(jar)) {
                    perf.update(in);
                }
            }
        },
        UNINSTALL {
            @Override
            void of(Bundle perf, Path jar) throws BundleException {
                perf.uninstall();
            }
        };

        abstract void of(Bundle perf, Path jar) throws BundleException, IOException;
    }

    @ParameterizedTest
    @EnumSource
    void perfLeavesNoLeaseNoThreadAndNoMappingWhenItGoesUnderLoad(End end)
            throws IOException, InterruptedException, BundleException {
        var run = node.perf(LOAD);
        awaitLoad();

        end.of(node.bundle(PERF), node.deployed("bundle-perf"));

        assertThat(run.exitCode()).as("a run that was cut short: " + run.said()).isNotZero();
        awaitNothingLeft();
    }

    @Test
    void aNewerPerfReplacesTheOneThatRuns() throws IOException, InterruptedException {
        var run = node.perf(LOAD);
        awaitLoad();

        node.drop(node.withVersion("bundle-perf", "0.1.1"));

        awaitVersion(PERF, "0.1.1");
        assertThat(run.exitCode()).isNotZero();
        awaitNothingLeft();
        var again = node.perf(SHORT);
        assertThat(again.exitCode()).as(again.said()).isZero();
        awaitNothingLeft();
    }

    /** A run without an end of its own: one that is over while the driver is away has failed, and rightly so. */
    @Test
    void aNewerDriverReplacesTheOneThatPerfRunsOnAndPerfGoesOn() throws IOException, InterruptedException, JMException {
        var newer = node.withVersion("bundle-pcie", "0.1.1");
        var started = (CompositeData) ofPerf(
                "start",
                "-q 32 -o 4096 -w randrw -M 50 -t 3000 --resume 100"
                        + " -r 'trtype:EMULATED traddr:nvme0 ns:2' -r 'trtype:EMULATED traddr:nvme0 ns:3'");
        long id = (Long) started.get("id");
        awaitProgress(id);

        node.drop(newer);

        awaitVersion(PCIE, "0.1.1");
        awaitProgress(id);
        ofPerf("stop", id);
        await().atMost(BOUND)
                .untilAsserted(() ->
                        assertThat(run(id).get("state")).as(run(id).toString()).isEqualTo("SUCCEEDED"));
        assertThat(run(id).get("failed")).isEqualTo(0L);
        await().atMost(BOUND).until(() -> LocalNode.leases() == 0);
        var again = node.perf(SHORT);
        assertThat(again.exitCode()).as(again.said()).isZero();
    }

    @Test
    void withoutADriverPerfSaysSoAndWithItAgainPerfRuns() throws IOException, InterruptedException {
        var jar = node.deployed("bundle-pcie");
        var kept = Files.copy(jar, folder.resolve("kept.jar"));

        Files.delete(jar);
        await().atMost(BOUND).until(() -> node.node().trids().isEmpty());
        var without = node.perf(SHORT);
        assertThat(without.exitCode()).isNotZero();
        assertThat(without.said()).contains("nvme0");

        Files.move(kept, jar);
        await().atMost(BOUND).until(() -> !node.node().trids().isEmpty());
        var again = node.perf(SHORT);
        assertThat(again.exitCode()).as(again.said()).isZero();
    }
}
