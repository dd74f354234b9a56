package io.doorbell.perf;

/** xorshift64*: three shifts and a multiplication per number, good enough for addresses. Owner: one thread. */
final class Xorshift {
    private static final long MULTIPLIER = 0x2545_F491_4F6C_DD1DL;

    private long state;

    /** Streams of one seed differ from each other, and every seed is allowed. */
    Xorshift(long seed, int stream) {
        var mixed = mix(seed + mix(stream + 1L));
        // The one state that it cannot leave.
        state = mixed == 0 ? MULTIPLIER : mixed;
    }

    long next() {
        var x = state;
        x ^= x >>> 12;
        x ^= x << 25;
        x ^= x >>> 27;
        state = x;
        return x * MULTIPLIER;
    }

    /** 0 to {@code bound} - 1, by multiplication instead of division: biased by at most bound / 2^64. */
    long below(long bound) {
        return Math.unsignedMultiplyHigh(next(), bound);
    }

    /** 0 (included) to 1 (excluded). */
    double nextDouble() {
        return (next() >>> 11) * 0x1.0p-53;
    }

    /** The finalizer of splitmix64: neighbouring numbers come out unlike each other. */
    static long mix(long value) {
        var z = value + 0x9E37_79B9_7F4A_7C15L;
        z = (z ^ z >>> 30) * 0xBF58_476D_1CE4_E5B9L;
        z = (z ^ z >>> 27) * 0x94D0_49BB_1331_11EBL;
        return z ^ z >>> 31;
    }
}
