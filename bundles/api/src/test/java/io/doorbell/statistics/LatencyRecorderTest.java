package io.doorbell.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LatencyRecorderTest {
    private final LatencyRecorder recorder = new LatencyRecorder();

    @Test
    void bucketsFollowEachOtherWithoutGap() {
        long begin = 0;
        for (int bucket = 0; bucket < LatencyRecorder.BUCKETS; bucket++) {
            assertThat(LatencyRecorder.bucket(begin)).isEqualTo(bucket);
            assertThat(LatencyRecorder.bucket(LatencyRecorder.end(bucket) - 1)).isEqualTo(bucket);
            begin = LatencyRecorder.end(bucket);
        }
        assertThat(begin).isEqualTo(LatencyRecorder.MAX_NANOS + 1);
    }

    @ParameterizedTest
    @ValueSource(doubles = {1, 50, 90, 99, 99.9, 100})
    void percentilesAreThoseOfTheSortedNumbersToSixPercent(double percentile) {
        long seed = Long.getLong("doorbell.seed", System.nanoTime());
        System.out.println("seed " + seed);
        var random = new Random(seed);
        var latencies = new long[20_000];
        for (int i = 0; i < latencies.length; i++) {
            latencies[i] = (long) Math.exp(random.nextDouble() * 20);
            recorder.record(latencies[i]);
        }
        Arrays.sort(latencies);

        var snapshot = recorder.snapshot();

        long truth = latencies[(int) Math.ceil(latencies.length * percentile / 100) - 1];
        assertThat(snapshot.percentileNanos(percentile)).isCloseTo(truth, within(1 + truth * 0.0625));
        assertThat(snapshot.samples()).isEqualTo(latencies.length);
        assertThat(snapshot.sumNanos()).isEqualTo(Arrays.stream(latencies).sum());
        assertThat(snapshot.maxNanos()).isEqualTo(latencies[latencies.length - 1]);
    }

    @Test
    void countsBelowPowersOfTwoAreExact() {
        recorder.record(1023);
        recorder.record(1024);
        recorder.record(2047);

        var snapshot = recorder.snapshot();

        assertThat(snapshot.countBelowPowerOfTwo(10)).isEqualTo(1);
        assertThat(snapshot.countBelowPowerOfTwo(11)).isEqualTo(3);
    }

    @Test
    void whatIsBeyondTheLastBucketCountsInIt() {
        recorder.record(Long.MAX_VALUE);
        recorder.record(-5);

        var snapshot = recorder.snapshot();

        assertThat(snapshot.samples()).isEqualTo(2);
        assertThat(snapshot.percentileNanos(100)).isCloseTo(LatencyRecorder.MAX_NANOS, within(9e9));
        assertThat(snapshot.percentileNanos(1)).isLessThan(1);
    }

    @Test
    void sumsAreWhatBothCounted() {
        var other = new LatencyRecorder();
        recorder.record(100);
        other.record(1_000_000);
        other.record(100);

        var sum = recorder.snapshot().plus(other.snapshot());

        assertThat(sum.samples()).isEqualTo(3);
        assertThat(sum.sumNanos()).isEqualTo(1_000_200);
        assertThat(sum.maxNanos()).isEqualTo(1_000_000);
        assertThat(sum.percentileNanos(50)).isCloseTo(100, within(7.0));
    }

    @Test
    void nothingTimedIsZeroAndNonsenseIsRefused() {
        assertThat(LatencySnapshot.EMPTY.percentileNanos(99)).isZero();
        assertThat(LatencySnapshot.EMPTY.meanNanos()).isZero();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> LatencySnapshot.EMPTY.percentileNanos(0))
                .withMessageContaining("above 0");
    }
}
