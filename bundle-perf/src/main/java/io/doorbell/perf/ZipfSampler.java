package io.doorbell.perf;

/**
 * Numbers that follow Zipf's law: {@code k} comes up in proportion to {@code 1 / (k + 1)^theta}. By rejection-inversion
 * (W. Hörmann, G. Derflinger: "Rejection-inversion to generate variates from monotone discrete distributions", 1996),
 * which needs no sum over the range, so that a namespace of any size starts at once. About 40 ns a number.
 */
final class ZipfSampler {
    /** Fewer than two tries are needed on average; this only bounds the loop. */
    private static final int MAX_TRIES = 64;

    private static final double NEAR_ZERO = 1e-8;

    private final long count;
    private final double theta;
    private final double integralOfFirst;
    private final double integralOfLast;
    private final double shortcut;

    ZipfSampler(long count, double theta) {
        this.count = count;
        this.theta = theta;
        integralOfFirst = integral(1.5) - 1;
        integralOfLast = integral(count + 0.5);
        shortcut = 2 - inverseIntegral(integral(2.5) - hat(2));
    }

    /** 0 to count - 1, the small ones most often. */
    long next(Xorshift random) {
        var k = 1L;
        for (var tries = 0; tries < MAX_TRIES; tries++) {
            var u = integralOfLast + random.nextDouble() * (integralOfFirst - integralOfLast);
            var x = inverseIntegral(u);
            k = Math.clamp((long) (x + 0.5), 1, count);
            if (k - x <= shortcut || u >= integral(k + 0.5) - hat(k)) {
                break;
            }
        }
        return k - 1;
    }

    /** The integral of {@link #hat}: (x^(1 - theta) - 1) / (1 - theta), and log(x) where theta is 1. */
    private double integral(double x) {
        var log = Math.log(x);
        return expm1Ratio((1 - theta) * log) * log;
    }

    /** 1 / x^theta. */
    private double hat(double x) {
        return Math.exp(-theta * Math.log(x));
    }

    private double inverseIntegral(double x) {
        // Rounding may take it below -1, where the logarithm ends.
        return Math.exp(log1pRatio(Math.max(x * (1 - theta), -1)) * x);
    }

    private static double log1pRatio(double x) {
        return Math.abs(x) > NEAR_ZERO ? Math.log1p(x) / x : 1 - x / 2;
    }

    private static double expm1Ratio(double x) {
        return Math.abs(x) > NEAR_ZERO ? Math.expm1(x) / x : 1 + x / 2;
    }
}
