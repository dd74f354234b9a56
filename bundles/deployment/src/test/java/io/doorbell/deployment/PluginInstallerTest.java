package io.doorbell.deployment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleException;

class PluginInstallerTest {
    /** Of what takes some milliseconds, on a machine that has much else to do. */
    private static final Duration BOUND = Duration.ofSeconds(60);

    @TempDir
    private Path home;

    private TestFramework framework;
    private PluginInstaller installer;

    @BeforeEach
    void start() throws BundleException {
        framework = new TestFramework(home);
        installer = new PluginInstaller(framework.context());
    }

    @AfterEach
    void stop() throws BundleException, InterruptedException {
        framework.stop();
    }

    private Path drop(String file, String name, String version) throws IOException, InterruptedException {
        return drop(file, name, version, "");
    }

    private Path drop(String file, String name, String version, String headers)
            throws IOException, InterruptedException {
        var path = TestFramework.bundle(home.resolve("deploy").resolve(file), name, version, headers, Map.of());
        installer.install(path.toFile());
        return path;
    }

    private void delete(Path file) throws IOException, InterruptedException {
        Files.delete(file);
        installer.uninstall(file.toFile());
    }

    /** Name and version of the plug-ins that are active. */
    private List<String> active() {
        return Arrays.stream(framework.context().getBundles())
                .filter(bundle -> bundle.getBundleId() != 0 && bundle.getState() == Bundle.ACTIVE)
                .map(bundle -> bundle.getSymbolicName() + " " + bundle.getVersion())
                .sorted()
                .toList();
    }

    @Test
    void aDroppedPluginRunsUntilItsFileIsDeleted() throws IOException, InterruptedException {
        var file = drop("perf.jar", "perf", "1.0.0");
        assertThat(active()).containsExactly("perf 1.0.0");

        delete(file);

        assertThat(framework.context().getBundles()).hasSize(1);
    }

    @Test
    void aNewerFileBesideTheOldOneReplacesItAsTheSameBundle() throws IOException, InterruptedException {
        drop("perf-1.jar", "perf", "1.0.0");
        var before = framework.context().getBundle("deploy:perf").getBundleId();

        drop("perf-2.jar", "perf", "1.10.0");

        assertThat(active()).containsExactly("perf 1.10.0");
        assertThat(framework.context().getBundle("deploy:perf").getBundleId()).isEqualTo(before);
    }

    @Test
    void anOlderFileBesideANewerOneChangesNothing() throws IOException, InterruptedException {
        drop("perf-2.jar", "perf", "2.0.0");
        var modified = framework.context().getBundle("deploy:perf").getLastModified();

        drop("perf-1.jar", "perf", "1.9.0");

        assertThat(active()).containsExactly("perf 2.0.0");
        assertThat(framework.context().getBundle("deploy:perf").getLastModified())
                .isEqualTo(modified);
    }

    @Test
    void takingTheNewerFileAwayBringsTheOldOneBack() throws IOException, InterruptedException {
        drop("perf-1.jar", "perf", "1.0.0");
        var newer = drop("perf-2.jar", "perf", "2.0.0");

        delete(newer);

        assertThat(active()).containsExactly("perf 1.0.0");
    }

    @Test
    void anotherContentUnderTheSameNameReplacesWhatRuns() throws IOException, InterruptedException {
        drop("perf.jar", "perf", "1.0.0");
        var modified = framework.context().getBundle("deploy:perf").getLastModified();

        drop("perf.jar", "perf", "1.0.0", "X-Build: second");

        assertThat(active()).containsExactly("perf 1.0.0");
        assertThat(framework.context().getBundle("deploy:perf").getLastModified())
                .isGreaterThan(modified);
        assertThat(framework.context().getBundle("deploy:perf").getHeaders().get("X-Build"))
                .isEqualTo("second");
    }

    @Test
    void aNewerVersionThatCannotBeResolvedLeavesTheOldOneRunning() throws IOException, InterruptedException {
        drop("perf-1.jar", "perf", "1.0.0");

        drop("perf-2.jar", "perf", "2.0.0", "Import-Package: nowhere.to.be.found");

        assertThat(active()).containsExactly("perf 1.0.0");
    }

    @Test
    void aPluginThatNeedsAnotherStartsOnceThatOneCame() throws IOException, InterruptedException {
        drop("host.jar", "host", "1.0.0", "Import-Package: verbs");
        assertThat(active()).isEmpty();

        drop("verbs.jar", "verbs", "1.0.0", "Export-Package: verbs");

        assertThat(active()).containsExactly("host 1.0.0", "verbs 1.0.0");
    }

    @Test
    void aPluginStoppedByHandStaysStopped() throws IOException, InterruptedException, BundleException {
        drop("perf.jar", "perf", "1.0.0");
        framework.context().getBundle("deploy:perf").stop();

        drop("other.jar", "other", "1.0.0");

        assertThat(active()).containsExactly("other 1.0.0");
    }

    @Test
    void touchingAFileRestartsNothing() throws IOException, InterruptedException {
        var file = drop("perf.jar", "perf", "1.0.0");
        var modified = framework.context().getBundle("deploy:perf").getLastModified();

        Files.setLastModifiedTime(file, FileTime.fromMillis(0));
        installer.update(file.toFile());

        assertThat(framework.context().getBundle("deploy:perf").getLastModified())
                .isEqualTo(modified);
    }

    @Test
    void whatRunsStaysWhileItsFileIsHalfWritten() throws IOException, InterruptedException {
        var file = drop("perf.jar", "perf", "1.0.0");

        Files.write(file, new byte[] {'P', 'K'});
        installer.update(file.toFile());

        assertThat(active()).containsExactly("perf 1.0.0");
    }

    @Test
    void whileTheNodeStartsPluginsWaitForTheirTurnAndTheNewestThatStartsRuns()
            throws IOException, InterruptedException {
        framework.startLevel(5);
        drop("perf-1.jar", "perf", "1.0.0");
        drop("perf-2.jar", "perf", "2.0.0", "Import-Package: nowhere.to.be.found");
        assertThat(active()).isEmpty();

        framework.startLevel(20);

        await().atMost(BOUND).untilAsserted(() -> assertThat(active()).containsExactly("perf 1.0.0"));
    }

    @Test
    void halfAFileIsNotTakenAndTheWholeOneIsOnceItIsThere() throws IOException, InterruptedException {
        var whole = TestFramework.bundle(home.resolve("whole.jar"), "perf", "1.0.0", "", Map.of("a", "b".repeat(5000)));
        var bytes = Files.readAllBytes(whole);
        var file = home.resolve("deploy/perf.jar");
        Files.createDirectories(file.getParent());

        Files.write(file, Arrays.copyOf(bytes, bytes.length / 2));
        installer.install(file.toFile());
        assertThat(active()).isEmpty();

        Files.write(file, bytes);
        installer.update(file.toFile());
        assertThat(active()).containsExactly("perf 1.0.0");
    }

    @Test
    void aBundleOfTheDistributionIsNotShadowedByAFile() throws IOException, InterruptedException, BundleException {
        var own = TestFramework.bundle(home.resolve("bundles/api.jar"), "api", "1.0.0", "", Map.of());
        framework.context().installBundle(own.toUri().toString()).start();

        drop("api-2.jar", "api", "2.0.0");

        assertThat(active()).containsExactly("api 1.0.0");
    }

    @Test
    void severalFilesOfOneNameMayComeAndGoInAnyOrder() throws IOException, InterruptedException {
        var second = drop("b.jar", "perf", "2.0.0");
        var first = drop("a.jar", "perf", "1.0.0");
        var third = drop("c.jar", "perf", "3.0.0");
        assertThat(active()).containsExactly("perf 3.0.0");

        delete(second);
        assertThat(active()).containsExactly("perf 3.0.0");
        delete(third);
        assertThat(active()).containsExactly("perf 1.0.0");
        delete(first);
        assertThat(active()).isEmpty();
    }
}
