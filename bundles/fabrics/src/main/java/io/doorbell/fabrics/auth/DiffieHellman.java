package io.doorbell.fabrics.auth;

import io.doorbell.nvme.DhchapGroup;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Map;
import javax.crypto.KeyAgreement;
import javax.crypto.interfaces.DHPublicKey;
import javax.crypto.spec.DHParameterSpec;
import javax.crypto.spec.DHPublicKeySpec;

/** One side's ephemeral key in a group of RFC 7919, by the JDK. Used once. */
final class DiffieHellman {
    private static final String ALGORITHM = "DiffieHellman";

    /** Euler's number as a fraction of 2^8062, which is what RFC 7919 makes its largest modulus of. */
    private static final int EULER_BITS = 8192 - 130;

    private static final int GUARD_BITS = 64;
    private static final BigInteger EULER = euler();

    /** RFC 7919 §A: for each group its X, and how many bits of a private value are enough. */
    private static final Map<DhchapGroup, DHParameterSpec> PARAMETERS = Map.of(
            DhchapGroup.FFDHE2048, parameters(2048, 560_316, 225),
            DhchapGroup.FFDHE3072, parameters(3072, 2_625_351, 275),
            DhchapGroup.FFDHE4096, parameters(4096, 5_736_041, 325),
            DhchapGroup.FFDHE6144, parameters(6144, 15_705_020, 375),
            DhchapGroup.FFDHE8192, parameters(8192, 10_965_728, 400));

    private final DhchapGroup group;
    private final KeyPair pair;

    private DiffieHellman(DhchapGroup group, KeyPair pair) {
        this.group = group;
        this.pair = pair;
    }

    private static BigInteger euler() {
        var term = BigInteger.ONE.shiftLeft(EULER_BITS + GUARD_BITS);
        var sum = term;
        for (long i = 1; term.signum() > 0; i++) {
            term = term.divide(BigInteger.valueOf(i));
            sum = sum.add(term);
        }
        return sum.shiftRight(GUARD_BITS);
    }

    /** p = 2^b - 2^(b-64) + ([2^(b-130) e] + X) 2^64 - 1, and the generator is 2. */
    private static DHParameterSpec parameters(int b, long x, int privateBits) {
        var middle = EULER.shiftRight(8192 - b).add(BigInteger.valueOf(x));
        var p = BigInteger.ONE
                .shiftLeft(b)
                .subtract(BigInteger.ONE.shiftLeft(b - 64))
                .add(middle.shiftLeft(64))
                .subtract(BigInteger.ONE);
        return new DHParameterSpec(p, BigInteger.TWO, privateBits);
    }

    static DiffieHellman generate(DhchapGroup group, SecureRandom random) {
        try {
            var generator = KeyPairGenerator.getInstance(ALGORITHM);
            // Named by its size alone it would be one of RFC 3526.
            generator.initialize(PARAMETERS.get(group), random);
            return new DiffieHellman(group, generator.generateKeyPair());
        } catch (GeneralSecurityException missing) {
            throw new IllegalStateException("this JDK has no " + group, missing);
        }
    }

    static BigInteger modulus(DhchapGroup group) {
        return PARAMETERS.get(group).getP();
    }

    /** The value for the other side: big endian, as long as the modulus. */
    byte[] value() {
        byte[] bytes = ((DHPublicKey) pair.getPublic()).getY().toByteArray();
        var value = new byte[group.bytes()];
        int count = Math.min(bytes.length, value.length);
        System.arraycopy(bytes, bytes.length - count, value, value.length - count, count);
        return value;
    }

    /**
     * What both sides come to, as long as the modulus; or null for a value that an honest other side never sends: not between 2 and p-2. The moduli
     * are safe primes, so what is in that range is in no small subgroup.
     */
    byte[] agree(byte[] message, int from, int to) {
        var parameters = PARAMETERS.get(group);
        var value = new BigInteger(1, Arrays.copyOfRange(message, from, to));
        if (value.compareTo(BigInteger.TWO) < 0
                || value.compareTo(parameters.getP().subtract(BigInteger.TWO)) > 0) {
            return null;
        }
        try {
            var other = KeyFactory.getInstance(ALGORITHM)
                    .generatePublic(new DHPublicKeySpec(value, parameters.getP(), parameters.getG()));
            var agreement = KeyAgreement.getInstance(ALGORITHM);
            agreement.init(pair.getPrivate());
            agreement.doPhase(other, true);
            return agreement.generateSecret();
        } catch (GeneralSecurityException refused) {
            throw new IllegalStateException("a value in range is refused", refused);
        }
    }
}
