package io.doorbell.perf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IoGeneratorTest {
    private static final int DRAWS = 200_000;

    @Test
    void goesThroughItsRegionInOrderAndBeginsAnew() {
        var generator = generator("-w read", new IoRegion(10, 3), 0);

        var ios = IntStream.range(0, 7).mapToObj(_ -> generator.next()).toList();

        assertThat(ios).containsExactly(0L, 1L, 2L, 0L, 1L, 2L, 0L);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 1000, 1L << 40})
    void drawsFromTheWholeRegionAndNothingElse(long ioCount) {
        var generator = generator("-w randread --seed " + seed(), new IoRegion(5, ioCount), 0);
        var least = Long.MAX_VALUE;
        var most = Long.MIN_VALUE;

        for (var i = 0; i < DRAWS; i++) {
            var io = generator.next();
            least = Math.min(least, io);
            most = Math.max(most, io);
        }

        assertThat(least).isBetween(0L, ioCount / 1000);
        assertThat(most).isBetween(ioCount - 1 - ioCount / 1000, ioCount - 1);
    }

    @Test
    void drawsUniformly() {
        var generator = generator("-w randread --seed " + seed(), new IoRegion(0, 100), 0);
        var counts = new int[100];

        for (var i = 0; i < DRAWS; i++) {
            counts[(int) generator.next()]++;
        }

        // 2000 expected, standard deviation 44.5: seven of them.
        assertThat(Arrays.stream(counts).boxed())
                .allSatisfy(count -> assertThat(count).isBetween(1690, 2310));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 30, 50, 70, 99, 100})
    void mixesReadsAndWritesAsAsked(int percent) {
        var generator = generator("-w randrw -M " + percent + " --seed " + seed(), new IoRegion(0, 100), 0);
        var reads = 0;

        for (var i = 0; i < DRAWS; i++) {
            reads += generator.nextIsWrite() ? 0 : 1;
        }

        assertThat(100.0 * reads / DRAWS).isCloseTo(percent, within(percent % 100 == 0 ? 0.0 : 0.8));
    }

    @Test
    void givesTheSameSequenceForTheSameSeedAndAnotherForAnotherWorker() {
        var region = new IoRegion(0, 1L << 30);
        var first = new IoGenerator(options("-w randread --seed 5"), region, 0, 0);
        var again = new IoGenerator(options("-w randread --seed 5"), region, 0, 0);
        var other = new IoGenerator(options("-w randread --seed 5"), region, 0, 1);

        var ios = IntStream.range(0, 50).mapToObj(_ -> first.next()).toList();

        assertThat(IntStream.range(0, 50).mapToObj(_ -> again.next()).toList()).isEqualTo(ios);
        assertThat(IntStream.range(0, 50).mapToObj(_ -> other.next()).toList()).isNotEqualTo(ios);
    }

    @ParameterizedTest
    @ValueSource(strings = {"-w rw -M 50", "-w randrw -M 50", "-w randrw -M 50 -F 0.9"})
    void keepsTheSlotsApart(String pattern) {
        var slots = 7;
        var generator = generator(pattern + " --seed " + seed(), new IoRegion(0, 100), slots);

        for (var i = 0; i < 10_000; i++) {
            var slot = i % slots;
            var io = generator.next(slot);
            assertThat(io).isBetween(0L, 99L);
            assertThat(io % slots).isEqualTo(slot);
        }
    }

    @Test
    void coversTheWholeRegionWithSlotsApart() {
        var slots = 7;
        var generator = generator("-w write", new IoRegion(0, 100), slots);
        var seen = new boolean[100];

        for (var slot = 0; slot < slots; slot++) {
            for (var i = 0; i < 100 / slots + 1; i++) {
                seen[(int) generator.next(slot)] = true;
            }
        }

        assertThat(seen).containsOnly(true);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7})
    void splitsANamespaceWithoutGapsAndOverlaps(int parts) {
        for (var ioCount : List.of(7L, 100L, 1023L, (1L << 52) + 3)) {
            var next = 0L;
            for (var part = 0; part < parts; part++) {
                var region = IoRegion.part(ioCount, part, parts);
                assertThat(region.firstIo()).isEqualTo(next);
                assertThat(region.ioCount()).isBetween(ioCount / parts, ioCount / parts + 1);
                next += region.ioCount();
            }
            assertThat(next).isEqualTo(ioCount);
        }
    }

    private static IoGenerator generator(String pattern, IoRegion region, int slots) {
        return new IoGenerator(options(pattern), region, slots, 0);
    }

    private static PerfOptions options(String pattern) {
        return PerfOptions.parse(List.of(("-q 7 -o 512 -t 1 " + pattern).split(" ")));
    }

    private static long seed() {
        return Math.abs(Seed.of("IoGeneratorTest") % 1_000_000_000);
    }
}
