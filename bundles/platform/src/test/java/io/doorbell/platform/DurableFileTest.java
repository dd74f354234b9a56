package io.doorbell.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DurableFileTest {
    @TempDir
    Path directory;

    @Test
    void replacesAFileAsAWhole() throws IOException {
        Path file = directory.resolve("state.json");

        DurableFile.replace(file, "a long first text".getBytes());
        DurableFile.replace(file, "short".getBytes());

        assertThat(file).hasContent("short");
        assertThat(directory).isDirectoryContaining(file::equals);
        assertThat(Files.list(directory)).as("nothing is left beside it").containsExactly(file);
    }

    @Test
    void whatCannotBeWrittenLeavesTheOldFile() throws IOException {
        Path file = directory.resolve("state.json");
        DurableFile.replace(file, "old".getBytes());
        Files.createDirectory(directory.resolve("state.json.new"));

        assertThatThrownBy(() -> DurableFile.replace(file, "new".getBytes())).isInstanceOf(IOException.class);

        assertThat(file).hasContent("old");
    }

    @Test
    void deletesWhatIsThere() throws IOException {
        Path file = directory.resolve("state.json");
        DurableFile.replace(file, "old".getBytes());

        DurableFile.delete(file);
        DurableFile.delete(file);

        assertThat(file).doesNotExist();
    }
}
