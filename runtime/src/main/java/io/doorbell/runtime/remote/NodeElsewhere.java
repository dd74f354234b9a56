package io.doorbell.runtime.remote;

import io.doorbell.runtime.Refusal;
import java.net.URI;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.Option;

/** A node that is named by its address: on another machine, or of another user. */
final class NodeElsewhere {
    private static final String LOOPBACK = "127\\.0\\.0\\.1|localhost|\\[::1]";

    @Option(
            names = "--url",
            paramLabel = "URL",
            required = true,
            description = {
                "https://NAME:PORT of the node to ask, instead of a home.",
                "Without --fingerprint its certificate has to be one that this JDK trusts for NAME."
            })
    private String url;

    @Option(names = "--user", paramLabel = "NAME", description = "With --url; by default admin.")
    private String user = "admin";

    @Option(
            names = "--password-file",
            paramLabel = "FILE",
            required = true,
            description = "With --url: a file with the password of that user, readable by you alone.")
    private Path passwordFile;

    @Option(
            names = "--fingerprint",
            paramLabel = "SHA256",
            description = {
                "With --url: the SHA-256 of the node's certificate, which its log and its var/management.url have.",
                "No other certificate is taken then."
            })
    private String fingerprint;

    URI url() {
        URI parsed;
        try {
            parsed = URI.create(url.strip().replaceFirst("/+$", ""));
        } catch (IllegalArgumentException e) {
            throw new Refusal("--url " + url + ": " + e.getMessage());
        }
        var plain = "http".equals(parsed.getScheme());
        if (!plain && !"https".equals(parsed.getScheme())
                || parsed.getHost() == null
                || !parsed.getRawPath().isEmpty()) {
            throw new Refusal("--url " + url + ": is to be https://NAME:PORT");
        }
        if (plain && !parsed.getHost().matches(LOOPBACK)) {
            throw new Refusal("--url " + url + ": over HTTP everybody on the way reads the password. Use https, which"
                    + " tls.keystore of the node's io.doorbell.management.cfg gives it");
        }
        return parsed;
    }

    String user() {
        return user;
    }

    Path passwordFile() {
        return passwordFile;
    }

    /** 64 hexadecimal digits, or null. */
    String fingerprint() {
        if (fingerprint == null) {
            return null;
        }
        var digits = fingerprint.replace(":", "").toLowerCase(Locale.ROOT);
        if (!digits.matches("[0-9a-f]{64}")) {
            throw new Refusal("--fingerprint " + fingerprint + ": is to be a SHA-256, 64 hexadecimal digits");
        }
        return digits;
    }
}
