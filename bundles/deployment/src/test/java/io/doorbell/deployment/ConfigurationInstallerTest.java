package io.doorbell.deployment;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.felix.cm.PersistenceManager;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleException;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.service.cm.ConfigurationAdmin;
import org.slf4j.LoggerFactory;

class ConfigurationInstallerTest {
    private static final String GOOD = "depth = 64\nname = first\n";

    @TempDir
    private Path home;

    private final ListAppender<ILoggingEvent> log = new ListAppender<>();
    private TestFramework framework;
    private ConfigurationAdmin admin;
    private ConfigurationInstaller installer;

    @BeforeEach
    void start() throws BundleException, IOException {
        log.start();
        ((Logger) LoggerFactory.getLogger(ConfigurationInstaller.class)).addAppender(log);
        startNode();
    }

    private void startNode() throws BundleException, IOException {
        framework = new TestFramework(home);
        var context = framework.context();
        context.installBundle(PersistenceManager.class
                        .getProtectionDomain()
                        .getCodeSource()
                        .getLocation()
                        .toString())
                .start();
        admin = context.getService(context.getServiceReference(ConfigurationAdmin.class));
        installer = new ConfigurationInstaller(context, admin);
    }

    @AfterEach
    void stop() throws BundleException, InterruptedException {
        ((Logger) LoggerFactory.getLogger(ConfigurationInstaller.class)).detachAppender(log);
        stopNode();
    }

    private void stopNode() throws BundleException, InterruptedException {
        installer.deactivate();
        framework.stop();
    }

    private Bundle deployPlugin() throws IOException, BundleException {
        return deployPlugin("1.0.0", SchemaTest.METATYPE);
    }

    private Bundle deployPlugin(String version, String metatype) throws IOException, BundleException {
        var jar = TestFramework.bundle(
                home.resolve("plugin-" + version + ".jar"),
                "plugin",
                version,
                "",
                Map.of("OSGI-INF/metatype/test.xml", metatype));
        return framework.context().installBundle(jar.toUri().toString());
    }

    private void write(String file, String text) throws IOException {
        var path = home.resolve("config").resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
        installer.install(path.toFile());
    }

    private Object inForce(String pid, String key) throws IOException, InvalidSyntaxException {
        var found = admin.listConfigurations("(service.pid=" + pid + ")");
        return found == null ? null : found[0].getProperties().get(key);
    }

    private List<String> errors() {
        return log.list.stream()
                .filter(event -> event.getLevel() == Level.ERROR)
                .map(ILoggingEvent::getFormattedMessage)
                .toList();
    }

    @Test
    void aGoodFileIsInForceTyped() throws IOException, BundleException, InvalidSyntaxException {
        deployPlugin();

        write("test.one.cfg", GOOD);

        assertThat(inForce("test.one", "depth")).isEqualTo(64);
        assertThat(errors()).isEmpty();
    }

    @Test
    void aWrongValueIsOneErrorThatNamesAllAndChangesNothing()
            throws IOException, BundleException, InvalidSyntaxException {
        deployPlugin();
        write("test.one.cfg", GOOD);

        write("test.one.cfg", "depth = 4096\nname = second\n");

        assertThat(errors())
                .containsExactly(
                        "config/test.one.cfg: depth = 4096: must be a whole number from 2 to 1024 (default 32)."
                                + " Nothing was changed: the last good configuration stays in force");
        assertThat(inForce("test.one", "depth")).isEqualTo(64);
        assertThat(inForce("test.one", "name"))
                .as("not even the good part of the file")
                .isEqualTo("first");
    }

    @Test
    void theLastGoodConfigurationIsInForceAgainAfterARestartWithAWrongFile()
            throws IOException, BundleException, InterruptedException, InvalidSyntaxException {
        deployPlugin();
        write("test.one.cfg", GOOD);
        write("test.one.cfg", "depth = many\nname = second\n");
        stopNode();

        startNode();
        deployPlugin("1.0.1", SchemaTest.METATYPE);
        installer.install(home.resolve("config/test.one.cfg").toFile());

        assertThat(inForce("test.one", "depth")).isEqualTo(64);
        assertThat(errors().getLast()).contains("depth = many", "The last good configuration is in force");
    }

    @Test
    void aWrongFileWithNothingBeforeItConfiguresNothing() throws IOException, BundleException, InvalidSyntaxException {
        deployPlugin();

        write("test.one.cfg", "depth = many\nname = x\n");

        assertThat(admin.listConfigurations(null)).isNull();
        assertThat(errors()).singleElement().asString().endsWith("There is no good configuration to go on with");
    }

    @Test
    void aFileWaitsForTheBundleThatDeclaresIt() throws IOException, BundleException, InvalidSyntaxException {
        write("test.one.cfg", GOOD);
        assertThat(inForce("test.one", "depth")).isNull();

        var plugin = deployPlugin();

        assertThat(inForce("test.one", "depth")).isEqualTo(64);
        assertThat(plugin.getState()).as("before it is even started").isEqualTo(Bundle.INSTALLED);
    }

    @Test
    void deletingTheFileDeletesTheConfiguration() throws IOException, BundleException, InvalidSyntaxException {
        deployPlugin();
        write("test.many~a.cfg", GOOD);
        write("test.many~b.cfg", GOOD);

        installer.uninstall(home.resolve("config/test.many~a.cfg").toFile());

        assertThat(inForce("test.many~a", "depth")).isNull();
        assertThat(inForce("test.many~b", "depth")).isEqualTo(64);
    }

    @Test
    void aFileDeletedWhileTheNodeWasDownIsForgotten()
            throws IOException, BundleException, InterruptedException, InvalidSyntaxException {
        deployPlugin();
        write("test.one.cfg", GOOD);
        stopNode();
        Files.delete(home.resolve("config/test.one.cfg"));
        startNode();

        deployPlugin("1.0.1", SchemaTest.METATYPE);
        write("test.one.cfg", "depth = many\nname = x\n");

        assertThat(inForce("test.one", "depth")).isNull();
    }

    @Test
    void anUpdatedBundleHasItsFilesCheckedAgainstWhatItDeclaresNow()
            throws IOException, BundleException, InvalidSyntaxException {
        var plugin = deployPlugin();
        write("test.one.cfg", "deeper = 64\nname = x\n");
        assertThat(errors()).hasSize(1);

        var newer = TestFramework.bundle(
                home.resolve("newer.jar"),
                "plugin",
                "2.0.0",
                "",
                Map.of("OSGI-INF/metatype/test.xml", SchemaTest.METATYPE.replace("\"depth\"", "\"deeper\"")));
        try (var in = Files.newInputStream(newer)) {
            plugin.update(in);
        }

        assertThat(inForce("test.one", "deeper")).isEqualTo(64);
    }

    @Test
    void aBrokenMetatypeFileIsReportedAndTheNodeGoesOn() throws IOException, BundleException {
        deployPlugin("1.0.0", "<MetaData><OCD");

        assertThat(errors()).singleElement().asString().contains("OSGI-INF/metatype/test.xml");
    }
}
