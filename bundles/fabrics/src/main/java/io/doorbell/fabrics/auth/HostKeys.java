package io.doorbell.fabrics.auth;

import io.doorbell.nvme.DhchapKey;
import io.doorbell.nvme.TlsKey;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * By what a host shows who it is, and a controller to it: files, read when they are used, so that one that is replaced counts from then on, and
 * none of them stays in memory or in a configuration. Both sides have them.
 *
 * @param key of the host, for DH-HMAC-CHAP; null where it has none: its name suffices, or it is not let in
 * @param controllerKey with which the controller shows who it is; null where the host does not ask, or cannot
 * @param offer what DH-HMAC-CHAP may use
 * @param tlsKey of the host, for TLS; null where it has none, and nothing is encrypted
 */
public record HostKeys(Path key, Path controllerKey, DhchapOffer offer, Path tlsKey) {
    public static final HostKeys NONE = new HostKeys(null, null, DhchapOffer.DEFAULT, null);

    public HostKeys {
        if (controllerKey != null && key == null) {
            throw new IllegalArgumentException("a key of the controller, and none of its own, for a host");
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
    public DhchapKey dhchap() throws IOException {
        return KeyFile.dhchap(key);
    }

    /** As {@link #dhchap}, of the controller; null where there is none. */
    public DhchapKey controller() throws IOException {
        return controllerKey == null ? null : KeyFile.dhchap(controllerKey);
    }

    /** @throws IOException that says what has to be mended */
    public TlsKey tls() throws IOException {
        return KeyFile.tls(tlsKey);
    }
}
