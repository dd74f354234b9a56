package io.doorbell.resources.reactor;

import static io.doorbell.resources.reactor.Pollers.draining;
import static io.doorbell.resources.reactor.Pollers.polling;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import io.doorbell.platform.CpuAffinity;
import io.doorbell.platform.EventFd;
import io.doorbell.reactor.Reactor;
import io.doorbell.reactor.Reactors.Role;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Reactors on one CPU make room for each other. */
@Timeout(300)
class SharedCpuTest {
    private static final Duration BOUND = Duration.ofSeconds(60);

    /** Longer than any test lasts: what sleeps does not come round by itself. */
    private static final Duration FOR_EVER = Duration.ofHours(1);

    private final ReactorPool sleepers = new ReactorPool(ReactorOptions.DEFAULT, FOR_EVER);

    @AfterEach
    void close() {
        sleepers.close();
    }

    @Test
    void thoseThatShareACpuNapInsteadOfSpinningAndOneAloneDoesNot() {
        int cpu = CpuAffinity.processCpus().nextSetBit(0);
        var one = sleepers.open("one", Role.HOST, cpu);
        var two = sleepers.open("two", Role.HOST, cpu);
        one.add(polling(now -> 0));
        two.add(polling(now -> 0));
        await().atMost(BOUND)
                .until(() -> one.statistics().parks() > 10 && two.statistics().parks() > 10);

        two.close();

        napsNoMore(one);
    }

    /** What its socket has woken waits for the CPU, and nobody else is told: who spins would keep it for a time slice. */
    @Test
    void makesRoomForANeighbourThatSleptAMomentAgo() throws InterruptedException {
        int cpu = CpuAffinity.processCpus().nextSetBit(0);
        var spinner = sleepers.open("spinner", Role.HOST, cpu);
        var sleeper = sleepers.open("sleeper", Role.HOST, cpu);
        try (var descriptor = EventFd.create()) {
            sleeper.add(draining(descriptor, new AtomicInteger()));
            var beside = new CyclesBeside(sleeper, spinner);
            spinner.add(polling(beside::cycle));
            var end = new AtomicBoolean();
            var feeder = Thread.ofPlatform().start(() -> {
                while (!end.get()) {
                    descriptor.signal();
                    LockSupport.parkNanos(1_000_000);
                }
            });

            await().atMost(BOUND).until(() -> beside.seen > 1000);

            end.set(true);
            feeder.join();
            sleeper.close();
            // Each takes more than 10 ns, and it spins for 2 µs.
            assertThat(beside.longest).isLessThan(500);
        }
    }

    /** Counts cycles between two naps, while the neighbour sleeps and has not slept for long. */
    private static final class CyclesBeside {
        private final Reactor neighbour;
        private final Reactor reactor;
        private long naps;
        private int cycles;
        volatile int longest;
        volatile int seen;

        CyclesBeside(Reactor neighbour, Reactor reactor) {
            this.neighbour = neighbour;
            this.reactor = reactor;
        }

        int cycle(long nowNanos) {
            var its = neighbour.statistics();
            var sleeps = its.parked() && System.nanoTime() - its.lastCycleNanos() < 5_000_000;
            var before = naps;
            naps = reactor.statistics().parks();
            if (sleeps) {
                seen++;
            }
            cycles = sleeps && naps == before ? cycles + 1 : 0;
            longest = Math.max(longest, cycles);
            return 0;
        }
    }

    @Test
    void doesNotMakeRoomForANeighbourThatSleepsForLong() {
        int cpu = CpuAffinity.processCpus().nextSetBit(0);
        var spinner = sleepers.open("spinner", Role.HOST, cpu);
        var sleeper = sleepers.open("sleeper", Role.HOST, cpu);
        spinner.add(polling(now -> 0));

        await().atMost(BOUND).until(() -> sleeper.statistics().parked());

        await().atMost(BOUND).until(() -> {
            var before = spinner.statistics();
            Thread.sleep(20);
            var after = spinner.statistics();
            return after.cycles() > before.cycles() && after.parks() == before.parks();
        });
    }

    @Test
    void whoMovesToAnotherCpuLeavesItsNeighbourAlone() {
        var cpus = CpuAffinity.processCpus();
        assumeThat(cpus.cardinality()).as("CPUs").isGreaterThan(1);
        var one = sleepers.open("one", Role.HOST, cpus.nextSetBit(0));
        var two = sleepers.open("two", Role.HOST, cpus.nextSetBit(0));
        one.add(polling(now -> 0));
        two.add(polling(now -> 0));
        await().atMost(BOUND).until(() -> one.statistics().parks() > 10);

        sleepers.configure(new ReactorOptions(true, 0, 1, Map.of("two", cpus.length() - 1)));

        napsNoMore(one);
        napsNoMore(two);
    }

    private static void napsNoMore(Reactor reactor) {
        reactor.call(() -> null, BOUND);
        long naps = reactor.statistics().parks();
        long cycles = reactor.statistics().cycles();
        await().atMost(BOUND).until(() -> reactor.statistics().cycles() > cycles + 10_000);
        assertThat(reactor.statistics().parks()).isEqualTo(naps);
    }
}
