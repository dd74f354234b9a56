package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.sun.management.ThreadMXBean;
import java.lang.foreign.Arena;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class EventFdTest {
    private static final long MINUTE_NANOS = TimeUnit.MINUTES.toNanos(1);

    @Test
    void isNotSignalledAtFirst() {
        try (var eventFd = EventFd.create()) {
            assertThat(eventFd.await(0)).isFalse();
            assertThat(eventFd.drain()).isZero();
        }
    }

    @Test
    void addsSignalsUpUntilTheyAreDrained() {
        try (var eventFd = EventFd.create()) {
            eventFd.signal();
            eventFd.signal();
            eventFd.signal();

            assertThat(eventFd.await(0)).isTrue();
            assertThat(eventFd.await(MINUTE_NANOS)).isTrue();
            assertThat(eventFd.drain()).isEqualTo(3);
            assertThat(eventFd.await(0)).isFalse();
        }
    }

    @Test
    void awaitEndsByTheLastOfManyOthersToo() {
        var others = new ArrayList<EventFd>();
        try (var eventFd = EventFd.create()) {
            for (int i = 0; i < 100; i++) {
                others.add(EventFd.create());
            }
            eventFd.alsoOn(others.stream().mapToInt(EventFd::fd).toArray());
            assertThat(eventFd.await(0)).isFalse();

            others.getLast().signal();

            assertThat(eventFd.await(MINUTE_NANOS)).isTrue();
            assertThat(eventFd.isSignalled()).isFalse();
            assertThat(eventFd.drain()).isZero();

            eventFd.signal();

            assertThat(eventFd.await(MINUTE_NANOS)).isTrue();
            assertThat(eventFd.isSignalled()).isTrue();
            assertThat(eventFd.drain()).isEqualTo(1);
            eventFd.alsoOn();
            assertThatThrownBy(() -> eventFd.alsoOn(new int[EventFd.MAX_OTHERS + 1]))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("255 at most");
        } finally {
            others.forEach(EventFd::close);
        }
    }

    @Test
    void awaitEndsAfterItsTimeoutAndNotBefore() {
        try (var eventFd = EventFd.create()) {
            long startNanos = System.nanoTime();
            boolean signalled = eventFd.await(3_000_000);
            long takenNanos = System.nanoTime() - startNanos;

            assertThat(signalled).isFalse();
            assertThat(takenNanos).isGreaterThanOrEqualTo(3_000_000);
        }
    }

    @Test
    void takesTheLongestTimeout() throws Exception {
        try (var eventFd = EventFd.create()) {
            var waiting = awaitElsewhere(eventFd, Long.MAX_VALUE);
            TaskCalls.awaitPpoll();
            eventFd.signal();

            assertThat(waiting.get(60, TimeUnit.SECONDS)).isEqualTo(true);
        }
    }

    @Test
    void refusesANegativeTimeout() {
        try (var eventFd = EventFd.create()) {
            assertThatThrownBy(() -> eventFd.await(-1)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void wakesAThreadThatSleeps() throws Exception {
        try (var eventFd = EventFd.create()) {
            var waiting = awaitElsewhere(eventFd, MINUTE_NANOS);
            TaskCalls.awaitPpoll();

            eventFd.signal();

            assertThat(waiting.get(60, TimeUnit.SECONDS)).isEqualTo(true);
        }
    }

    @Test
    void losesNoSignalOfManyThreads() throws Exception {
        int signallers = 4;
        int signalsEach = 5_000;
        try (var eventFd = EventFd.create()) {
            var threads = new ArrayList<Thread>();
            for (int i = 0; i < signallers; i++) {
                threads.add(Thread.ofPlatform().start(() -> {
                    for (int signal = 0; signal < signalsEach; signal++) {
                        eventFd.signal();
                    }
                }));
            }

            long drained = 0;
            while (drained < (long) signallers * signalsEach) {
                assertThat(eventFd.await(MINUTE_NANOS)).isTrue();
                drained += eventFd.drain();
            }

            for (var thread : threads) {
                thread.join();
            }
            assertThat(drained).isEqualTo((long) signallers * signalsEach);
            assertThat(eventFd.drain()).isZero();
        }
    }

    @Test
    void staysSignalledWhenTheCountIsFull() {
        try (var eventFd = EventFd.create();
                var arena = Arena.ofConfined()) {
            long largest = -2; // 2^64 - 2, eventfd(2)
            Libc.write(arena.allocate(Libc.ERRNO_STATE), eventFd.fd(), arena.allocateFrom(JAVA_LONG, largest));

            eventFd.signal();

            assertThat(eventFd.await(0)).isTrue();
            assertThat(eventFd.drain()).isEqualTo(largest);
        }
    }

    @Test
    void refusesASecondWaiter() throws Exception {
        try (var eventFd = EventFd.create()) {
            var waiting = awaitElsewhere(eventFd, MINUTE_NANOS);
            TaskCalls.awaitPpoll();

            assertThatThrownBy(() -> eventFd.await(0))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("another thread waits");
            assertThatThrownBy(eventFd::drain).isInstanceOf(IllegalStateException.class);

            eventFd.signal();
            assertThat(waiting.get(60, TimeUnit.SECONDS)).isEqualTo(true);
            assertThat(eventFd.drain()).isEqualTo(1);
        }
    }

    @Test
    void closeWakesTheWaiterWithAnException() throws Exception {
        var eventFd = EventFd.create();
        var waiting = awaitElsewhere(eventFd, MINUTE_NANOS);
        TaskCalls.awaitPpoll();

        eventFd.close();

        assertThat(waiting.get(60, TimeUnit.SECONDS))
                .isInstanceOf(IllegalStateException.class)
                .extracting(thrown -> ((Throwable) thrown).getMessage())
                .isEqualTo("this eventfd is closed");
    }

    @Test
    void nothingWorksAfterClose() {
        var eventFd = EventFd.create();
        eventFd.close();

        assertThatThrownBy(eventFd::signal).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(eventFd::drain).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> eventFd.await(0)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(eventFd::fd).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void closesTwiceAndTheDescriptorOnce() {
        boolean again = false;
        // Linux gives the lowest free number; but another thread of this JVM may have been given it, or have left a
        // lower one.
        for (int round = 0; round < 1_000 && !again; round++) {
            var first = EventFd.create();
            int fd = first.fd();
            assertThat(Files.isSymbolicLink(Path.of("/proc/self/fd/" + fd))).isTrue();
            first.close();

            try (var second = EventFd.create()) {
                again = second.fd() == fd;
                first.close();

                assertThatThrownBy(first::signal).isInstanceOf(IllegalStateException.class);
                second.signal();
                assertThat(second.drain()).isEqualTo(1);
            }
        }
        assertThat(again).as("the number was that of another").isTrue();
    }

    @Test
    void closeIsSafeBesideThreadsThatSignal() throws Exception {
        for (int round = 0; round < 50; round++) {
            var eventFd = EventFd.create();
            var signaller = CompletableFuture.supplyAsync(() -> catchThrowable(() -> {
                while (true) {
                    eventFd.signal();
                }
            }));
            eventFd.await(MINUTE_NANOS);

            eventFd.close();

            assertThat(signaller.get(60, TimeUnit.SECONDS)).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void signalAwaitAndDrainAllocateNothingOnceCompiled() {
        int times = 2_000;
        try (var eventFd = EventFd.create()) {
            long allocatedBytes;
            int rounds = 0;
            // Interpreted downcalls do allocate, and the compiler takes its time on a busy machine: wait for a round
            // that needs nothing.
            do {
                allocatedBytes = allocatedBytes(() -> exercise(eventFd, times));
            } while (allocatedBytes >= times && ++rounds < 1_000);

            assertThat(allocatedBytes)
                    .as("by %d rounds, below a byte each: none", times)
                    .isLessThan(times);
        }
    }

    private static long allocatedBytes(Runnable body) {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        body.run();
        return threads.getCurrentThreadAllocatedBytes() - before;
    }

    private static void exercise(EventFd eventFd, int times) {
        for (int i = 0; i < times; i++) {
            eventFd.signal();
            if (!eventFd.await(1) || eventFd.drain() != 1) {
                throw new AssertionError("signal " + i + " was lost");
            }
        }
    }

    /** What await answers on another thread, or what it throws. */
    private static CompletableFuture<Object> awaitElsewhere(EventFd eventFd, long timeoutNanos) {
        var result = new CompletableFuture<Object>();
        Thread.ofPlatform().daemon().start(() -> {
            try {
                result.complete(eventFd.await(timeoutNanos));
            } catch (RuntimeException thrown) {
                result.complete(thrown);
            }
        });
        return result;
    }
}
