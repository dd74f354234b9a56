package io.doorbell.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HomeTest {
    @TempDir
    private Path folder;

    private Path root;

    @BeforeEach
    void root() {
        root = folder.resolve("home");
    }

    /** A distribution whose defaults are the given pairs of file and text. */
    private Distribution distribution(String name, String... defaults) throws IOException {
        var distribution = folder.resolve(name);
        Files.createDirectories(distribution.resolve("bundles"));
        for (int i = 0; i < defaults.length; i += 2) {
            var file = distribution.resolve(defaults[i]);
            Files.createDirectories(file.getParent());
            Files.writeString(file, defaults[i + 1]);
        }
        return Distribution.at(distribution);
    }

    private Home openOnce(Distribution distribution) {
        try (var home = Home.open(root, distribution)) {
            return home;
        }
    }

    private String read(String file) throws IOException {
        return Files.readString(root.resolve(file));
    }

    private Stream<String> files(String folder) throws IOException {
        try (var files = Files.list(root.resolve(folder))) {
            return files.map(file -> file.getFileName().toString()).sorted().toList().stream();
        }
    }

    @Test
    void aNewHomeIsACopyOfTheDefaults() throws IOException {
        openOnce(distribution("one", "config/a.cfg", "a", "deploy/perf.jar", "perf"));

        assertThat(read("config/a.cfg")).isEqualTo("a");
        assertThat(read("deploy/perf.jar")).isEqualTo("perf");
    }

    @Test
    void untouchedDefaultsFollowALaterDistribution() throws IOException {
        openOnce(distribution("one", "config/a.cfg", "a", "deploy/perf-1.jar", "perf 1"));

        openOnce(distribution("two", "config/a.cfg", "A", "config/b.cfg", "b", "deploy/perf-2.jar", "perf 2"));

        assertThat(read("config/a.cfg")).isEqualTo("A");
        assertThat(read("config/b.cfg")).isEqualTo("b");
        assertThat(files("deploy")).containsExactly("perf-2.jar");
    }

    @Test
    void whatWasChangedDeletedOrAddedByHandStaysSo() throws IOException {
        openOnce(distribution("one", "config/a.cfg", "a", "config/b.cfg", "b"));
        Files.writeString(root.resolve("config/a.cfg"), "mine");
        Files.delete(root.resolve("config/b.cfg"));
        Files.writeString(root.resolve("config/c.cfg"), "mine too");

        var home = openOnce(distribution("two", "config/a.cfg", "A", "config/b.cfg", "B", "config/c.cfg", "C"));

        assertThat(read("config/a.cfg")).isEqualTo("mine");
        assertThat(files("config")).containsExactly("a.cfg", "c.cfg");
        assertThat(read("config/c.cfg")).isEqualTo("mine too");
        assertThat(home.notes())
                .hasSize(2)
                .anySatisfy(note -> assertThat(note).startsWith("config/a.cfg was changed"))
                .anySatisfy(note -> assertThat(note).startsWith("config/b.cfg was deleted"));
    }

    @Test
    void aNoteComesOnce() throws IOException {
        openOnce(distribution("one", "config/a.cfg", "a"));
        Files.writeString(root.resolve("config/a.cfg"), "mine");
        openOnce(distribution("two", "config/a.cfg", "A"));

        assertThat(openOnce(distribution("two")).notes()).isEmpty();
    }

    @Test
    void aHomeIsOpenInOneNodeOnly() throws IOException {
        var distribution = distribution("one");
        try (var _ = Home.open(root, distribution)) {
            // Within one JVM the lock answers with an exception; the distribution's tests try it with two.
            assertThatThrownBy(() -> Home.open(root, distribution)).isInstanceOf(OverlappingFileLockException.class);
        }

        openOnce(distribution);
    }

    @Test
    void aHomeThatIsAFileIsRefusedWithTheRemedy() throws IOException {
        Files.writeString(root, "a file");
        var distribution = distribution("one");

        assertThatThrownBy(() -> Home.open(root, distribution))
                .isInstanceOf(Refusal.class)
                .hasMessageContainingAll(root.toString(), "ot a directory", "--home DIR");
    }

    @Test
    void aPathWithACommaIsRefused() throws IOException {
        var distribution = distribution("one");

        assertThatThrownBy(() -> Home.open(folder.resolve("a,b"), distribution))
                .isInstanceOf(Refusal.class)
                .hasMessageContaining("comma");
    }

    @Test
    void aTemporaryHomeHasNoListeners() throws IOException {
        try (var home = Home.temporary(distribution(
                "one", "config/a.cfg", "a", "config/io.doorbell.tcp.target~tcp0.cfg", "address = 127.0.0.1"))) {
            assertThat(home.root().resolve("config/a.cfg")).exists();
            assertThat(home.root().resolve("config/io.doorbell.tcp.target~tcp0.cfg"))
                    .doesNotExist();
        }
    }

    @Test
    void aTemporaryHomeIsGoneWhenClosed() throws IOException {
        var home = Home.temporary(distribution("one", "config/a.cfg", "a"));
        assertThat(home.root().resolve("config/a.cfg")).exists();

        home.close();

        assertThat(home.root()).doesNotExist();
    }
}
