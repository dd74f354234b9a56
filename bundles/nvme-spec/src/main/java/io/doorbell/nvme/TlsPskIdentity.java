package io.doorbell.nvme;

import java.util.regex.Pattern;

/**
 * What a host calls a pre-shared key in its TLS handshake: who it is and where it wants to. NVMe over TCP Transport 1.1 §3.6.1.3 "TLS PSK and PSK Identity
 * Derivation".
 *
 * @param version 0 or 1
 * @param hash of the cipher suite: SHA-256 for TLS_AES_128_GCM_SHA256, SHA-384 for TLS_AES_256_GCM_SHA384
 * @param digest base64, of version 1; otherwise empty
 */
public record TlsPskIdentity(int version, DhchapHash hash, String hostNqn, String subsystemNqn, String digest) {
    /** More than the longest: two names, a digest, and what stands around them. */
    public static final int MAX_BYTES = 600;

    private static final Pattern FORM = Pattern.compile("NVMe([01])R0([12]) (\\S+) (\\S+)(?: ([A-Za-z0-9+/=]+))?");

    /** Returns null for what is none, or one that nobody here can have: a peer sends it. */
    public static TlsPskIdentity parse(String text) {
        if (text.length() > MAX_BYTES) {
            return null;
        }
        var form = FORM.matcher(text);
        if (!form.matches()) {
            return null;
        }
        int version = Integer.parseInt(form.group(1));
        String digest = form.group(5) == null ? "" : form.group(5);
        boolean named = Nqn.isValid(form.group(3)) && Nqn.isValid(form.group(4));
        if (!named || digest.isEmpty() != (version == 0)) {
            return null;
        }
        return new TlsPskIdentity(
                version, DhchapHash.of(Integer.parseInt(form.group(2))), form.group(3), form.group(4), digest);
    }

    /** As it goes over the wire. */
    public String text() {
        return String.format("NVMe%dR%02d %s %s", version, hash.id(), hostNqn, subsystemNqn)
                + (version == 0 ? "" : " " + digest);
    }
}
