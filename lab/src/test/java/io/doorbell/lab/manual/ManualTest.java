package io.doorbell.lab.manual;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ManualTest {
    @TempDir
    private Path folder;

    @Test
    void itIsTheLinesOfOneChapterWithoutTheirRemarks() throws IOException {
        var file = Files.writeString(folder.resolve("manual.md"), """
                # Manual

                    before
                ## One

                Do this:

                    first --flag=#1 &      # and wait
                    # a remark
                    second; third

                - not this
                ### Still one

                    fourth
                ## Two

                    other
                """);

        assertThat(Manual.typedIn(file, "One")).containsExactly("first --flag=#1 &", "second; third", "fourth");
        assertThatThrownBy(() -> Manual.typedIn(file, "Three"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Three");
    }
}
