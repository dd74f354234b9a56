package io.doorbell.perf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ZipfSamplerTest {
    private static final int DRAWS = 400_000;

    @ParameterizedTest
    @ValueSource(doubles = {0.2, 0.8, 0.99, 1, 1.2, 3})
    void followsZipfsLaw(double theta) {
        var count = 1000;
        var random = new Xorshift(Seed.of("ZipfSamplerTest"), 0);
        var sampler = new ZipfSampler(count, theta);
        var drawn = new int[count];

        for (var i = 0; i < DRAWS; i++) {
            drawn[(int) sampler.next(random)]++;
        }

        var sum = 0.0;
        for (var k = 1; k <= count; k++) {
            sum += Math.pow(k, -theta);
        }
        for (var k : new int[] {1, 2, 3, 10, 100, 1000}) {
            var expected = DRAWS * Math.pow(k, -theta) / sum;
            // Six standard deviations of a count, and one draw where nearly none is expected.
            assertThat((double) drawn[k - 1])
                    .as("rank %d of theta %s", k, theta)
                    .isCloseTo(expected, within(6 * Math.sqrt(expected) + 1));
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 1L << 40})
    void staysInRange(long count) {
        var random = new Xorshift(Seed.of("ZipfSamplerTest"), 0);

        for (var theta : new double[] {0.01, 0.5, 1, 2, 10}) {
            var sampler = new ZipfSampler(count, theta);
            for (var i = 0; i < 20_000; i++) {
                assertThat(sampler.next(random)).isBetween(0L, count - 1);
            }
        }
    }
}
