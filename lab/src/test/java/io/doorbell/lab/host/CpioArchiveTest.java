package io.doorbell.lab.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class CpioArchiveTest {
    @Test
    void writesEachEntryAlignedToFourBytes() throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var cpio = new CpioArchive(bytes)) {
            cpio.folder("bin");
            cpio.program("bin/x", "abcde".getBytes(StandardCharsets.US_ASCII));
            cpio.device("console", 5, 1);
        }

        var written = bytes.toString(StandardCharsets.US_ASCII);
        int folder = header(written, 0, "bin", 0040755, 0);
        int program = header(written, folder, "bin/x", 0100755, 5);
        assertThat(written.substring(program, program + 8)).isEqualTo("abcde\0\0\0");
        int device = header(written, program + 8, "console", 0020600, 0);
        assertThat(written.substring(program + 8 + 78, program + 8 + 94)).isEqualTo("0000000500000001");
        assertThat(header(written, device, "TRAILER!!!", 0, 0)).isEqualTo(written.length());
    }

    /** Where the content begins. */
    private static int header(String archive, int at, String name, int mode, int size) {
        assertThat(archive.substring(at, at + 6)).isEqualTo("070701");
        assertThat(Integer.parseInt(archive.substring(at + 14, at + 22), 16)).isEqualTo(mode);
        assertThat(Integer.parseInt(archive.substring(at + 54, at + 62), 16)).isEqualTo(size);
        assertThat(Integer.parseInt(archive.substring(at + 94, at + 102), 16)).isEqualTo(name.length() + 1);
        assertThat(archive.substring(at + 110, at + 110 + name.length() + 1)).isEqualTo(name + "\0");
        return (at + 110 + name.length() + 1 + 3) / 4 * 4;
    }
}
