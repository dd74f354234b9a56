package io.doorbell.fabrics.auth;

import io.doorbell.nvme.DhchapKey;
import io.doorbell.nvme.TlsKey;
import io.doorbell.platform.PrivateFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.Function;

/** Keys in files, each that of its owner alone. Control path. Exceptions say which file is not as it has to be, and how to mend it. */
public final class KeyFile {
    private static final int MAX_BYTES = 512;

    private KeyFile() {}

    public static DhchapKey dhchap(Path file) throws IOException {
        return read(file, "a DH-HMAC-CHAP key", DhchapKey::parse);
    }

    public static TlsKey tls(Path file) throws IOException {
        return read(file, "a TLS key", TlsKey::parse);
    }

    private static <T> T read(Path file, String what, Function<String, T> parse) throws IOException {
        var line = PrivateFile.line(file, what, MAX_BYTES);
        try {
            return parse.apply(line);
        } catch (IllegalArgumentException wrong) {
            throw new PrivateFile.Refused(file + ": " + wrong.getMessage());
        }
    }
}
