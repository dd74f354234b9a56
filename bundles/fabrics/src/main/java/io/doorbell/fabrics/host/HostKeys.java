package io.doorbell.fabrics.host;

import io.doorbell.fabrics.auth.DhchapOffer;
import io.doorbell.fabrics.auth.KeyFile;
import io.doorbell.nvme.DhchapKey;
import io.doorbell.nvme.TlsKey;
import java.io.IOException;
import java.nio.file.Path;

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
