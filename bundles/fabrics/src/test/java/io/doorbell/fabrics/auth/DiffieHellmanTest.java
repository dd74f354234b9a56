package io.doorbell.fabrics.auth;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.DhchapGroup;
import java.math.BigInteger;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DiffieHellmanTest {
    private static final SecureRandom RANDOM = new SecureRandom();

    /** The SHA-256 of the modulus as OpenSSL 3.0 has it: 'openssl genpkey -genparam -algorithm DHX -pkeyopt group:ffdhe2048'. */
    @ParameterizedTest
    @CsvSource({
        "FFDHE2048, 9cd3b7f336872f46c09428d1bbc19877a4d440512cda8d1c1cf0cd6e33698966",
        "FFDHE3072, 0eaf67db3a839156d5013494a5318a772b5697d270d721f37f092efc69ea5a17",
        "FFDHE4096, 4648414224ac881b3d0dc59b466f96d06a558278776807797ecf1f66ff397b3e",
        "FFDHE6144, 227ac9066b3ddd9e193670cda2388fa884f65ba0cf98b742d1fe77a6687c79c7",
        "FFDHE8192, 770b14efaf6f049929c523113b3fa99a8d11dab1b18af3609590122075d19833"
    })
    void usesTheGroupsOfRfc7919(DhchapGroup group, String sha256) throws NoSuchAlgorithmException {
        byte[] p = DiffieHellman.modulus(group).toByteArray();

        byte[] digest = MessageDigest.getInstance("SHA-256").digest(Arrays.copyOfRange(p, 1, p.length));

        assertThat(HexFormat.of().formatHex(digest)).isEqualTo(sha256);
        assertThat(p).hasSize(group.bytes() + 1);
        assertThat(DiffieHellman.generate(group, RANDOM).value()).hasSize(group.bytes());
    }

    @Test
    void bothSidesComeToTheSameSecretOfTheModulusLength() {
        // Often enough that one of 256 values has a zero in front.
        for (int i = 0; i < 300; i++) {
            var one = DiffieHellman.generate(DhchapGroup.FFDHE2048, RANDOM);
            var two = DiffieHellman.generate(DhchapGroup.FFDHE2048, RANDOM);

            byte[] secret = one.agree(two.value(), 0, 256);

            assertThat(secret).hasSize(256).isEqualTo(two.agree(one.value(), 0, 256));
        }
    }

    @Test
    void takesNoValueOutsideOfTheGroup() {
        var key = DiffieHellman.generate(DhchapGroup.FFDHE2048, RANDOM);
        var p = DiffieHellman.modulus(DhchapGroup.FFDHE2048);

        for (var bad : new BigInteger[] {
            BigInteger.ZERO, BigInteger.ONE, p.subtract(BigInteger.ONE), p, p.add(BigInteger.ONE), p.add(BigInteger.TWO)
        }) {
            byte[] bytes = padded(bad);
            assertThat(key.agree(bytes, 0, bytes.length)).as(bad.toString(16)).isNull();
        }
        assertThat(key.agree(padded(BigInteger.TWO), 0, 256)).isEqualTo(key.value());
        assertThat(key.agree(padded(p.subtract(BigInteger.TWO)), 0, 256)).isNotNull();
    }

    private static byte[] padded(BigInteger value) {
        byte[] bytes = value.toByteArray();
        var padded = new byte[256];
        byte[] magnitude = bytes.length > 256 ? Arrays.copyOfRange(bytes, bytes.length - 256, bytes.length) : bytes;
        System.arraycopy(magnitude, 0, padded, 256 - magnitude.length, magnitude.length);
        return padded;
    }
}
