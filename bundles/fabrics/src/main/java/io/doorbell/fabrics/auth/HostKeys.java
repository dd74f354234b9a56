package io.doorbell.fabrics.auth;

import io.doorbell.nvme.DhchapKey;
import io.doorbell.nvme.TlsKey;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.osgi.framework.BundleContext;

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
    /** Framework property: the node's home. */
    private static final String HOME_PROPERTY = "doorbell.home";

    public static final HostKeys NONE = new HostKeys(null, null, DhchapOffer.DEFAULT, null);

    public HostKeys {
        if (controllerKey != null && key == null) {
            throw new IllegalArgumentException("a key of the controller, and none of its own, for a host");
        }
    }

    /**
     * As a configuration has it. Relative paths begin at the node's home.
     *
     * @param tlsKey a path, empty for none
     */
    public static HostKeys of(BundleContext context, DhchapConfig config, String tlsKey) {
        var property = context.getProperty(HOME_PROPERTY);
        var home = Path.of(property == null ? "" : property).toAbsolutePath();
        return new HostKeys(
                file(home, config.dhchap_key()),
                file(home, config.dhchap_controller_key()),
                DhchapOffer.parse(words(config.dhchap_hashes()), words(config.dhchap_groups())),
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
