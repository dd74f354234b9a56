package io.doorbell.resources.reactor;

import static io.doorbell.resources.reactor.Pollers.draining;
import static io.doorbell.resources.reactor.Pollers.polling;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.doorbell.platform.CpuAffinity;
import io.doorbell.platform.EventFd;
import io.doorbell.reactor.Poller;
import io.doorbell.reactor.Reactor;
import io.doorbell.reactor.ReactorStatistics;
import io.doorbell.reactor.Reactors.Role;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class ReactorTest {
    private static final Duration BOUND = Duration.ofSeconds(60);

    /** Longer than any test lasts: the end of a sleep heals no lost wakeup. */
    private static final Duration FOR_EVER = Duration.ofHours(1);

    private final ReactorPool pool = new ReactorPool(ReactorOptions.DEFAULT);
    private final ReactorPool sleepers = new ReactorPool(ReactorOptions.DEFAULT, FOR_EVER);
    private final Reactor reactor = pool.open("test", Role.HOST, -1);

    @AfterEach
    void nothingLives() {
        pool.close();
        sleepers.close();
        assertThat(pool.reactors()).isEmpty();
        assertThat(sleepers.reactors()).isEmpty();
    }

    @Test
    void runsAnAddedPollerUntilItIsRemoved() {
        var polls = new AtomicLong();
        var poller = polling(now -> {
            polls.incrementAndGet();
            return 0;
        });

        reactor.add(poller);
        await().atMost(BOUND).until(() -> polls.get() > 1000);
        reactor.remove(poller);

        long afterRemove = polls.get();
        reactor.call(() -> null, BOUND);
        reactor.call(() -> null, BOUND);
        assertThat(polls).hasValue(afterRemove);
        assertThat(reactor.statistics().pollers()).isZero();
    }

    @Test
    void refusesToRunAPollerTwice() {
        var poller = polling(now -> 0);
        reactor.add(poller);

        assertThatThrownBy(() -> reactor.add(poller))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("test");
        assertThat(reactor.statistics().pollers()).isOne();
    }

    @Test
    void doesNotRunAPollerAnyMoreThatAnotherPollerRemovedInTheSameCycle() {
        var removed = new AtomicBoolean();
        var ranAfterwards = new AtomicBoolean();
        var victim = polling(now -> {
            ranAfterwards.compareAndSet(false, removed.get());
            return 0;
        });
        var done = new CountDownLatch(1);
        Poller killer = polling(now -> {
            if (!removed.get()) {
                reactor.remove(victim);
                removed.set(true);
            }
            done.countDown();
            return 0;
        });
        reactor.call(
                () -> {
                    reactor.add(killer);
                    reactor.add(victim);
                    return null;
                },
                BOUND);

        await().atMost(BOUND).until(() -> done.getCount() == 0);
        reactor.call(() -> null, BOUND);

        assertThat(ranAfterwards).isFalse();
        assertThat(reactor.statistics().pollers()).isOne();
    }

    @Test
    void countsACycleForEachPollAndABusyOneForEachThatDidWork() {
        int counted = 100;
        var calls = new AtomicInteger();
        var first = new AtomicReference<ReactorStatistics>();
        var last = new AtomicReference<ReactorStatistics>();

        reactor.add(polling(now -> {
            int call = calls.incrementAndGet();
            if (call == 2) { // What came with the task that added it is over.
                first.set(reactor.statistics());
            } else if (call == 2 + counted) {
                last.set(reactor.statistics());
            }
            return call & 1;
        }));
        await().atMost(BOUND).until(() -> last.get() != null);

        assertThat(last.get().cycles() - first.get().cycles()).isEqualTo(counted);
        assertThat(last.get().busyCycles() - first.get().busyCycles()).isEqualTo(counted / 2);
        assertThat(last.get().pollers()).isOne();
    }

    @Test
    void removesAPollerThatThrowsAndGoesOnWithTheOthers() {
        var polls = new AtomicLong();
        reactor.add(polling(now -> {
            throw new IllegalStateException("on purpose");
        }));
        reactor.add(polling(now -> {
            polls.incrementAndGet();
            return 0;
        }));

        await().atMost(BOUND).until(() -> reactor.statistics().pollerFailures() == 1);
        long before = polls.get();
        await().atMost(BOUND).until(() -> polls.get() > before + 100);

        assertThat(reactor.statistics().pollers()).isOne();
    }

    @Test
    void keepsAPollerThatMeetsMemoryThatHasGone() {
        var polls = new AtomicLong();
        reactor.add(polling(now -> {
            if (polls.incrementAndGet() % 7 == 0 && polls.get() <= 70) {
                throw new InternalError("a fault, on purpose");
            }
            return 0;
        }));

        await().atMost(BOUND).until(() -> polls.get() > 1_000);

        assertThat(reactor.statistics().pollers()).isOne();
        assertThat(reactor.statistics().pollerFailures()).isEqualTo(10);
    }

    @Test
    void removesAPollerThatMeetsNothingButMemoryThatHasGone() {
        reactor.add(polling(now -> {
            throw new InternalError("a fault, on purpose");
        }));

        await().atMost(BOUND).until(() -> reactor.statistics().pollers() == 0);

        assertThat(reactor.statistics().pollerFailures()).isEqualTo(ReactorThread.MAX_FAULTS + 1);
    }

    @Test
    void runsTasksInTheOrderTheyWereGiven() {
        var order = Collections.synchronizedList(new ArrayList<Integer>());

        for (int i = 0; i < 1000; i++) {
            int number = i;
            reactor.execute(() -> order.add(number));
        }
        reactor.call(() -> null, BOUND);

        assertThat(order).hasSize(1000).isSorted();
    }

    @Test
    void refusesTasksWhenItsQueueIsFull() throws InterruptedException {
        var release = new CountDownLatch(1);
        reactor.execute(() -> awaitQuietly(release));
        await().atMost(BOUND).until(() -> reactor.statistics().cycles() > 0);

        assertThatThrownBy(() -> {
                    for (int i = 0; i <= TaskQueue.CAPACITY; i++) {
                        reactor.execute(() -> {});
                    }
                })
                .isInstanceOf(RejectedExecutionException.class)
                .hasMessageContaining("1024");

        release.countDown();
        await().atMost(BOUND)
                .ignoreException(RejectedExecutionException.class)
                .untilAsserted(() -> reactor.execute(() -> {}));
    }

    @Test
    void callReturnsWhatTheTaskReturnsAndThrowsWhatItThrows() {
        assertThat(reactor.<Thread>call(Thread::currentThread, BOUND)).isSameAs(reactor.thread());
        assertThatThrownBy(() -> reactor.call(
                        () -> {
                            throw new IllegalArgumentException("mine");
                        },
                        BOUND))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("mine");
        assertThatThrownBy(() -> reactor.call(
                        () -> {
                            throw new IOException("checked");
                        },
                        BOUND))
                .isInstanceOf(IllegalStateException.class)
                .hasRootCauseMessage("checked");
    }

    @Test
    void aCallFromItsOwnThreadRunsAtOnce() {
        assertThat(reactor.<Boolean>call(() -> reactor.call(reactor::isCurrent, Duration.ZERO), BOUND))
                .isTrue();
    }

    @Test
    void withdrawsACallThatDidNotBeginWithinItsBound() {
        var release = new CountDownLatch(1);
        var ran = new AtomicBoolean();
        reactor.execute(() -> awaitQuietly(release));

        assertThatThrownBy(() -> reactor.call(
                        () -> {
                            ran.set(true);
                            return null;
                        },
                        Duration.ofMillis(20)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("withdrawn");
        release.countDown();
        reactor.call(() -> null, BOUND);

        assertThat(ran).isFalse();
    }

    @Test
    void anAcceptedTaskRunsThoughTheReactorCloses() throws InterruptedException {
        // Closing and offering race: each offer either is refused or its task runs.
        for (int round = 0; round < 50; round++) {
            var each = pool.open("round-" + round, Role.HOST, -1);
            var accepted = new AtomicInteger();
            var ran = new AtomicInteger();
            var offering = new Thread(() -> {
                try {
                    while (true) {
                        each.execute(ran::incrementAndGet);
                        accepted.incrementAndGet();
                    }
                } catch (RejectedExecutionException closedOrFull) {
                    // That is what ends this thread.
                }
            });
            offering.start();
            await().pollInterval(Duration.ofNanos(100_000))
                    .atMost(BOUND)
                    .until(() -> accepted.get() > 0 || !offering.isAlive());
            each.close();
            offering.join();

            assertThat(ran).hasValue(accepted.get());
            assertThat(each.thread().isAlive()).isFalse();
        }
    }

    /** A reactor that sleeps until it is woken. */
    private Reactor sleeper() {
        return sleepers.open("sleeper", Role.HOST, -1);
    }

    @Test
    @Timeout(300)
    void sleepsWhenEveryPollerAgreesAndWakesForEachPieceOfWork() {
        var reactor = sleeper();
        var work = new AtomicInteger();
        var done = new AtomicInteger();
        reactor.add(new Poller() {
            @Override
            public int poll(long nowNanos) {
                int found = work.getAndSet(0);
                done.addAndGet(found);
                return found;
            }

            @Override
            public boolean readyToPark() {
                return work.get() == 0;
            }
        });

        for (int i = 1; i <= 200; i++) {
            if (i % 2 == 0) {
                await().pollInterval(Duration.ofNanos(100_000))
                        .atMost(BOUND)
                        .until(() -> reactor.statistics().parked());
            }
            work.incrementAndGet();
            reactor.wake();
            int expected = i;
            await().pollInterval(Duration.ofNanos(20_000)).atMost(BOUND).until(() -> done.get() == expected);
        }
        assertThat(reactor.statistics().parks()).isGreaterThan(50);
    }

    @Test
    void losesNoWakeupWhileItIsOnItsWayToSleep() {
        // No spinning and next to no yielding: each piece of work meets the reactor somewhere on its way to sleep.
        try (var eager = new ReactorPool(new ReactorOptions(false, 0, 1), FOR_EVER)) {
            var sleepy = eager.open("sleepy", Role.HOST, -1);
            var offered = new AtomicLong();
            var taken = new AtomicLong();
            sleepy.add(new Poller() {
                @Override
                public int poll(long nowNanos) {
                    return taken.getAndSet(offered.get()) == taken.get() ? 0 : 1;
                }

                @Override
                public boolean readyToPark() {
                    return taken.get() == offered.get();
                }
            });
            var random = new Random(1);
            // A busy machine takes milliseconds for a round: as many as there is time for.
            long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
            for (long i = 1; i <= 20_000 && System.nanoTime() - until < 0; i++) {
                if (i % 16 == 0) {
                    // On a busy machine both threads may share a CPU, and then it sleeps only if we do.
                    LockSupport.parkNanos(50_000);
                }
                long start = System.nanoTime();
                long pause = random.nextInt(20_000);
                while (System.nanoTime() - start < pause) {
                    Thread.onSpinWait();
                }
                offered.set(i);
                sleepy.wake();
                while (taken.get() < i) {
                    assertThat(System.nanoTime() - start).as("a lost wakeup").isLessThan(BOUND.toNanos());
                    Thread.yield();
                }
            }
            assertThat(sleepy.statistics().parks()).isGreaterThan(10);
        }
    }

    @Test
    void doesNotSleepWhileAPollerWaitsForADevice() throws InterruptedException {
        // Two hundred yields before each look would last a second on a busy machine.
        pool.configure(new ReactorOptions(false, 0, 1));
        var reactor = pool.open("eager", Role.HOST, -1);
        var unparked = new AtomicInteger();
        reactor.add(new Poller() {
            @Override
            public int poll(long nowNanos) {
                return 0;
            }

            @Override
            public boolean readyToPark() {
                return true;
            }

            @Override
            public void unparked() {
                unparked.incrementAndGet();
            }
        });
        reactor.add(new Poller() {
            @Override
            public int poll(long nowNanos) {
                return 0;
            }

            @Override
            public boolean readyToPark() {
                return false;
            }
        });
        await().atMost(BOUND).until(() -> unparked.get() > 3);
        long parks = reactor.statistics().parks();

        await().atMost(BOUND).until(() -> unparked.get() > 6);

        // The first poller was armed and disarmed each time, the reactor did not sleep.
        assertThat(reactor.statistics().parks()).isEqualTo(parks);
    }

    @Test
    void sleepsNoLongerThanAPollerAllows() {
        var reactor = sleeper();
        var rounds = new AtomicInteger();
        reactor.add(new Poller() {
            private long deadline = System.nanoTime();

            @Override
            public int poll(long nowNanos) {
                if (nowNanos - deadline < 0) {
                    return 0;
                }
                deadline = nowNanos + TimeUnit.MILLISECONDS.toNanos(5);
                rounds.incrementAndGet();
                return 1;
            }

            @Override
            public boolean readyToPark() {
                return true;
            }

            @Override
            public long parkLimitNanos(long nowNanos) {
                return deadline - nowNanos;
            }
        });

        // On a busy machine the time of many a round has come before the reactor can sleep.
        await().atMost(BOUND)
                .until(() -> rounds.get() > 20 && reactor.statistics().parks() > 5);
    }

    @Test
    void sleepsOnTheDescriptorOfAPollerToo() {
        var reactor = sleeper();
        try (var descriptor = EventFd.create()) {
            var seen = new AtomicInteger();
            var poller = draining(descriptor, seen);
            reactor.add(poller);
            for (int i = 1; i <= 5; i++) {
                await().atMost(BOUND).until(() -> reactor.statistics().parked());
                descriptor.signal();
                int expected = i;
                await().pollInterval(Duration.ofMillis(1)).atMost(BOUND).until(() -> seen.get() == expected);
            }
            reactor.remove(poller);
        }
    }

    @Test
    void goesOnWhenAPollerCannotSayWhatItWatches() {
        var broken = new AtomicBoolean();
        var polls = new AtomicLong();
        reactor.add(new Poller() {
            @Override
            public int poll(long nowNanos) {
                return 0;
            }

            @Override
            public boolean readyToPark() {
                return true;
            }

            @Override
            public int descriptor() {
                if (broken.get()) {
                    throw new IllegalStateException("closed, on purpose");
                }
                return -1;
            }
        });
        reactor.add(polling(now -> {
            polls.incrementAndGet();
            return 0;
        }));
        reactor.add(polling(now -> {
            if (broken.get()) {
                throw new IllegalStateException("on purpose");
            }
            return 0;
        }));

        broken.set(true);

        await().atMost(BOUND).until(() -> reactor.statistics().pollers() == 1);
        long before = polls.get();
        await().atMost(BOUND).until(() -> polls.get() > before + 100);
        assertThat(reactor.statistics().pollerFailures()).isEqualTo(2);
    }

    @Test
    void usesAtMostOnePercentOfACpuWhenIdle() throws InterruptedException {
        reactor.add(new Poller() {
            @Override
            public int poll(long nowNanos) {
                return 0;
            }

            @Override
            public boolean readyToPark() {
                return true;
            }
        });
        await().atMost(BOUND).until(() -> reactor.statistics().parked());
        var threads = ManagementFactory.getThreadMXBean();
        long id = reactor.thread().threadId();

        // What is not compiled yet, or meets a machine that is busy, takes longer; who does not sleep uses more in
        // every window.
        double least = 100;
        for (int window = 0; window < 5 && least >= 1; window++) {
            long cpuBefore = threads.getThreadCpuTime(id);
            long wallBefore = System.nanoTime();
            // Not a wait for a condition: this is the time over which it is measured.
            Thread.sleep(1500);
            long cpu = threads.getThreadCpuTime(id) - cpuBefore;
            least = Math.min(least, 100.0 * cpu / (System.nanoTime() - wallBefore));
        }

        System.out.printf("idle reactor: %.3f %% of a CPU%n", least);
        assertThat(least).isLessThan(1);
    }

    @Test
    void placesHostsFromTheFirstCpuUpAndDevicesFromTheLastDown() {
        var allowed = CpuAffinity.processCpus();
        int first = allowed.nextSetBit(0);
        int last = allowed.length() - 1;

        var device = pool.open("device", Role.DEVICE, -1);

        assertThat(reactor.cpu()).isEqualTo(first);
        assertThat(device.cpu()).isEqualTo(last);
        assertThat(device.<BitSet>call(CpuAffinity::allowedCpus, BOUND).cardinality())
                .isOne();
    }

    @Test
    void goesRoundAllCpusAndTakesAFreedPlaceFirst() {
        var places = new ConcurrentHashMap<Integer, Integer>();
        places.merge(reactor.cpu(), 1, Integer::sum);
        int cpus = CpuAffinity.processCpus().cardinality();
        for (int i = 1; i < 2 * cpus; i++) {
            places.merge(pool.open("more-" + i, Role.HOST, -1).cpu(), 1, Integer::sum);
        }
        assertThat(places)
                .hasSize(cpus)
                .allSatisfy((cpu, count) -> assertThat(count).isEqualTo(2));

        reactor.close();

        assertThat(pool.open("next", Role.DEVICE, -1).cpu()).isEqualTo(reactor.cpu());
    }

    @Test
    void refusesACpuThatIsNotAllowedAndNamesThoseThatAre() {
        assertThatThrownBy(() -> pool.open("nowhere", Role.HOST, 16_000))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("16000")
                .hasMessageContaining(CpuAffinity.processCpus().toString());
        assertThatThrownBy(() -> pool.open("test", Role.HOST, -1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("lives already");
    }

    @Test
    void virtualThreadsThatAPinnedReactorStartsMayRunAnywhere() {
        var affinities = new ConcurrentLinkedQueue<BitSet>();
        var threads = reactor.<List<Thread>>call(
                () -> IntStream.range(0, 8)
                        .mapToObj(_ -> Thread.ofVirtual().start(() -> {
                            long end = System.nanoTime() + 2_000_000;
                            while (System.nanoTime() - end < 0) {
                                Thread.onSpinWait();
                            }
                            affinities.add(CpuAffinity.allowedCpus());
                        }))
                        .toList(),
                BOUND);

        await().atMost(BOUND).until(() -> threads.stream().noneMatch(Thread::isAlive));

        assertThat(affinities).hasSize(8).containsOnly(CpuAffinity.processCpus());
    }

    @Test
    void movesToTheCpuThatIsConfiguredForItAndOneThatIsNotAllowedIsNone() {
        var cpus = CpuAffinity.processCpus().stream().boxed().toList();
        int other = reactor.cpu() == cpus.getFirst() ? cpus.getLast() : cpus.getFirst();

        pool.configure(new ReactorOptions(true, 0, 1, Map.of("test", other, "later", other, "nowhere", 16_000)));

        await().atMost(BOUND).until(() -> reactor.cpu() == other);
        assertThat(reactor.call(CpuAffinity::allowedCpus, BOUND).stream()).containsExactly(other);
        assertThat(pool.open("later", Role.HOST, -1).cpu()).isEqualTo(other);
        assertThat(pool.open("nowhere", Role.HOST, -1).cpu()).isIn(cpus);
    }

    @Test
    void cpusAreReadAndWhatIsNoneIsNamed() {
        assertThat(ReactorOptions.parseCpus(List.of("tcp0-0: 2", " emulator-a:b : 0 ")))
                .isEqualTo(Map.of("tcp0-0", 2, "emulator-a:b", 0));
        for (var wrong : List.of("tcp0-0", ": 2", "tcp0-0: -1", "tcp0-0: two", "")) {
            assertThatThrownBy(() -> ReactorOptions.parseCpus(List.of(wrong)))
                    .hasMessageContaining("\"" + wrong + "\"")
                    .hasMessageContaining("NAME: CPU");
        }
        assertThatThrownBy(() -> ReactorOptions.parseCpus(List.of("a: 1", "a: 2")))
                .hasMessageContaining("twice");
    }

    @Test
    void isNotPinnedWherePinningIsOff() {
        pool.configure(new ReactorOptions(false, 0, 1));

        var free = reactor.<Reactor>call(() -> pool.open("free", Role.HOST, -1), BOUND);

        assertThat(free.cpu()).isEqualTo(-1);
        // Though a pinned thread opened it.
        assertThat(free.<BitSet>call(CpuAffinity::allowedCpus, BOUND)).isEqualTo(CpuAffinity.processCpus());
    }

    @Test
    void closesFromItsOwnThreadToo() throws InterruptedException {
        reactor.execute(reactor::close);

        assertThat(reactor.thread().join(BOUND)).isTrue();
        assertThatThrownBy(() -> reactor.execute(() -> {})).isInstanceOf(RejectedExecutionException.class);
        reactor.remove(polling(now -> 0));
        reactor.wake();
        reactor.close();
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
