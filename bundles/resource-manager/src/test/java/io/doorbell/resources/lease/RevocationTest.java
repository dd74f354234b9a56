package io.doorbell.resources.lease;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.doorbell.host.CompletionHandler;
import io.doorbell.host.QueuePair;
import io.doorbell.lease.LeaseEvent;
import io.doorbell.lease.LeaseEvent.Kind;
import io.doorbell.lease.LeaseException;
import io.doorbell.lease.LeaseListener;
import io.doorbell.lease.LeaseRequest;
import io.doorbell.lease.LeaseState;
import io.doorbell.lease.QueuePairLease;
import io.doorbell.lease.RevocationReason;
import io.doorbell.nvme.Status;
import io.doorbell.platform.MemoryView;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Holders that behave, and holders that do not. */
@Timeout(300)
class RevocationTest {
    /** A machine that has much else to do may not run a thread for that long. */
    private static final Duration STANDSTILL = Duration.ofSeconds(10);

    private static final CompletionHandler IGNORE = (token, status, result) -> {};

    /** A thread that owns a lease and does what it is told, to the end of the test. */
    private static final class Owner implements AutoCloseable {
        private final Thread thread;
        private final CountDownLatch go = new CountDownLatch(1);
        final AtomicReference<Throwable> died = new AtomicReference<>();
        private volatile QueuePairLease lease;
        private volatile boolean stop;

        interface Step {
            /** @return false to end */
            boolean run(TestQueuePair queuePair) throws Exception;
        }

        Owner(Step step) {
            thread = Thread.ofPlatform().daemon().name("test-owner").start(() -> {
                try {
                    go.await();
                    while (!stop && step.run((TestQueuePair) lease.queuePair())) {
                        Thread.onSpinWait();
                    }
                } catch (Throwable thrown) {
                    died.set(thrown);
                }
            });
        }

        QueuePairLease lease(TestNode node, CompletionHandler handler) throws InterruptedException {
            return lease(node, handler, LeaseListener.NONE);
        }

        QueuePairLease lease(TestNode node, CompletionHandler handler, LeaseListener listener)
                throws InterruptedException {
            lease = node.holder("rogue")
                    .lease(LeaseRequest.of(node.controller.transportId(), thread, handler, "rogue")
                            .withQueueEntries(33)
                            .withListener(listener));
            go.countDown();
            return lease;
        }

        Throwable awaitDeath() throws InterruptedException {
            assertThat(thread.join(TestNode.BOUND)).isTrue();
            return died.get();
        }

        @Override
        public void close() {
            stop = true;
            go.countDown();
            try {
                assertThat(thread.join(TestNode.BOUND)).isTrue();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /** Each accepted token ends once. */
    private static final class Ledger implements CompletionHandler {
        private final AtomicInteger[] ends = new AtomicInteger[64];
        final List<Integer> statuses = Collections.synchronizedList(new ArrayList<>());
        final List<Thread> threads = Collections.synchronizedList(new ArrayList<>());

        Ledger() {
            Arrays.setAll(ends, _ -> new AtomicInteger());
        }

        @Override
        public void complete(long token, int status, long result) {
            ends[(int) token].incrementAndGet();
            statuses.add(status);
            threads.add(Thread.currentThread());
        }

        boolean endedOnce(int tokens) {
            return Arrays.stream(ends).limit(tokens).allMatch(end -> end.get() == 1);
        }
    }

    private static void fill(QueuePair queuePair, int commands) {
        for (int token = 0; token < commands; token++) {
            assertThat(queuePair.read(1, 0, 1, null, 0, 0, token)).isZero();
        }
        queuePair.commit();
    }

    @Test
    void aRogueThatKeepsSubmittingIsRefusedAndThenStopped() throws Exception {
        var answers = new AtomicInteger[] {new AtomicInteger(), new AtomicInteger()};
        try (var node = TestNode.patient(1);
                var rogue = new Owner(queuePair -> {
                    int answer = queuePair.read(1, 0, 1, null, 0, 0, 0);
                    if (answer == QueuePair.LEASE_REVOKED) {
                        answers[1].incrementAndGet();
                    } else {
                        answers[0].incrementAndGet();
                    }
                    queuePair.commit();
                    queuePair.poll(64);
                    return true;
                })) {
            var lease = rogue.lease(node, IGNORE);
            await().atMost(TestNode.BOUND).until(() -> answers[0].get() > 10_000);

            var event = node.manager.revoke(lease.id());

            assertThat(rogue.awaitDeath()).isInstanceOf(IllegalStateException.class);
            assertThat(event.kind()).isEqualTo(Kind.RELEASED);
            assertThat(answers[1]).hasPositiveValue();
            assertThatThrownBy(() -> lease.queuePair().read(1, 0, 1, null, 0, 0, 0))
                    .isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void noStoreReachesADoorbellAfterTheFence() throws Exception {
        var stores = new AtomicInteger();
        try (var node = new TestNode(1);
                // Past the owner check for ever: stores and stores, never polls, never looks.
                var rogue = new Owner(queuePair -> {
                    queuePair.ringDoorbell(-stores.incrementAndGet());
                    return true;
                })) {
            var lease = rogue.lease(node, IGNORE);
            int queueId = lease.queuePair().queueId();
            await().atMost(TestNode.BOUND).until(() -> stores.get() > 100_000);
            node.controller.answering = false;

            node.manager.revoke(lease.id());
            int atTheFence = node.controller.submissionDoorbell(queueId);
            var next = node.holder("successor").lease(node.request());
            assertThat(next.queuePair().queueId()).isEqualTo(queueId);

            assertThat(rogue.awaitDeath())
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("closed");
            // The last store that the rogue made is the last one anybody sees, and the successor's doorbell is its own.
            assertThat(-atTheFence).isIn(stores.get(), stores.get() - 1);
            assertThat(node.controller.submissionDoorbell(queueId)).isZero();
            node.onOwner(() -> {
                next.queuePair().read(1, 0, 1, null, 0, 0, 0);
                next.queuePair().commit();
                return null;
            });
            assertThat(node.controller.submissionDoorbell(queueId)).isOne();
        }
    }

    @Test
    void anOwnerThatDoesNotPollIsFencedWithinGraceAndBoundsAndGetsTheRestLater() throws Exception {
        var ledger = new Ledger();
        var filled = new CountDownLatch(1);
        var pollAgain = new CountDownLatch(1);
        try (var node = new TestNode(1);
                var stuck = new Owner(queuePair -> {
                    if (filled.getCount() > 0) {
                        fill(queuePair, 20);
                        filled.countDown();
                        pollAgain.await();
                    }
                    queuePair.poll(64);
                    return true;
                })) {
            var lease = stuck.lease(node, ledger);
            filled.await();

            long start = System.nanoTime();
            var event = node.manager.revoke(lease.id());
            long nanos = System.nanoTime() - start;

            assertThat(event.kind()).isEqualTo(Kind.FENCED);
            assertThat(event.inFlight()).isEqualTo(20);
            assertThat(event.aborted()).isEqualTo(20);
            assertThat(event.drainNanos()).isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(50));
            assertThat(nanos)
                    .isLessThan(TestNode.OPTIONS
                            .takeBackBound(RevocationReason.OPERATOR)
                            .plus(STANDSTILL)
                            .toNanos());
            assertThat(ledger.statuses).isEmpty();
            // The queue pair is somebody else's already, and what is left still ends.
            node.holder("successor").lease(node.request());

            pollAgain.countDown();
            assertThat(stuck.awaitDeath()).isInstanceOf(IllegalStateException.class);
            assertThat(ledger.endedOnce(20)).isTrue();
            assertThat(ledger.statuses).containsOnly(Status.ABORTED_SQ_DELETION);
            assertThat(ledger.threads).containsOnly(stuck.thread);
        }
    }

    @Test
    void whatTheDeviceAbortsInTimeTheOwnerGetsAsAborted() throws Exception {
        var ledger = new Ledger();
        var filled = new CountDownLatch(1);
        try (var node = new TestNode(1);
                var owner = new Owner(queuePair -> {
                    if (filled.getCount() > 0) {
                        fill(queuePair, 5);
                        filled.countDown();
                    }
                    queuePair.poll(64);
                    return true;
                })) {
            node.controller.answering = false;
            // Not before the owner has polled what the device aborted, for which it has a moment otherwise.
            node.controller.beforeDelete = () -> await().atMost(TestNode.BOUND).until(() -> ledger.endedOnce(5));
            var lease = owner.lease(node, ledger);
            filled.await();

            var event = node.manager.revoke(lease.id());

            assertThat(event.kind()).isEqualTo(Kind.FENCED);
            assertThat(event.aborted()).isEqualTo(5);
            assertThat(event.abortNanos()).isPositive();
            assertThat(event.lease().inFlight()).isZero();
            assertThat(ledger.endedOnce(5)).isTrue();
            assertThat(ledger.statuses).containsOnly(Status.ABORTED_BY_REQUEST);
        }
    }

    @Test
    void whenItsOwnerHasEndedALeaseIsTakenBackAndItsCommandsAreCompleted() throws Exception {
        var ledger = new Ledger();
        try (var node = new TestNode(1);
                var mortal = new Owner(queuePair -> {
                    fill(queuePair, 7);
                    return false;
                })) {
            node.controller.answering = false;
            var lease = mortal.lease(node, ledger);

            await().atMost(TestNode.BOUND).until(() -> ledger.endedOnce(7));

            assertThat(lease.state()).isEqualTo(LeaseState.FENCED);
            assertThat(node.lastEvent().reason()).isEqualTo(RevocationReason.OWNER_THREAD_DEAD);
            assertThat(node.lastEvent().kind()).isEqualTo(Kind.FENCED);
            assertThat(node.lastEvent().aborted()).isEqualTo(7);
        }
    }

    @Test
    void aDriverThatFailsForOneLeaseIsNoReasonNotToLookAtTheOthers() throws Exception {
        try (var node = new TestNode(2);
                var owner = new Owner(_ -> false)) {
            try (var looked = node.holder("looked-at-first").lease(node.request())) {
                node.controller.countsNoMore = looked.queuePair().queueId();

                var lease = owner.lease(node, IGNORE);

                await().atMost(TestNode.BOUND).until(() -> lease.state().ended());
                assertThat(node.lastEvent().reason()).isEqualTo(RevocationReason.OWNER_THREAD_DEAD);
                assertThat(looked.state()).isEqualTo(LeaseState.GRANTED);
                node.controller.countsNoMore = 0;
            }
        }
    }

    @Test
    void whenItsOwnerEndsOnlyAfterTheFenceTheCommandsAreCompletedForIt() throws Exception {
        var ledger = new Ledger();
        var filled = new CountDownLatch(1);
        var die = new CountDownLatch(1);
        try (var node = new TestNode(1);
                var stuck = new Owner(queuePair -> {
                    fill(queuePair, 3);
                    filled.countDown();
                    die.await();
                    return false;
                })) {
            node.controller.answering = false;
            node.controller.heedsAbort = false;
            var lease = stuck.lease(node, ledger);
            filled.await();
            node.manager.revoke(lease.id());
            assertThat(ledger.statuses).isEmpty();

            die.countDown();

            await().atMost(TestNode.BOUND).until(() -> ledger.endedOnce(3));
            assertThat(ledger.statuses).hasSize(3).containsOnly(Status.ABORTED_SQ_DELETION);
        }
    }

    /** A native call on the lease's memory that lasts until the pipe has a byte. */
    private static Owner blockedInANativeCall(
            CountDownLatch inCall, Pipe pipe, AtomicReference<ByteBuffer> buffer, CountDownLatch haveBuffer) {
        return new Owner(queuePair -> {
            haveBuffer.await();
            inCall.countDown();
            pipe.source().read(buffer.get());
            return false;
        });
    }

    @Test
    void theFenceWaitsForAShortNativeCall() throws Exception {
        var inCall = new CountDownLatch(1);
        var haveBuffer = new CountDownLatch(1);
        var buffer = new AtomicReference<ByteBuffer>();
        var revoking = new AtomicReference<Thread>();
        var written = new AtomicBoolean();
        var pipe = Pipe.open();
        var patient = TestNode.options(TestNode.BOUND, TestNode.BOUND, TestNode.BOUND, TestNode.BOUND);
        try (var node = new TestNode(patient, 1);
                var owner = blockedInANativeCall(inCall, pipe, buffer, haveBuffer)) {
            var lease = owner.lease(node, IGNORE);
            buffer.set(lease.allocate(64).segment().asByteBuffer());
            haveBuffer.countDown();
            inCall.await();
            awaitInNativeCall(owner.thread);
            node.controller.beforeDelete = () -> revoking.set(Thread.currentThread());
            var writing = TestNode.later(() -> {
                awaitRefusedClose(revoking);
                written.set(true);
                return pipe.sink().write(ByteBuffer.allocate(1));
            });

            var event = node.manager.revoke(lease.id());

            assertThat(written).as("the fence fell while the call lasted").isTrue();
            assertThat(writing.get()).isOne();
            assertThat(event.kind()).isEqualTo(Kind.RELEASED);
            assertThat(event.closeNanos()).isPositive();
        } finally {
            close(pipe);
        }
    }

    /** The thread that takes back pauses between two tries to close the memory. */
    private static void awaitRefusedClose(AtomicReference<Thread> revoking) {
        await().atMost(TestNode.BOUND)
                .pollInterval(Duration.ofMillis(1))
                .until(() -> revoking.get() != null
                        && isIn(revoking.get(), MemoryView.class.getName(), "close")
                        && isIn(revoking.get(), LockSupport.class.getName(), "parkNanos"));
    }

    private static boolean isIn(Thread thread, String type, String method) {
        return Arrays.stream(thread.getStackTrace())
                .anyMatch(frame -> frame.getClassName().equals(type)
                        && frame.getMethodName().equals(method));
    }

    @Test
    void whileANativeCallHoldsItsMemoryTheQueuePairIsGivenToNobody() throws Exception {
        var inCall = new CountDownLatch(1);
        var haveBuffer = new CountDownLatch(1);
        var buffer = new AtomicReference<ByteBuffer>();
        var pipe = Pipe.open();
        try (var node = new TestNode(1);
                var owner = blockedInANativeCall(inCall, pipe, buffer, haveBuffer)) {
            var lease = owner.lease(node, IGNORE);
            buffer.set(lease.allocate(64).segment().asByteBuffer());
            haveBuffer.countDown();
            inCall.await();
            awaitInNativeCall(owner.thread);

            assertThatThrownBy(() -> node.manager.revoke(lease.id()))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("something holds its memory");
            assertThat(lease.state()).isEqualTo(LeaseState.REVOKING);
            assertThat(node.controller.liveAllocations).hasValue(1);
            assertThatThrownBy(() -> node.holder("successor").lease(node.request()))
                    .isInstanceOf(LeaseException.class)
                    .hasMessageContaining("STUCK");

            pipe.sink().write(ByteBuffer.allocate(1));

            await().atMost(TestNode.BOUND).until(() -> node.controller.liveAllocations.get() == 0);
            assertThat(lease.state()).isEqualTo(LeaseState.RELEASED);
            node.holder("successor").lease(node.request().withWaitBound(TestNode.BOUND));
        } finally {
            close(pipe);
        }
    }

    @Test
    void whatBreaksBehindANativeCallIsToldOnceAndHoldsUpNoOther() throws Exception {
        var inCall = new CountDownLatch(1);
        var haveBuffer = new CountDownLatch(1);
        var buffer = new AtomicReference<ByteBuffer>();
        var ended = new CountDownLatch(1);
        var pipe = Pipe.open();
        try (var node = new TestNode(1);
                var owner = blockedInANativeCall(inCall, pipe, buffer, haveBuffer)) {
            var lease = owner.lease(node, IGNORE, whenEnded(ended));
            buffer.set(lease.allocate(64).segment().asByteBuffer());
            haveBuffer.countDown();
            inCall.await();
            awaitInNativeCall(owner.thread);
            assertThatThrownBy(() -> node.manager.revoke(lease.id())).isInstanceOf(IllegalStateException.class);
            node.controller.breaksAtTheFence = true;

            pipe.sink().write(ByteBuffer.allocate(1));

            assertThat(ended.await(TestNode.BOUND.toSeconds(), TimeUnit.SECONDS))
                    .isTrue();
            await().atMost(TestNode.BOUND)
                    .untilAsserted(() ->
                            assertThat(node.manager.monitor().stuckCount()).isZero());
            // For good, on purpose: the node's own check is for what was forgotten.
            node.controller.liveAllocations.set(0);
        } finally {
            close(pipe);
        }
    }

    @Test
    void memoryIsFreedThoughWhoeverTakesItBackIsInterrupted() throws Exception {
        try (var node = new TestNode(1)) {
            var lease = node.holder("a").lease(node.request());
            lease.allocate(64);
            node.controller.beforeDelete = () -> Thread.currentThread().interrupt();

            node.manager.revoke(lease.id());

            assertThat(node.controller.liveAllocations).hasValue(0);
        }
    }

    @Test
    void aLeaseWhoseQueuesMayLiveHasNotEndedAndEndsWhenTheyAreDeleted() throws Exception {
        var ended = new CountDownLatch(1);
        try (var node = new TestNode(1)) {
            var lease = node.holder("a").lease(node.request().withListener(whenEnded(ended)));
            lease.allocate(64);
            node.controller.keepsQueues = true;

            assertThatThrownBy(() -> node.manager.revoke(lease.id()))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("has not ended");

            assertThat(lease.state()).isEqualTo(LeaseState.REVOKING);
            assertThat(node.kinds()).containsExactly(Kind.GRANTED, Kind.REVOKING);
            assertThat(node.manager.leases()).hasSize(1);
            assertThatThrownBy(() -> lease.allocate(64)).isInstanceOf(LeaseException.class);
            assertThat(node.controller.liveAllocations).hasValue(1);
            assertThat(ended.getCount()).isOne();

            node.controller.keepsQueues = false;

            assertThat(ended.await(TestNode.BOUND.toSeconds(), TimeUnit.SECONDS))
                    .isTrue();
            assertThat(lease.state()).isEqualTo(LeaseState.RELEASED);
            assertThat(node.controller.liveAllocations).hasValue(0);
        }
    }

    @Test
    void aLeaseWhoseQueuesMayLiveEndsAtOnceWhenItsControllerHasLostThem() throws Exception {
        var ended = new CountDownLatch(1);
        var tries = new AtomicInteger();
        try (var node = new TestNode(1)) {
            var lease = node.holder("a").lease(node.request().withListener(whenEnded(ended)));
            node.controller.keepsQueues = true;
            node.controller.beforeDelete = tries::incrementAndGet;
            assertThatThrownBy(() -> node.manager.revoke(lease.id())).isInstanceOf(IllegalStateException.class);
            // From the fifth try to the next one it is 3.2 s.
            await().pollInterval(Duration.ofMillis(5)).atMost(TestNode.BOUND).until(() -> tries.get() == 5);
            assertThat(ended.getCount()).isOne();

            ((TestQueuePair) lease.queuePair()).lost = true;

            assertThat(ended.await(3, TimeUnit.SECONDS)).isTrue();
        }
    }

    private static LeaseListener whenEnded(CountDownLatch ended) {
        return new LeaseListener() {
            @Override
            public void ended(QueuePairLease lease, LeaseState state, RevocationReason reason) {
                ended.countDown();
            }
        };
    }

    @Test
    void memoryThatIsKeptIsNotFreedByALaterAllocationAndTheHolderHearsOfTheEnd() throws Exception {
        var ended = new CountDownLatch(1);
        try (var node = new TestNode(1)) {
            var lease = node.holder("a").lease(node.request().withListener(whenEnded(ended)));
            lease.allocate(64);
            node.controller.breaksAtTheFence = true;
            node.manager.revoke(lease.id());

            assertThat(ended.await(TestNode.BOUND.toSeconds(), TimeUnit.SECONDS))
                    .isTrue();
            assertThatThrownBy(() -> lease.allocate(64)).isInstanceOf(LeaseException.class);

            assertThat(node.controller.liveAllocations).hasValue(1);
            // For good, on purpose: the node's own check is for what was forgotten.
            node.controller.liveAllocations.set(0);
        }
    }

    @Test
    void aCommandThatIsStagedAfterTheDrainIsCountedAsAborted() throws Exception {
        var ledger = new Ledger();
        var checked = new CountDownLatch(1);
        var drained = new CountDownLatch(1);
        try (var node = new TestNode(1);
                var late = new Owner(queuePair -> {
                    if (checked.getCount() > 0) {
                        fill(queuePair, 1);
                    }
                    queuePair.poll(64);
                    return true;
                })) {
            node.controller.betweenCheckAndStores = () -> {
                checked.countDown();
                awaitUninterrupted(drained);
            };
            var lease = late.lease(node, ledger);
            node.controller.answering = false;
            node.controller.beforeDelete = () -> {
                drained.countDown();
                await().atMost(TestNode.BOUND).until(() -> lease.queuePair().inFlight() == 1);
            };
            checked.await();

            var event = node.manager.revoke(lease.id());

            assertThat(late.awaitDeath()).isInstanceOf(IllegalStateException.class);
            assertThat(ledger.endedOnce(1)).isTrue();
            assertThat(ledger.statuses).containsOnly(Status.ABORTED_SQ_DELETION);
            assertThat(event.kind()).isEqualTo(Kind.FENCED);
            assertThat(event.aborted()).isOne();
        }
    }

    private static void awaitUninterrupted(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** In the read itself, which holds the buffer, and not in some other native call on the way there. */
    private static void awaitInNativeCall(Thread thread) {
        await().atMost(TestNode.BOUND)
                .pollInterval(Duration.ofMillis(1))
                .until(() -> Arrays.stream(thread.getStackTrace())
                        .findFirst()
                        .filter(frame ->
                                frame.isNativeMethod() && frame.getMethodName().equals("read0"))
                        .isPresent());
    }

    private static void close(Pipe pipe) throws IOException {
        pipe.sink().close();
        pipe.source().close();
    }

    @Test
    void aQueuePairThatFailsInThePollOfItsOwnerIsTakenBack() throws Exception {
        var failed = new CountDownLatch(1);
        try (var node = new TestNode(1);
                var owner = new Owner(queuePair -> {
                    if (failed.getCount() > 0) {
                        failed.countDown();
                        queuePair.fail("a stale command id");
                    }
                    queuePair.poll(64);
                    return true;
                })) {
            var lease = owner.lease(node, IGNORE);

            await().atMost(TestNode.BOUND).until(() -> lease.state().ended());

            assertThat(node.lastEvent().reason()).isEqualTo(RevocationReason.QUEUE_PAIR_FAILED);
        }
    }

    @Test
    void theFirstReasonStandsAndEveryoneWaitsForTheSameEnd() throws Exception {
        try (var node = TestNode.patient(1)) {
            var lease = node.holder("a").lease(node.request());
            var load = node.load(lease);
            await().atMost(TestNode.BOUND).until(() -> load.accepted.get() > 100);

            var ends = new ArrayList<java.util.concurrent.CompletableFuture<Object>>();
            for (int i = 0; i < 8; i++) {
                ends.add(TestNode.later(() -> {
                    lease.close();
                    return lease.state();
                }));
            }
            for (var end : ends) {
                assertThat(end.get()).isEqualTo(LeaseState.RELEASED);
            }

            assertThat(node.kinds()).containsExactly(Kind.GRANTED, Kind.REVOKING, Kind.RELEASED);
        }
    }

    @Test
    void memoryAllocatedWhileTheLeaseIsTakenBackIsFreedToo() throws Exception {
        try (var node = new TestNode(1)) {
            for (int round = 0; round < 20; round++) {
                var lease = node.holder("a").lease(node.request());
                var allocating = TestNode.later(() -> {
                    int count = 0;
                    try {
                        while (count < 10_000) {
                            lease.allocate(64);
                            count++;
                        }
                    } catch (LeaseException ended) {
                        assertThat(ended.kind()).isIn(LeaseException.Kind.ENDED, LeaseException.Kind.MEMORY);
                    }
                    return count;
                });
                await().atMost(TestNode.BOUND)
                        .pollInterval(Duration.ofNanos(100_000))
                        .until(() -> node.controller.liveAllocations.get() > 0);

                lease.close();
                allocating.get();

                assertThat(node.controller.liveAllocations).hasValue(0);
            }
        }
    }

    @Test
    void warnsOnceWhenCommandsAreInFlightAndNobodyPolls() throws Exception {
        var filled = new CountDownLatch(1);
        var poll = new CountDownLatch(1);
        try (var node = new TestNode(1);
                var owner = new Owner(queuePair -> {
                    if (filled.getCount() > 0) {
                        fill(queuePair, 2);
                        filled.countDown();
                        poll.await();
                    }
                    queuePair.poll(64);
                    return true;
                })) {
            var lease = owner.lease(node, IGNORE);
            filled.await();
            long now = System.nanoTime();

            node.manager.monitor().look(now + LeaseMonitor.NOT_POLLED_NANOS / 2);
            assertThat(node.kinds()).doesNotContain(Kind.NOT_POLLED);
            node.manager.monitor().look(now + 2 * LeaseMonitor.NOT_POLLED_NANOS);
            node.manager.monitor().look(now + 3 * LeaseMonitor.NOT_POLLED_NANOS);
            poll.countDown();
            await().atMost(TestNode.BOUND).until(() -> lease.queuePair().inFlight() == 0);

            assertThat(node.kinds()).containsOnlyOnce(Kind.NOT_POLLED);
            assertThat(lease.state()).isEqualTo(LeaseState.GRANTED);
        }
    }

    @Test
    void takesABusyHoldersLeaseBackInMilliseconds() throws Exception {
        int rounds = 200;
        var total = new long[rounds];
        var close = new long[rounds];
        try (var node = TestNode.patient(1)) {
            for (int round = 0; round < rounds; round++) {
                var lease = node.holder("busy").lease(node.request());
                var load = node.load(lease);
                await().atMost(TestNode.BOUND)
                        .pollInterval(Duration.ofNanos(200_000))
                        .until(() -> load.accepted.get() > 500);

                long start = System.nanoTime();
                LeaseEvent event = node.manager.revoke(lease.id());
                total[round] = System.nanoTime() - start;

                assertThat(event.kind()).isEqualTo(Kind.RELEASED);
                close[round] = event.closeNanos();
            }
        }
        System.out.println("taking back from a busy holder, all of it: " + quantiles(total));
        System.out.println("taking back from a busy holder, the fence: " + quantiles(close));
        Arrays.sort(total);
        assertThat(total[rounds / 2]).isLessThan(TimeUnit.MILLISECONDS.toNanos(50));
    }

    private static String quantiles(long[] nanos) {
        Arrays.sort(nanos);
        return String.format(
                Locale.ROOT,
                "p50 %.2f ms, p90 %.2f ms, max %.2f ms",
                nanos[nanos.length / 2] / 1e6,
                nanos[nanos.length * 9 / 10] / 1e6,
                nanos[nanos.length - 1] / 1e6);
    }
}
