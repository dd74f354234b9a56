package io.doorbell.nvme;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * A secret of DH-HMAC-CHAP, {@code DHHC-1:hh:base64:}. NVMe Base 2.1 §8.3.4.5.8 "Secret representation". Immutable; it never shows itself.
 */
public final class DhchapKey {
    private static final String WHAT = "DH-HMAC-CHAP key";
    private static final String PREFIX = "DHHC-1";
    private static final byte[] SEED = "NVMe-over-Fabrics".getBytes(StandardCharsets.US_ASCII);

    /** By which it is made another for each name; null where it is not. */
    private final DhchapHash hash;

    private final byte[] key;

    private DhchapKey(DhchapHash hash, byte[] key) {
        this.hash = hash;
        this.key = key;
    }

    /** @throws IllegalArgumentException that says what is wrong, without any of the key */
    public static DhchapKey parse(String text) {
        var parsed = KeyText.parse(WHAT, PREFIX, text.strip());
        var hash = DhchapHash.of(parsed.hash());
        if (hash == null && parsed.hash() != 0) {
            throw new IllegalArgumentException(String.format("hash %02x of a %s: 00 to 03", parsed.hash(), WHAT));
        }
        int bytes = parsed.key().length;
        if (hash != null && bytes != hash.bytes()) {
            throw new IllegalArgumentException(
                    "a " + WHAT + " of " + bytes + " bytes with " + hash.word() + ", which needs " + hash.bytes());
        }
        if (bytes != 32 && bytes != 48 && bytes != 64) {
            throw new IllegalArgumentException("a " + WHAT + " of " + bytes + " bytes: 32, 48 or 64");
        }
        return new DhchapKey(hash, parsed.key());
    }

    /**
     * A new one.
     *
     * @param hash null for a key that is used as it is
     * @param bytes 32, 48 or 64; with a hash as many as that has
     */
    public static DhchapKey generate(DhchapHash hash, int bytes, SecureRandom random) {
        var key = new byte[bytes];
        random.nextBytes(key);
        return parse(new DhchapKey(hash, key).text());
    }

    /** Null where the key is used as it is. */
    public DhchapHash hash() {
        return hash;
    }

    public int bytes() {
        return key.length;
    }

    /** The secret as text, for a file that only its owner can read. */
    public String text() {
        return KeyText.format(PREFIX, hash == null ? 0 : hash.id(), key);
    }

    /** What a host or a controller of that name signs with. */
    public byte[] transformed(String nqn) {
        if (hash == null) {
            return key.clone();
        }
        try {
            var mac = Mac.getInstance(hash.mac());
            mac.init(new SecretKeySpec(key, hash.mac()));
            mac.update(nqn.getBytes(StandardCharsets.UTF_8));
            return mac.doFinal(SEED);
        } catch (GeneralSecurityException missing) {
            throw new IllegalStateException("this JDK has no " + hash.mac(), missing);
        }
    }

    @Override
    public String toString() {
        return WHAT + " of " + key.length + " bytes, " + (hash == null ? "used as it is" : hash.word());
    }
}
