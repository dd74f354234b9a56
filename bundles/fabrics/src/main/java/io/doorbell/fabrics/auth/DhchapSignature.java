package io.doorbell.fabrics.auth;

import io.doorbell.nvme.DhchapHash;
import io.doorbell.nvme.DhchapKey;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The answer to a challenge. NVMe Base 2.1 §8.3.4.5 "DH-HMAC-CHAP Protocol".
 *
 * @param hash as it was negotiated
 * @param transactionId T_ID
 * @param secret what both sides of the Diffie-Hellman exchange came to; null without one
 */
record DhchapSignature(DhchapHash hash, int transactionId, byte[] secret) {

    /** The host's answer to the controller. */
    byte[] ofHost(DhchapKey key, byte[] challenge, int sequence, String hostNqn, String subsystemNqn) {
        return sign(key, challenge, sequence, "HostHost", hostNqn, subsystemNqn);
    }

    /** The controller's answer to the host. */
    byte[] ofController(DhchapKey key, byte[] challenge, int sequence, String hostNqn, String subsystemNqn) {
        return sign(key, challenge, sequence, "Controller", subsystemNqn, hostNqn);
    }

    private byte[] sign(DhchapKey key, byte[] challenge, int sequence, String role, String signer, String other) {
        try {
            byte[] augmented = challenge;
            if (secret != null) {
                byte[] digest = MessageDigest.getInstance(hash.digest()).digest(secret);
                augmented = mac(digest).doFinal(challenge);
            }
            var mac = mac(key.transformed(signer));
            mac.update(augmented);
            mac.update(new byte[] {
                (byte) sequence,
                (byte) (sequence >> 8),
                (byte) (sequence >> 16),
                (byte) (sequence >> 24),
                (byte) transactionId,
                (byte) (transactionId >> 8),
                0 // SC_C
            });
            mac.update(role.getBytes(StandardCharsets.US_ASCII));
            mac.update(signer.getBytes(StandardCharsets.UTF_8));
            mac.update((byte) 0);
            return mac.doFinal(other.getBytes(StandardCharsets.UTF_8));
        } catch (GeneralSecurityException missing) {
            throw new IllegalStateException("this JDK has no " + hash, missing);
        }
    }

    private Mac mac(byte[] key) throws GeneralSecurityException {
        var mac = Mac.getInstance(hash.mac());
        mac.init(new SecretKeySpec(key, hash.mac()));
        return mac;
    }
}
