package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class MemoryViewTest {
    private static final Duration BOUND = Duration.ofSeconds(60);
    private static final VarHandle WORD = JAVA_LONG.varHandle().withInvokeExactBehavior();

    private NativeMemory memory;

    @BeforeEach
    void allocate() {
        memory = NativeMemory.allocate(Machine.PAGE_BYTES);
    }

    @AfterEach
    void free() {
        memory.close(); // Refused if a test left a view open.
    }

    @Test
    void showsTheSameBytesAndNoMore() {
        try (var lease = Arena.ofShared()) {
            var view = MemoryView.within(memory.segment().asSlice(64, 128), lease);

            view.set(JAVA_LONG, 8, 42L);

            assertThat(view.byteSize()).isEqualTo(128);
            assertThat(memory.segment().get(JAVA_LONG, 72)).isEqualTo(42L);
            assertThatThrownBy(() -> view.get(JAVA_BYTE, 128)).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void fencesAReaderThatLoopsOverIt() throws Exception {
        var lease = Arena.ofShared();
        var view = MemoryView.within(memory.segment(), lease);
        var reads = new AtomicLong();
        var fenced = loop(() -> {
            long sum = (long) WORD.getVolatile(view, 0L);
            reads.lazySet(reads.get() + 1 + sum);
        });
        awaitAtLeast(reads, 1_000_000); // compiled by then

        MemoryView.close(lease, BOUND);

        assertThat(fenced.get(60, TimeUnit.SECONDS)).isInstanceOf(IllegalStateException.class);
        assertThat(memory.segment().get(JAVA_LONG, 0)).isZero();
    }

    @Test
    void noStoreOfAStaleHolderLandsAfterTheFence() throws Exception {
        var lease = Arena.ofShared();
        var view = MemoryView.within(memory.segment(), lease);
        var stores = new AtomicLong();
        var fenced = loop(() -> {
            long next = stores.get() + 1;
            WORD.setRelease(view, 0L, next);
            stores.lazySet(next);
        });
        awaitAtLeast(stores, 1_000_000);

        MemoryView.close(lease, BOUND);
        memory.segment().set(JAVA_LONG, 0, -1L); // the next holder's

        assertThat(fenced.get(60, TimeUnit.SECONDS)).isInstanceOf(IllegalStateException.class);
        assertThat((long) WORD.getVolatile(memory.segment(), 0L)).isEqualTo(-1L);
    }

    @Test
    void leavesOtherViewsOpen() {
        var first = Arena.ofShared();
        var second = Arena.ofShared();
        var firstView = MemoryView.within(memory.segment(), first);
        var secondView = MemoryView.within(memory.segment(), second);

        MemoryView.close(first, BOUND);

        assertThatThrownBy(() -> firstView.get(JAVA_LONG, 0)).isInstanceOf(IllegalStateException.class);
        assertThat(secondView.get(JAVA_LONG, 0)).isZero();
        second.close();
    }

    @Test
    void holdsTheMappingThroughAViewOfAView() {
        var lease = Arena.ofShared();
        var part = Arena.ofShared();
        var view = MemoryView.within(memory.segment(), lease);
        var partView = MemoryView.within(view.asSlice(1_024), part);

        lease.close();

        assertThatThrownBy(memory::close)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("1 view(s)");
        assertThat(partView.get(JAVA_LONG, 0)).isZero();
        part.close();
    }

    @Test
    void staysReadOnly() {
        try (var lease = Arena.ofShared()) {
            assertThat(MemoryView.within(memory.segment().asReadOnly(), lease).isReadOnly())
                    .isTrue();
        }
    }

    @Test
    void viewsMemoryOfAnotherOwner() {
        try (var owner = Arena.ofShared()) {
            var segment = owner.allocate(64);
            var lease = Arena.ofShared();
            var view = MemoryView.within(segment, lease);

            lease.close();

            assertThatThrownBy(() -> view.get(JAVA_LONG, 0)).isInstanceOf(IllegalStateException.class);
            assertThat(segment.get(JAVA_LONG, 0)).isZero();
        }
    }

    @Test
    void refusesHeapMemory() {
        try (var lease = Arena.ofShared()) {
            assertThatThrownBy(() -> MemoryView.within(MemorySegment.ofArray(new long[8]), lease))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("heap");
        }
    }

    @Test
    void refusesClosedMemoryAndClosedArenas() {
        var closed = NativeMemory.allocate(64);
        closed.close();
        var closedLease = Arena.ofShared();
        closedLease.close();

        try (var lease = Arena.ofShared()) {
            assertThatThrownBy(() -> MemoryView.within(closed.segment(), lease))
                    .isInstanceOf(IllegalStateException.class);
        }
        assertThatThrownBy(() -> MemoryView.within(memory.segment(), closedLease))
                .isInstanceOf(IllegalStateException.class);
        // and the refused view does not count: free() closes the memory
    }

    @Test
    void closeWaitsForANativeCallThatHoldsTheMemory() throws Exception {
        try (var eventFd = EventFd.create()) {
            var lease = Arena.ofShared();
            var inKernel = pollWithMemoryOf(lease, eventFd);
            var signaller = CompletableFuture.runAsync(() -> {
                Thread.yield();
                eventFd.signal();
            });

            long nanos = MemoryView.close(lease, BOUND);

            assertThat(lease.scope().isAlive()).isFalse();
            assertThat(nanos).isPositive().isLessThan(BOUND.toNanos());
            assertThat(inKernel.get(60, TimeUnit.SECONDS)).isEqualTo(1);
            signaller.get(60, TimeUnit.SECONDS);
        }
    }

    @Test
    void closeGivesUpWhenItsBoundPassesAndCanBeRepeated() throws Exception {
        try (var eventFd = EventFd.create()) {
            var lease = Arena.ofShared();
            var inKernel = pollWithMemoryOf(lease, eventFd);

            assertThatThrownBy(() -> MemoryView.close(lease, Duration.ofMillis(20)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("held by a native call after PT0.02S");
            assertThat(lease.scope().isAlive()).isTrue();

            eventFd.signal();
            MemoryView.close(lease, BOUND);
            assertThat(inKernel.get(60, TimeUnit.SECONDS)).isEqualTo(1);
        }
    }

    @Test
    void closesTwice() {
        var lease = Arena.ofShared();
        MemoryView.close(lease, BOUND);
        MemoryView.close(lease, BOUND);

        assertThat(lease.scope().isAlive()).isFalse();
    }

    /** Runs {@code step} until it throws, and answers with what. */
    private static CompletableFuture<Throwable> loop(Runnable step) {
        var thrown = new CompletableFuture<Throwable>();
        Thread.ofPlatform().daemon().start(() -> {
            try {
                while (true) {
                    step.run();
                }
            } catch (Throwable end) {
                thrown.complete(end);
            }
        });
        return thrown;
    }

    private static void awaitAtLeast(AtomicLong counter, long value) {
        while (counter.get() < value) {
            Thread.onSpinWait();
        }
    }

    /** A thread that sits in ppoll, and so holds memory of {@code lease}, until the eventfd is signalled. */
    private static CompletableFuture<Integer> pollWithMemoryOf(Arena lease, EventFd eventFd) {
        var pollfd = lease.allocate(8, 8);
        pollfd.set(JAVA_LONG, 0, eventFd.fd() | (long) Libc.POLLIN << 32);
        var timespec = lease.allocate(16, 8);
        timespec.set(JAVA_LONG, 0, 10);
        var errno = Arena.ofAuto().allocate(Libc.ERRNO_STATE);
        var result = new CompletableFuture<Integer>();
        Thread.ofPlatform().daemon().start(() -> result.complete(Libc.ppollOne(errno, pollfd, timespec)));
        TaskCalls.awaitPpoll();
        return result;
    }
}
