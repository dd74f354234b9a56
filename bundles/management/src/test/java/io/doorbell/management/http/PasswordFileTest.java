package io.doorbell.management.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.platform.PrivateFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PasswordFileTest {
    @TempDir
    private Path folder;

    private Path file(String content, String permissions) throws IOException {
        var file = Files.writeString(folder.resolve("password"), content);
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(permissions));
    }

    @Test
    void makesAPasswordThatOnlyTheOwnerCanReadAndLeavesNothingElse() throws Exception {
        var file = folder.resolve("password");

        var password = PasswordFile.passwordIn(file);

        assertThat(password).hasSize(32).matches("[-_A-Za-z0-9]+");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        assertThat(Files.readString(file)).isEqualTo(password + "\n");
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactly(file);
        }
    }

    @Test
    void keepsThePasswordThatIsThere() throws Exception {
        var made = PasswordFile.passwordIn(folder.resolve("password"));

        assertThat(PasswordFile.passwordIn(folder.resolve("password"))).isEqualTo(made);
        assertThat(PasswordFile.passwordIn(folder.resolve("other"))).isNotEqualTo(made);
    }

    @Test
    void takesThePasswordSomebodyWrote() throws Exception {
        assertThat(PasswordFile.passwordIn(file("correct horse\n", "rw-------")))
                .isEqualTo("correct horse");
        assertThat(PasswordFile.passwordIn(file("correct horse", "r--------"))).isEqualTo("correct horse");
    }

    @ParameterizedTest
    @ValueSource(strings = {"rw-r-----", "rw----r--", "rw--w----", "rwx------"})
    void refusesAFileThatOthersCanUseAndSaysHowToMendIt(String permissions) throws Exception {
        var file = file("correct horse\n", permissions);

        assertThatThrownBy(() -> PasswordFile.passwordIn(file))
                .isInstanceOf(PrivateFile.Refused.class)
                .hasMessageContaining("chmod 600 '" + file + "'")
                .hasMessageNotContaining("correct horse");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "\n", "short", "two long\nlines here\n"})
    void refusesAFileWithoutAPassword(String content) throws Exception {
        var file = file(content, "rw-------");

        assertThatThrownBy(() -> PasswordFile.passwordIn(file))
                .isInstanceOf(PrivateFile.Refused.class)
                .hasMessageContaining("at least 8 characters");
    }

    @Test
    void refusesAFileThatIsNoPasswordFileAtAll() throws Exception {
        var file = file("x".repeat(5_000), "rw-------");

        assertThatThrownBy(() -> PasswordFile.passwordIn(file)).hasMessageContaining("longer than 1024 bytes");
    }

    @Test
    void saysWhichDirectoryIsMissing() {
        assertThatThrownBy(() -> PasswordFile.passwordIn(folder.resolve("none/password")))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessageContaining(folder.resolve("none").toString());
    }
}
