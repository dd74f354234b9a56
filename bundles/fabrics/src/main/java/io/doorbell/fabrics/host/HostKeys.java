package io.doorbell.fabrics.host;

import io.doorbell.fabrics.auth.DhchapOffer;
import io.doorbell.fabrics.auth.KeyFile;
import io.doorbell.nvme.DhchapKey;
import io.doorbell.nvme.TlsKey;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * By what this host shows who it is, and knows who answers: files, read when they are used.
 *
 * @param key of this host, for DH-HMAC-CHAP; null where it has none, and reaches no controller that asks for it
 * @param controllerKey that a controller has to know; null to take any that lets this host in
 * @param offer what DH-HMAC-CHAP may use
 * @param tlsKey of this host, for TLS; null for a connection that is not encrypted
 */
public record HostKeys(Path key, Path controllerKey, DhchapOffer offer, Path tlsKey) {
    public static final HostKeys NONE = new HostKeys(null, null, DhchapOffer.DEFAULT, null);

    public HostKeys {
        if (controllerKey != null && key == null) {
            throw new IllegalArgumentException("a key of the controller, and none of this host, which asks for it");
        }
    }

    /**
     * As a configuration has it.
     *
     * @param home where relative paths begin
     * @param key and the others: paths, empty for none
     * @param hashes and groups: by name, the best first
     */
    public static HostKeys of(
            Path home, String key, String controllerKey, String[] hashes, String[] groups, String tlsKey) {
        return new HostKeys(
                file(home, key),
                file(home, controllerKey),
                DhchapOffer.parse(words(hashes), words(groups)),
                file(home, tlsKey));
    }

    private static Path file(Path home, String name) {
        return name.isBlank() ? null : home.resolve(name.strip()).normalize();
    }

    private static List<String> words(String[] list) {
        return Arrays.stream(list)
                .map(String::strip)
                .filter(word -> !word.isEmpty())
                .toList();
    }

    /** @throws IOException that says what has to be mended */
    DhchapKey dhchap() throws IOException {
        return KeyFile.dhchap(key);
    }

    /** Null where there is none. */
    DhchapKey controller() throws IOException {
        return controllerKey == null ? null : KeyFile.dhchap(controllerKey);
    }

    /** @throws IOException that says what has to be mended */
    public TlsKey tls() throws IOException {
        return KeyFile.tls(tlsKey);
    }
}
