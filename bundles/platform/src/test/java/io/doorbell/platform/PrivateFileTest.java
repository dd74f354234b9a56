package io.doorbell.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PrivateFileTest {
    @TempDir
    private Path folder;

    private Path file(String content, String permissions) throws IOException {
        var file = Files.writeString(folder.resolve("key"), content);
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(permissions));
    }

    @Test
    void writesALineForItsOwnerAloneAndReadsItAgain() throws IOException {
        var file = folder.resolve("made");

        PrivateFile.create(file, "secret");
        PrivateFile.create(file, "another");

        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        assertThat(PrivateFile.line(file, "a key", 100)).isEqualTo("another");
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactly(file);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"rw-r-----", "rw----r--", "rw--w----", "rwx------"})
    void refusesAFileThatOthersCanUse(String permissions) throws IOException {
        var file = file("secret", permissions);

        assertThatThrownBy(() -> PrivateFile.line(file, "a key", 100))
                .isInstanceOf(PrivateFile.Refused.class)
                .hasMessageContaining("chmod 600 '" + file + "'")
                .hasMessageNotContaining("secret");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "\n", "two\nlines\n"})
    void refusesWhatIsNotALine(String content) throws IOException {
        var file = file(content, "rw-------");

        assertThatThrownBy(() -> PrivateFile.line(file, "a key", 100))
                .isInstanceOf(PrivateFile.Refused.class)
                .hasMessageContaining("does not hold a key");
    }

    @Test
    void refusesWhatIsNoFileOrTooLong() throws IOException {
        var file = file("x".repeat(101), "r--------");

        assertThatThrownBy(() -> PrivateFile.line(file, "a key", 100)).hasMessageContaining("longer than 100 bytes");
        assertThatThrownBy(() -> PrivateFile.line(folder, "a key", 100)).hasMessageContaining("there is no file");
        assertThatThrownBy(() -> PrivateFile.line(folder.resolve("none"), "a key", 100))
                .hasMessageContaining("there is no file");
        assertThatThrownBy(() -> PrivateFile.create(folder.resolve("none/key"), "secret"))
                .hasMessageContaining(folder.resolve("none").toString());
    }
}
