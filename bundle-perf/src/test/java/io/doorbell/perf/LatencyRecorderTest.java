package io.doorbell.perf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LatencyRecorderTest {

    @Test
    void countsSumsAndKeepsTheExtremesExactly() {
        var recorder = new LatencyRecorder();
        for (var nanos : new long[] {5_001, 5_001, 5_001, 90_003, 1_000, 1_000}) {
            recorder.record(nanos);
        }

        var latency = recorder.snapshot();

        assertThat(latency.count()).isEqualTo(6);
        assertThat(latency.min()).isEqualTo(1.0);
        assertThat(latency.max()).isEqualTo(90.003);
        assertThat(latency.average()).isEqualTo((3 * 5.001 + 90.003 + 2) / 6, within(1e-9));
        assertThat(latency.percentile(100)).isEqualTo(90.003);
    }

    @Test
    void percentilesAreWithinOnePercent() {
        var seed = Seed.of("LatencyRecorderTest");
        var random = new Random(seed);
        var recorder = new LatencyRecorder();
        var all = new long[50_000];
        for (var i = 0; i < all.length; i++) {
            all[i] = (long) Math.exp(random.nextDouble() * 18);
            recorder.record(all[i]);
        }
        Arrays.sort(all);

        var latency = recorder.snapshot();

        for (var percent : new double[] {1, 10, 50, 90, 99, 99.9}) {
            var exact = all[(int) Math.ceil(all.length * percent / 100) - 1] / 1000.0;
            assertThat(latency.percentile(percent)).isBetween(exact, exact * (1 + 1.0 / 128) + 0.001);
        }
    }

    @Test
    void snapshotsDoNotChangeWhatIsRecordedLater() {
        var recorder = new LatencyRecorder();
        recorder.record(100);
        recorder.record(100);
        var first = recorder.snapshot();

        recorder.record(100);
        recorder.record(300);

        assertThat(first.count()).isEqualTo(2);
        assertThat(recorder.snapshot().count()).isEqualTo(4);
    }

    @Test
    void forgetsWhenCleared() {
        var recorder = new LatencyRecorder();
        recorder.record(9_000_000);
        recorder.record(9_000_000);

        recorder.clear();
        recorder.record(1000);

        assertThat(recorder.snapshot().count()).isEqualTo(1);
        assertThat(recorder.snapshot().max()).isEqualTo(1.0);
        assertThat(recorder.snapshot().average()).isEqualTo(1.0);
    }

    @Test
    void takesTimesThatAreTooLongAndTooShort() {
        var recorder = new LatencyRecorder();
        recorder.record(-5);
        recorder.record(Long.MAX_VALUE);

        assertThat(recorder.snapshot().min()).isZero();
        assertThat(recorder.snapshot().max()).isEqualTo(3.6e9);
    }

    @Test
    void addsUp() {
        var one = new LatencyRecorder();
        one.record(1000);
        var other = new LatencyRecorder();
        other.record(3000);

        var sum = one.snapshot().plus(other.snapshot()).plus(Latency.NONE);

        assertThat(sum.count()).isEqualTo(2);
        assertThat(sum.min()).isEqualTo(1.0);
        assertThat(sum.max()).isEqualTo(3.0);
        assertThat(sum.average()).isEqualTo(2.0);
    }

    @Test
    void hasNothingToSayOfNothing() {
        assertThat(Latency.NONE.average()).isZero();
        assertThat(Latency.NONE.min()).isZero();
        assertThat(Latency.NONE.max()).isZero();
        assertThat(Latency.NONE.percentile(99)).isZero();
        assertThat(Latency.NONE.buckets()).isEmpty();
    }

    @Test
    void bucketsAreNarrowAndAddUp() {
        var recorder = new LatencyRecorder();
        recorder.record(100);
        recorder.record(100);
        recorder.record(70_000);

        var buckets = recorder.snapshot().buckets();

        assertThat(buckets).hasSize(2);
        assertThat(buckets.getFirst()).isEqualTo(new Latency.Bucket(0.100, 0.101, 2, 2.0 / 3));
        assertThat(buckets.getLast().count()).isEqualTo(1);
        assertThat(buckets.getLast().cumulative()).isEqualTo(1.0);
        assertThat(buckets.getLast().start()).isLessThanOrEqualTo(70.0);
        assertThat(buckets.getLast().end()).isBetween(70.0, 70.0 * (1 + 1.0 / 128) + 0.001);
    }
}
