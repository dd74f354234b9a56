package io.doorbell.deployment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.configuration.ConfigurationFiles;
import io.doorbell.configuration.ConfigurationFiles.State;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import org.apache.felix.cm.PersistenceManager;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.osgi.service.cm.ConfigurationAdmin;

/** Files that are changed from within the node. */
class ConfigurationChangeTest {
    private static final String TEXT = "# How deep.\ndepth = 64\n\nname = first\n";
    private static final String FILE = "test.one.cfg";

    @TempDir
    private Path home;

    private TestFramework framework;
    private ConfigurationAdmin admin;
    private ConfigurationInstaller installer;

    @BeforeEach
    void start() throws Exception {
        Files.createDirectories(home.resolve("config"));
        Files.writeString(file(), TEXT);
        startNode("1.0.0");
    }

    private void startNode(String version) throws Exception {
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
        var jar = TestFramework.bundle(
                home.resolve("plugin-" + version + ".jar"),
                "plugin",
                version,
                "",
                Map.of("OSGI-INF/metatype/test.xml", SchemaTest.METATYPE));
        context.installBundle(jar.toUri().toString());
        installer.install(file().toFile());
    }

    @AfterEach
    void stop() throws Exception {
        installer.deactivate();
        framework.stop();
    }

    private Path file() {
        return home.resolve("config").resolve(FILE);
    }

    private Object inForce(String pid, String key) throws Exception {
        var found = admin.listConfigurations("(service.pid=" + pid + ")");
        return found == null ? null : found[0].getProperties().get(key);
    }

    @Test
    void aChangeIsInTheFileAndInForceAndAllElseStays() throws Exception {
        installer.set(FILE, Map.of("depth", "128"));

        assertThat(file()).hasContent(TEXT.replace("64", "128"));
        assertThat(inForce("test.one", "depth")).isEqualTo(128);
        assertThat(inForce("test.one", "name")).isEqualTo("first");
        assertThat(installer.files()).singleElement().satisfies(status -> {
            assertThat(status.state()).isEqualTo(State.APPLIED);
            assertThat(status.entries()).containsEntry("depth", "128");
        });
    }

    @ParameterizedTest
    @CsvSource({
        "test.one.cfg, depth, many, must be a whole number",
        "test.one.cfg, depht, 64, there is no such key",
        "test.one~two.cfg, depth, 64, there is one test.one",
        "test.other.cfg, depth, 64, no bundle declares",
        "../test.one.cfg, depth, 64, is no name",
        "test.one.conf, depth, 64, is no name",
        "a/b.cfg, depth, 64, is no name",
    })
    void whatIsNotValidIsRefusedAndChangesNothing(String file, String key, String value, String why) throws Exception {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> installer.set(file, Map.of(key, value)))
                .withMessageContaining(why);

        assertThat(file()).hasContent(TEXT);
        assertThat(inForce("test.one", "depth")).isEqualTo(64);
        try (var all = Files.list(home.resolve("config"))) {
            assertThat(all).containsExactly(file());
        }
    }

    @Test
    void oneOfSeveralIsMadeAndRemoved() throws Exception {
        installer.set("test.many~a.cfg", Map.of("name", "x"));
        assertThat(inForce("test.many~a", "name")).isEqualTo("x");

        installer.remove("test.many~a.cfg");

        assertThat(inForce("test.many~a", "name")).isNull();
        assertThat(home.resolve("config/test.many~a.cfg")).doesNotExist();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> installer.remove("test.many~a.cfg"))
                .withMessageContaining("there is no test.many~a.cfg");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> installer.remove(FILE))
                .withMessageContaining("only one of its kind");
    }

    @Test
    void secretsAreNotShown() {
        installer.set(FILE, Map.of("secret", "correct horse"));

        assertThat(installer.files())
                .singleElement()
                .satisfies(status -> assertThat(status.toString()).doesNotContain("correct horse"));
    }

    @Test
    void aRejectedFileIsShownWithTheReasonAndMendedByAChange() throws IOException {
        Files.writeString(file(), "depth = many\nname = x\n");
        installer.install(file().toFile());
        assertThat(installer.files()).singleElement().satisfies(status -> {
            assertThat(status.state()).isEqualTo(State.REJECTED);
            assertThat(status.problem()).contains("depth = many");
        });

        installer.set(FILE, Map.of("depth", ConfigurationFiles.UNSET));

        assertThat(installer.files())
                .singleElement()
                .satisfies(status -> assertThat(status.state()).isEqualTo(State.APPLIED));
    }

    /** What a crash leaves at each step of a change: a file beside it that is empty, half, or whole; and the new one in its place. */
    @ParameterizedTest
    @ValueSource(strings = {"", "# How deep.\ndep", "# How deep.\ndepth = 128\n\nname = first\n"})
    void aCrashBeforeTheRenameLeavesTheOldFileInForce(String beside) throws Exception {
        Files.writeString(file().resolveSibling(FILE + ".new"), beside);
        stop();

        startNode("1.0.1");

        assertThat(installer.canHandle(file().resolveSibling(FILE + ".new").toFile()))
                .isFalse();
        assertThat(file()).hasContent(TEXT);
        assertThat(inForce("test.one", "depth")).isEqualTo(64);
        installer.set(FILE, Map.of("depth", "256"));
        assertThat(inForce("test.one", "depth")).isEqualTo(256);
        assertThat(file().resolveSibling(FILE + ".new")).doesNotExist();
    }

    @Test
    void aCrashAfterTheRenameLeavesTheNewFileInForce() throws Exception {
        Files.writeString(file().resolveSibling(FILE + ".new"), TEXT.replace("64", "128"));
        Files.move(file().resolveSibling(FILE + ".new"), file(), StandardCopyOption.ATOMIC_MOVE);
        stop();

        startNode("1.0.1");

        assertThat(inForce("test.one", "depth")).isEqualTo(128);
    }

    @Test
    void whatCannotBeWrittenChangesNothing() throws Exception {
        Files.createDirectory(file().resolveSibling(FILE + ".new"));

        assertThatThrownBy(() -> installer.set(FILE, Map.of("depth", "128")))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("config/test.one.cfg cannot be written");

        assertThat(file()).hasContent(TEXT);
        assertThat(inForce("test.one", "depth")).isEqualTo(64);
    }
}
