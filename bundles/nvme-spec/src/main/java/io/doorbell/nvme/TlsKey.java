package io.doorbell.nvme;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;
import javax.crypto.KDF;
import javax.crypto.Mac;
import javax.crypto.spec.HKDFParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * A pre-shared key of a host for TLS, {@code NVMeTLSkey-1:hh:base64:}. NVMe over TCP Transport 1.1 §3.6.1 "TLS Implementations and Use Requirements".
 * Immutable; it never shows itself.
 */
public final class TlsKey {
    private static final String WHAT = "TLS key";
    private static final String PREFIX = "NVMeTLSkey-1";

    /** By which it is made another for each host; null where it is not. */
    private final DhchapHash hash;

    private final byte[] key;

    private TlsKey(DhchapHash hash, byte[] key) {
        this.hash = hash;
        this.key = key;
    }

    /** @throws IllegalArgumentException that says what is wrong, without any of the key */
    public static TlsKey parse(String text) {
        var parsed = KeyText.parse(WHAT, PREFIX, text.strip());
        if (parsed.hash() < 0 || parsed.hash() > 2) {
            throw new IllegalArgumentException(String.format("hash %02x of a %s: 00 to 02", parsed.hash(), WHAT));
        }
        var hash = DhchapHash.of(parsed.hash());
        int bytes = parsed.key().length;
        if (hash != null && bytes != hash.bytes()) {
            throw new IllegalArgumentException(
                    "a " + WHAT + " of " + bytes + " bytes with " + hash.word() + ", which needs " + hash.bytes());
        }
        if (bytes != 32 && bytes != 48) {
            throw new IllegalArgumentException("a " + WHAT + " of " + bytes + " bytes: 32 or 48");
        }
        return new TlsKey(hash, parsed.key());
    }

    /** A new one, for the cipher suite with that hash. */
    public static TlsKey generate(DhchapHash hash, SecureRandom random) {
        var key = new byte[hash.bytes()];
        random.nextBytes(key);
        return parse(new TlsKey(hash, key).text());
    }

    /** The key as text, for a file that only its owner can read. */
    public String text() {
        return KeyText.format(PREFIX, hash == null ? 0 : hash.id(), key);
    }

    /** That of the cipher suite, which goes by the key's length: SHA-256 with TLS_AES_128_GCM_SHA256, SHA-384 with TLS_AES_256_GCM_SHA384. */
    public DhchapHash suite() {
        return key.length == DhchapHash.SHA_256.bytes() ? DhchapHash.SHA_256 : DhchapHash.SHA_384;
    }

    /** What a host calls it that wants to a subsystem. */
    public TlsPskIdentity identity(int version, String hostNqn, String subsystemNqn) {
        if (version == 0) {
            return new TlsPskIdentity(0, suite(), hostNqn, subsystemNqn, "");
        }
        try {
            var mac = Mac.getInstance(suite().mac());
            mac.init(new SecretKeySpec(retained(hostNqn), suite().mac()));
            byte[] digest =
                    mac.doFinal((hostNqn + " " + subsystemNqn + " NVMe-over-Fabrics").getBytes(StandardCharsets.UTF_8));
            return new TlsPskIdentity(
                    1, suite(), hostNqn, subsystemNqn, Base64.getEncoder().encodeToString(digest));
        } catch (GeneralSecurityException missing) {
            throw new IllegalStateException("this JDK has no " + suite().mac(), missing);
        }
    }

    /** Whether an identity that a peer sent is one of this key. */
    public boolean hasIdentity(TlsPskIdentity identity) {
        var own = identity(identity.version(), identity.hostNqn(), identity.subsystemNqn());
        return MessageDigest.isEqual(
                own.text().getBytes(StandardCharsets.UTF_8), identity.text().getBytes(StandardCharsets.UTF_8));
    }

    /** What both sides put into the handshake. */
    public byte[] psk(TlsPskIdentity identity) {
        String context =
                identity.version() == 0 ? identity.text() : String.format("%02d %s", suite().id(), identity.digest());
        return expand(suite(), retained(identity.hostNqn()), "nvme-tls-psk", context);
    }

    private byte[] retained(String hostNqn) {
        return hash == null ? key.clone() : expand(hash, key, "HostNQN", hostNqn);
    }

    /** HKDF-Extract without salt, then HKDF-Expand-Label of TLS 1.3. RFC 5869 §2 "HKDF", RFC 8446 §7.1 "Key Schedule". */
    private static byte[] expand(DhchapHash hash, byte[] key, String label, String context) {
        byte[] words = ("tls13 " + label).getBytes(StandardCharsets.US_ASCII);
        byte[] about = context.getBytes(StandardCharsets.UTF_8);
        if (about.length > 255) {
            throw new IllegalArgumentException("names of " + about.length + " bytes make no " + WHAT + ": 255 at most");
        }
        var info = new byte[4 + words.length + about.length];
        info[1] = (byte) hash.bytes();
        info[2] = (byte) words.length;
        System.arraycopy(words, 0, info, 3, words.length);
        info[3 + words.length] = (byte) about.length;
        System.arraycopy(about, 0, info, 4 + words.length, about.length);
        try {
            var kdf = KDF.getInstance("HKDF-" + hash.digest().replace("-", ""));
            return kdf.deriveData(HKDFParameterSpec.ofExtract().addIKM(key).thenExpand(info, hash.bytes()));
        } catch (GeneralSecurityException missing) {
            throw new IllegalStateException("this JDK has no HKDF of " + hash, missing);
        }
    }

    @Override
    public String toString() {
        return WHAT + " of " + key.length + " bytes, " + (hash == null ? "used as it is" : hash.word()) + ", for "
                + (suite() == DhchapHash.SHA_256 ? "TLS_AES_128_GCM_SHA256" : "TLS_AES_256_GCM_SHA384");
    }
}
