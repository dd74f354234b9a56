package io.doorbell.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SparseFileTest {
    @TempDir
    Path directory;

    @Test
    void punchesAHoleThatReadsZeroAndKeepsTheSize() throws IOException {
        var path = directory.resolve("file");
        var content = new byte[64 << 10];
        Arrays.fill(content, (byte) 7);
        Files.write(path, content);

        boolean punched;
        try (var file = SparseFile.open(path)) {
            punched = file.punchHole(1000, 20_000);
        }

        if (punched) {
            Arrays.fill(content, 1000, 21_000, (byte) 0);
        }
        assertThat(Files.readAllBytes(path)).isEqualTo(content);
    }

    @Test
    void oneOpeningAtATimeHoldsTheLock() throws IOException {
        var path = Files.createFile(directory.resolve("file"));
        try (var second = SparseFile.open(path)) {
            try (var first = SparseFile.open(path)) {
                assertThat(first.tryLock()).isTrue();
                assertThat(second.tryLock()).isFalse();
            }

            assertThat(second.tryLock()).isTrue();
        }
    }

    @Test
    void namesTheFileThatIsNotThere() {
        assertThatThrownBy(() -> SparseFile.open(directory.resolve("missing")))
                .isInstanceOf(PlatformException.class)
                .hasMessageContaining("ENOENT")
                .hasMessageContaining("missing");
    }

    @Test
    void doesNothingOnceClosed() throws IOException {
        var file = SparseFile.open(Files.createFile(directory.resolve("file")));
        file.close();
        file.close();

        assertThatThrownBy(file::tryLock).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> file.punchHole(0, 1)).isInstanceOf(IllegalStateException.class);
    }
}
