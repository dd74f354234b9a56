package io.doorbell.resources.lease;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.doorbell.host.ControllerState;
import io.doorbell.lease.LeaseEvent;
import io.doorbell.lease.LeaseEvent.Kind;
import io.doorbell.lease.LeaseException;
import io.doorbell.lease.LeaseListener;
import io.doorbell.lease.LeaseSnapshot;
import io.doorbell.lease.LeaseState;
import io.doorbell.lease.QueuePairLease;
import io.doorbell.lease.RevocationReason;
import io.doorbell.nvme.TransportId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class LeaseManagerTest {
    private static void assertRefused(Throwable thrown, LeaseException.Kind kind) {
        assertThat(thrown)
                .asInstanceOf(InstanceOfAssertFactories.type(LeaseException.class))
                .extracting(LeaseException::kind)
                .isEqualTo(kind);
    }

    private static LeaseException refusal(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        return org.assertj.core.api.Assertions.catchThrowableOfType(LeaseException.class, call);
    }

    @Test
    void grantsAQueuePairThatWorks() throws InterruptedException {
        try (var node = new TestNode(2)) {
            var tokens = Collections.synchronizedList(new ArrayList<Long>());
            var lease = node.holder("a").lease(node.request((token, status, result) -> tokens.add(token)));

            node.onOwner(() -> {
                lease.queuePair().read(1, 0, 1, null, 0, 0, 7);
                lease.queuePair().write(1, 0, 1, null, 0, 0, 8);
                lease.queuePair().commit();
                return null;
            });

            await().atMost(TestNode.BOUND).until(() -> {
                node.onOwner(() -> lease.queuePair().poll(8));
                return tokens.size() == 2;
            });
            assertThat(tokens).containsExactly(7L, 8L);
            assertThat(lease.state()).isEqualTo(LeaseState.GRANTED);
            assertThat(lease.queuePair().depth()).isEqualTo(32);
        }
    }

    @Test
    void releasesALeaseUnderLoad() throws InterruptedException {
        try (var node = TestNode.patient(2)) {
            var holder = node.holder("a");
            var lease = holder.lease(node.request());
            var load = node.load(lease);
            await().atMost(TestNode.BOUND).until(() -> load.accepted.get() > 1000);

            lease.close();
            lease.close();

            assertThat(lease.state()).isEqualTo(LeaseState.RELEASED);
            assertThat(node.lastEvent().aborted()).isZero();
            assertThat(node.lastEvent().lease().completed()).isEqualTo(load.accepted.get());
            assertThat(holder.leases()).isEmpty();
            assertThat(node.kinds()).containsExactly(Kind.GRANTED, Kind.REVOKING, Kind.RELEASED);
        }
    }

    @Test
    void anOwnerThatClosesPollsItsOwnCommandsHome() throws InterruptedException {
        try (var node = TestNode.patient(2)) {
            var ended = Collections.synchronizedList(new ArrayList<Integer>());
            var lease = node.holder("a").lease(node.request((token, status, result) -> ended.add(status)));

            node.onOwner(() -> {
                for (int i = 0; i < 20; i++) {
                    lease.queuePair().read(1, 0, 1, null, 0, 0, i);
                }
                lease.queuePair().commit();
                lease.close();
                return null;
            });

            assertThat(lease.state()).isEqualTo(LeaseState.RELEASED);
            assertThat(ended).hasSize(20).containsOnly(0);
        }
    }

    @Test
    void anOwnerThatClosesWhileTheDeviceIsSilentGetsTheRestOnItsOwnThread() throws InterruptedException {
        try (var node = new TestNode(2)) {
            node.controller.answering = false;
            node.controller.heedsAbort = false;
            var endedOn = Collections.synchronizedList(new ArrayList<Thread>());
            var lease = node.holder("a")
                    .lease(node.request((token, status, result) -> endedOn.add(Thread.currentThread())));

            node.onOwner(() -> {
                lease.queuePair().read(1, 0, 1, null, 0, 0, 1);
                lease.queuePair().commit();
                lease.close();
                return null;
            });

            assertThat(lease.state()).isEqualTo(LeaseState.FENCED);
            assertThat(endedOn).containsExactly(node.reactor.thread());
        }
    }

    @Test
    void epochsOfAQueuePairGrowAlsoWhenItsDriverIsReplaced() throws InterruptedException {
        try (var node = new TestNode(1)) {
            var holder = node.holder("a");
            var epochs = new ArrayList<Long>();
            for (int i = 0; i < 3; i++) {
                try (var lease = holder.lease(node.request())) {
                    epochs.add(lease.epoch());
                }
            }
            node.manager.removeController(node.controller);
            var successor = node.another("nvme0", 1);
            node.manager.addController(successor);
            try (var lease = holder.lease(node.request())) {
                assertThat(lease.controller()).isSameAs(successor);
                epochs.add(lease.epoch());
            }

            assertThat(epochs).containsExactly(1L, 2L, 3L, 4L);
        }
    }

    @Test
    void refusesNamingTheHoldersWhenAllIsHeld() throws InterruptedException {
        try (var node = new TestNode(3)) {
            var a = node.holder("a");
            a.lease(node.request());
            a.lease(node.request());
            node.holder("b").lease(node.request());

            var refused = refusal(() -> node.holder("c").lease(node.request()));

            assertRefused(refused, LeaseException.Kind.NO_QUEUE_PAIR);
            assertThat(refused)
                    .hasMessageContaining("3 of 3 queue pairs of trtype:EMULATED traddr:nvme0 are held")
                    .hasMessageContaining("a 1.0.0 [test] ×2")
                    .hasMessageContaining("b 1.0.0 [test] ×1");
            assertThat(node.lastEvent().kind()).isEqualTo(Kind.REFUSED);
            assertThat(node.lastEvent().lease().holder()).isEqualTo("c 1.0.0");
        }
    }

    @Test
    void refusesNamingTheControllersThereAre() throws InterruptedException {
        try (var node = new TestNode(1)) {
            var other = node.request();
            var request = new io.doorbell.lease.LeaseRequest(
                    TransportId.emulated("nvme9"),
                    other.queueEntries(),
                    other.owner(),
                    other.handler(),
                    other.listener(),
                    Duration.ofMillis(5),
                    "test");

            var refused = refusal(() -> node.holder("a").lease(request));

            assertRefused(refused, LeaseException.Kind.NO_CONTROLLER);
            assertThat(refused)
                    .hasMessageContaining("nvme9")
                    .hasMessageContaining("there are trtype:EMULATED traddr:nvme0");
        }
    }

    @Test
    void waitsForAQueuePairToComeFree() throws Exception {
        try (var node = new TestNode(1)) {
            var first = node.holder("a").lease(node.request());
            var second =
                    TestNode.later(() -> node.holder("b").lease(node.request().withWaitBound(TestNode.BOUND)));
            await().atMost(TestNode.BOUND).during(Duration.ofMillis(30)).until(() -> !second.isDone());

            first.close();

            assertThat(second.get().state()).isEqualTo(LeaseState.GRANTED);
        }
    }

    @Test
    void aWaitEndsByItsBoundOrTheLimitWhicheverIsShorter() throws InterruptedException {
        var limited = TestNode.options(Duration.ofMillis(50), Duration.ofMillis(50), Duration.ofMillis(40));
        try (var node = new TestNode(limited, 1)) {
            node.holder("a").lease(node.request());
            var b = node.holder("b");

            long start = System.nanoTime();
            assertRefused(
                    refusal(() -> b.lease(node.request().withWaitBound(Duration.ofDays(365_000)))),
                    LeaseException.Kind.NO_QUEUE_PAIR);

            assertThat(Duration.ofNanos(System.nanoTime() - start))
                    .isBetween(Duration.ofMillis(40), Duration.ofSeconds(20));
        }
    }

    @Test
    void anInterruptedWaitHoldsNothing() throws Exception {
        try (var node = new TestNode(1)) {
            var first = node.holder("a").lease(node.request());
            var thrown = new AtomicReference<Throwable>();
            var b = node.holder("b");
            var waiting = new Thread(() -> {
                try {
                    b.lease(node.request().withWaitBound(TestNode.BOUND));
                } catch (Throwable t) {
                    thrown.set(t);
                }
            });
            waiting.start();
            await().atMost(TestNode.BOUND).until(() -> waiting.getState() == Thread.State.TIMED_WAITING);

            waiting.interrupt();
            waiting.join();
            first.close();

            assertThat(thrown.get()).isInstanceOf(InterruptedException.class);
            assertThat(node.manager.leases()).isEmpty();
            node.holder("c").lease(node.request()).close();
        }
    }

    @Test
    void waitersAreServedByPriorityAndThenInOrder() throws Exception {
        try (var node = new TestNode(1, "high: priority=5")) {
            var order = Collections.synchronizedList(new ArrayList<String>());
            var held = node.holder("a").lease(node.request());
            var waiters = new ArrayList<java.util.concurrent.CompletableFuture<Void>>();
            for (var name : List.of("first", "second", "high")) {
                var holder = node.holder(name);
                int before = node.waitingCount();
                waiters.add(TestNode.later(() -> {
                    try (var _ = holder.lease(node.request().withWaitBound(TestNode.BOUND))) {
                        order.add(name);
                    }
                    return null;
                }));
                await().atMost(TestNode.BOUND).until(() -> node.waitingCount() == before + 1);
            }

            held.close();
            for (var waiter : waiters) {
                waiter.get();
            }

            assertThat(order).containsExactly("high", "first", "second");
        }
    }

    @Test
    void keepsToTheMaximumOfABundle() throws InterruptedException {
        try (var node = new TestNode(4, "a: maximum=2")) {
            var a = node.holder("a");
            a.lease(node.request());
            var sameNameOtherInstance = node.holder("a");
            sameNameOtherInstance.lease(node.request());

            var refused = refusal(() -> a.lease(node.request().withWaitBound(TestNode.BOUND)));

            assertRefused(refused, LeaseException.Kind.QUOTA);
            assertThat(refused).hasMessageContaining("a: guaranteed=0 maximum=2 priority=0");
        }
    }

    @Test
    void takesSurplusBackForAGuaranteedRequestThatDoesNotWait() throws InterruptedException {
        try (var node = TestNode.patient(2, "a: guaranteed=1")) {
            var b = node.holder("b");
            var older = b.lease(node.request());
            var younger = b.lease(node.request());
            node.load(older);
            node.load(younger);

            var mine = node.holder("a").lease(node.request());

            assertThat(mine.state()).isEqualTo(LeaseState.GRANTED);
            assertThat(older.state()).isEqualTo(LeaseState.GRANTED);
            assertThat(younger.state()).isEqualTo(LeaseState.RELEASED);
            assertThat(node.manager.history())
                    .anyMatch(event -> event.kind() == Kind.RELEASED
                            && event.reason() == RevocationReason.PREEMPTED
                            && event.lease().id() == younger.id());
            // A second one of the same bundle is surplus itself, and takes nothing from anybody.
            assertRefused(refusal(() -> node.holder("a").lease(node.request())), LeaseException.Kind.NO_QUEUE_PAIR);
            assertThat(older.state()).isEqualTo(LeaseState.GRANTED);
        }
    }

    @Test
    void aNewPolicyCountsAtOnceAndTakesNothingBack() throws Exception {
        try (var node = new TestNode(3, "a: maximum=1")) {
            var a = node.holder("a");
            a.lease(node.request());
            assertRefused(refusal(() -> a.lease(node.request())), LeaseException.Kind.QUOTA);

            node.manager.configure(TestNode.OPTIONS.withPolicy(Policy.parse(List.of("a: maximum=3"))));
            a.lease(node.request());
            node.manager.configure(TestNode.OPTIONS.withPolicy(Policy.parse(List.of("a: maximum=1"))));

            assertThat(a.leases()).hasSize(2).allMatch(lease -> lease.state() == LeaseState.GRANTED);
            assertRefused(refusal(() -> a.lease(node.request())), LeaseException.Kind.QUOTA);
        }
    }

    @Test
    void waitsForAControllerThatIsNotThereYet() throws Exception {
        try (var node = new TestNode(1)) {
            node.manager.removeController(node.controller);
            var waiting =
                    TestNode.later(() -> node.holder("a").lease(node.request().withWaitBound(TestNode.BOUND)));
            await().atMost(TestNode.BOUND).until(() -> node.waitingCount() == 1);

            node.manager.addController(node.controller);

            assertThat(waiting.get().state()).isEqualTo(LeaseState.GRANTED);
        }
    }

    @Test
    void removingAControllerTakesItsLeasesBackWhileTheDriverAnswers() throws InterruptedException {
        try (var node = TestNode.patient(2)) {
            var other = node.another("nvme1", 1);
            node.manager.addController(other);
            var a = node.holder("a");
            var lease = a.lease(node.request());
            var load = node.load(lease);
            await().atMost(TestNode.BOUND).until(() -> load.accepted.get() > 100);
            var elsewhere = a.lease(new io.doorbell.lease.LeaseRequest(
                    other.transportId(),
                    17,
                    node.reactor.thread(),
                    (token, status, result) -> {},
                    LeaseListener.NONE,
                    Duration.ZERO,
                    "elsewhere"));

            node.manager.removeController(node.controller);

            assertThat(lease.state()).isEqualTo(LeaseState.RELEASED);
            assertThat(node.lastEvent().reason()).isEqualTo(RevocationReason.CONTROLLER_GONE);
            assertThat(node.controller.liveQueuePairs).hasValue(0);
            assertThat(elsewhere.state()).isEqualTo(LeaseState.GRANTED);
            assertThat(node.manager.capacity()).hasSize(1);
        }
    }

    @Test
    void leasesGoWithAResetAndNewOnesComeAfterIt() throws Exception {
        try (var node = TestNode.patient(1)) {
            var a = node.holder("a");
            var lease = a.lease(node.request());
            node.load(lease);

            node.controller.change(ControllerState.RESETTING, "test");

            await().atMost(TestNode.BOUND).until(() -> lease.state().ended());
            assertThat(node.lastEvent().reason()).isEqualTo(RevocationReason.CONTROLLER_GONE);
            var again = TestNode.later(() -> a.lease(node.request().withWaitBound(TestNode.BOUND)));
            await().atMost(TestNode.BOUND).until(() -> node.waitingCount() == 1);
            var refused = refusal(() -> node.holder("b").lease(node.request()));
            assertRefused(refused, LeaseException.Kind.NO_CONTROLLER);
            assertThat(refused).hasMessageContaining("RESETTING");

            node.controller.change(ControllerState.READY, "test");
            assertThat(again.get().state()).isEqualTo(LeaseState.GRANTED);
        }
    }

    @Test
    void aControllerThatRefusesQueuesLeavesNothingBehind() throws InterruptedException {
        try (var node = new TestNode(1)) {
            node.controller.refusesQueues = true;
            var a = node.holder("a");

            var refused = refusal(() -> a.lease(node.request()));

            assertRefused(refused, LeaseException.Kind.DEVICE);
            assertThat(refused).hasMessageContaining("the test says no");
            node.controller.refusesQueues = false;
            assertThat(a.lease(node.request()).state()).isEqualTo(LeaseState.GRANTED);
        }
    }

    @Test
    void aControllerThatGoesWhileAQueuePairIsMadeIsWaitedFor() throws Exception {
        try (var node = new TestNode(1)) {
            node.controller.beforeCreate = new CountDownLatch(1);
            var waiting =
                    TestNode.later(() -> node.holder("a").lease(node.request().withWaitBound(TestNode.BOUND)));
            await().atMost(TestNode.BOUND).until(() -> !node.manager.leases().isEmpty());
            node.controller.change(ControllerState.RESETTING, "test");
            node.controller.beforeCreate.countDown();
            await().atMost(TestNode.BOUND).until(() -> node.waitingCount() == 1);

            node.controller.change(ControllerState.READY, "test");

            assertThat(waiting.get().state()).isEqualTo(LeaseState.GRANTED);
        }
    }

    @Test
    void aQueuePairThatIsLostBeforeItHasAnOwnerIsTakenApart() throws Exception {
        try (var node = new TestNode(1)) {
            // A reset that comes right behind the creation: the driver takes no owner any more.
            node.controller.losesNext = true;
            var a = node.holder("a");

            var refused = refusal(() -> a.lease(node.request()));

            assertRefused(refused, LeaseException.Kind.DEVICE);
            assertThat(node.controller.liveQueuePairs).hasValue(0);
            assertThat(node.manager.leases()).isEmpty();
            a.lease(node.request());
        }
    }

    @Test
    void aQueuePairRefusedBeforeAResetIsWaitedFor() throws Exception {
        try (var node = new TestNode(1)) {
            var a = node.holder("a");
            node.controller.refusalsBeforeReset.set(3);

            assertThat(a.lease(node.request().withWaitBound(TestNode.BOUND)).state())
                    .isEqualTo(LeaseState.GRANTED);

            assertThat(node.controller.refusalsBeforeReset).hasValue(0);
            assertThat(node.kinds()).containsExactly(Kind.GRANTED);
        }
    }

    @Test
    void aQueuePairRefusedBeforeAResetIsRefusedToWhoDoesNotWait() {
        try (var node = new TestNode(1)) {
            node.controller.refusalsBeforeReset.set(1);

            assertRefused(refusal(() -> node.holder("a").lease(node.request())), LeaseException.Kind.DEVICE);
        }
    }

    @Test
    void lateNewsOfAResetTakesBackWhatWentWithItAndNoMore() throws InterruptedException {
        try (var node = new TestNode(2)) {
            var a = node.holder("a");
            var before = a.lease(node.request());
            node.controller.resetUnheard();
            var after = a.lease(node.request());

            node.controller.tell(ControllerState.RESETTING, "test");
            node.controller.tell(ControllerState.READY, "test");

            assertThat(after.state()).isEqualTo(LeaseState.GRANTED);
            await().atMost(TestNode.BOUND).until(() -> before.state().ended());
            assertThat(node.lastEvent().reason()).isEqualTo(RevocationReason.CONTROLLER_GONE);
        }
    }

    @Test
    void aQueuePairThatGoesWithAResetBeforeItIsGrantedIsMadeAgain() throws InterruptedException {
        try (var node = new TestNode(1)) {
            node.controller.lostWhenMade.set(1);

            var lease = node.holder("a").lease(node.request().withWaitBound(TestNode.BOUND));

            assertThat(lease.state()).isEqualTo(LeaseState.GRANTED);
            assertThat(lease.epoch()).isEqualTo(2);
        }
    }

    @Test
    void aHolderThatStopsWhileItsQueuePairIsMadeGetsNone() throws Exception {
        try (var node = new TestNode(1)) {
            node.controller.beforeCreate = new CountDownLatch(1);
            var a = node.holder("a");
            var coming = TestNode.later(() -> a.lease(node.request()));
            await().atMost(TestNode.BOUND).until(() -> !node.manager.leases().isEmpty());
            var closing = TestNode.later(() -> {
                a.close();
                return null;
            });
            await().atMost(TestNode.BOUND).during(Duration.ofMillis(20)).until(() -> !closing.isDone());

            node.controller.beforeCreate.countDown();

            closing.get();
            assertThatThrownBy(coming::get)
                    .cause()
                    .satisfies(thrown -> assertRefused(thrown, LeaseException.Kind.ENDED));
            assertThat(node.manager.leases()).isEmpty();
        }
    }

    @Test
    void aStoppedHolderLosesItsLeasesAndItsWaits() throws Exception {
        try (var node = TestNode.patient(2)) {
            var a = node.holder("a");
            var leases = List.of(a.lease(node.request()), a.lease(node.request()));
            leases.forEach(node::load);
            var waiting = TestNode.later(() -> a.lease(node.request().withWaitBound(TestNode.BOUND)));
            await().atMost(TestNode.BOUND).until(() -> node.waitingCount() == 1);

            a.close();

            assertThat(leases).allMatch(lease -> lease.state() == LeaseState.RELEASED);
            assertThatThrownBy(waiting::get)
                    .cause()
                    .satisfies(thrown -> assertRefused(thrown, LeaseException.Kind.ENDED));
            assertRefused(refusal(() -> a.lease(node.request())), LeaseException.Kind.ENDED);
            assertRefused(refusal(() -> leases.getFirst().allocate(1)), LeaseException.Kind.ENDED);
        }
    }

    @Test
    void memoryIsBoundedPerLeaseAndFreedWithIt() throws InterruptedException {
        try (var node = new TestNode(1)) {
            var lease = node.holder("a").lease(node.request());
            var memory = lease.allocate(1 << 19);
            lease.allocate(1 << 19);

            var refused = refusal(() -> lease.allocate(1));
            assertRefused(refused, LeaseException.Kind.MEMORY);
            assertThat(refused).hasMessageContaining("1048576");
            assertThat(node.controller.liveAllocations).hasValue(2);

            lease.close();

            assertThat(node.controller.liveAllocations).hasValue(0);
            assertThatThrownBy(() -> memory.segment().get(java.lang.foreign.ValueLayout.JAVA_BYTE, 0))
                    .isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void isHandedOverAtRestOnly() throws InterruptedException {
        try (var node = TestNode.patient(1)) {
            var lease = node.holder("a").lease(node.request());
            node.controller.answering = false;
            node.onOwner(() -> {
                lease.queuePair().read(1, 0, 1, null, 0, 0, 1);
                lease.queuePair().commit();
                return null;
            });
            assertThatThrownBy(() -> handOver(node, lease, new Thread(() -> {})))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("1 commands in flight");
            node.controller.answering = true;
            await().atMost(TestNode.BOUND)
                    .until(() -> node.onOwner(() -> lease.queuePair().poll(8)) == 1);
            var me = Thread.currentThread();
            // At rest just now, but only its owner knows for how long.
            assertThatThrownBy(() -> lease.handOver(me))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("nobody but its owner");

            handOver(node, lease, me);

            assertThat(lease.queuePair().read(1, 0, 1, null, 0, 0, 2)).isZero();
            lease.queuePair().commit();
            assertThatThrownBy(() -> node.onOwner(() -> lease.queuePair().poll(8)))
                    .isInstanceOf(WrongThreadException.class);
            assertThat(node.kinds()).contains(Kind.HANDED_OVER);
            lease.close();
            assertThat(node.lastEvent().lease().completed()).isEqualTo(2);
        }
    }

    private static void handOver(TestNode node, QueuePairLease lease, Thread newOwner) {
        node.onOwner(() -> {
            lease.handOver(newOwner);
            return null;
        });
    }

    @Test
    void aDriverThatTakesItsTimeWithANewOwnerHoldsUpNobodyElse() throws Exception {
        var owning = new CountDownLatch(1);
        var goOn = new CountDownLatch(1);
        try (var node = new TestNode(1)) {
            var lease = node.holder("a").lease(node.request());
            node.controller.beforeOwn = () -> {
                owning.countDown();
                try {
                    goOn.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            };
            var me = Thread.currentThread();
            var handing = TestNode.later(() -> {
                handOver(node, lease, me);
                return null;
            });
            try {
                owning.await();

                assertThat(TestNode.later(node.manager::leases)).succeedsWithin(TestNode.BOUND);
            } finally {
                goOn.countDown();
            }

            handing.get();
            assertThat(lease.queuePair().poll(1)).isZero();
        }
    }

    @Test
    void isNotGrantedToADeadThread() throws InterruptedException {
        try (var node = new TestNode(1)) {
            var dead = new Thread(() -> {});
            dead.start();
            dead.join();
            var request = io.doorbell.lease.LeaseRequest.of(
                    node.controller.transportId(), dead, (token, status, result) -> {}, "test");

            assertThatThrownBy(() -> node.holder("a").lease(request)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void tellsTheOperatorWhatIsHeld() throws InterruptedException {
        try (var node = new TestNode(3, "a: guaranteed=2")) {
            var lease = node.holder("a").lease(node.request());
            node.onOwner(() -> {
                lease.queuePair().read(1, 0, 1, null, 0, 0, 1);
                return null;
            });

            LeaseSnapshot seen = node.manager.leases().getFirst();

            assertThat(seen.id()).isEqualTo(lease.id());
            assertThat(seen.controller()).isEqualTo("trtype:EMULATED traddr:nvme0");
            assertThat(seen.queueId()).isEqualTo(1);
            assertThat(seen.holder()).isEqualTo("a 1.0.0");
            assertThat(seen.ownerThread()).isEqualTo("owner");
            assertThat(seen.label()).isEqualTo("test");
            assertThat(seen.inFlight()).isEqualTo(1);
            assertThat(seen.submitted()).isEqualTo(1);
            assertThat(seen.ageNanos()).isPositive();
            assertThat(node.manager.capacity())
                    .containsExactly(
                            new io.doorbell.lease.LeaseRegistry.Capacity("trtype:EMULATED traddr:nvme0", 3, 1, 2));
        }
    }

    @Test
    void theOperatorTakesALeaseBack() throws InterruptedException {
        try (var node = new TestNode(1)) {
            var heard = Collections.synchronizedList(new ArrayList<String>());
            var lease = node.holder("a").lease(node.request().withListener(new LeaseListener() {
                @Override
                public void revoking(QueuePairLease mine, RevocationReason reason, Duration grace) {
                    heard.add("revoking " + reason + " " + grace.toMillis());
                }

                @Override
                public void ended(QueuePairLease mine, LeaseState state, RevocationReason reason) {
                    heard.add("ended " + state + " " + reason);
                }
            }));

            LeaseEvent event = node.manager.revoke(lease.id());

            assertThat(event.kind()).isEqualTo(Kind.RELEASED);
            assertThat(event.reason()).isEqualTo(RevocationReason.OPERATOR);
            await().atMost(TestNode.BOUND).until(() -> heard.size() == 2);
            assertThat(heard).containsExactly("revoking OPERATOR 50", "ended RELEASED OPERATOR");
            assertRefused(refusal(() -> node.manager.revoke(lease.id())), LeaseException.Kind.ENDED);
        }
    }

    @Test
    void aListenerThatBlocksOrThrowsHoldsUpNothing() throws InterruptedException {
        try (var node = new TestNode(1)) {
            var release = new CountDownLatch(1);
            var ended = new CountDownLatch(1);
            var lease = node.holder("a").lease(node.request().withListener(new LeaseListener() {
                @Override
                public void revoking(QueuePairLease mine, RevocationReason reason, Duration grace) {
                    try {
                        release.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                    throw new IllegalStateException("on purpose");
                }

                @Override
                public void ended(QueuePairLease mine, LeaseState state, RevocationReason reason) {
                    ended.countDown();
                }
            }));

            node.manager.revoke(lease.id());

            assertThat(lease.state()).isEqualTo(LeaseState.RELEASED);
            assertThat(ended.getCount()).isOne();
            release.countDown();
            ended.await();
        }
    }

    @Test
    void publishesEveryEventInOrderToItsListeners() throws Exception {
        try (var node = new TestNode(1)) {
            var heard = Collections.synchronizedList(new ArrayList<Kind>());
            try (var _ = node.manager.onEvent(event -> heard.add(event.kind()));
                    var _ = node.manager.onEvent(_ -> {
                        throw new IllegalStateException("on purpose");
                    })) {
                node.holder("a").lease(node.request()).close();
                await().atMost(TestNode.BOUND).until(() -> heard.size() == 3);
            }

            assertThat(heard).containsExactly(Kind.GRANTED, Kind.REVOKING, Kind.RELEASED);
        }
    }

    @Test
    void remembersABoundedNumberOfEvents() {
        try (var node = new TestNode(0)) {
            var a = node.holder("a");
            for (int i = 0; i < LeaseBook.HISTORY_EVENTS + 10; i++) {
                refusal(() -> a.lease(node.request()));
            }

            assertThat(node.manager.history()).hasSize(LeaseBook.HISTORY_EVENTS);
        }
    }

    @Test
    void aStoppedManagerHasTakenEverythingBack() throws InterruptedException {
        try (var node = TestNode.patient(2)) {
            var a = node.holder("a");
            var lease = a.lease(node.request());
            node.load(lease);

            node.manager.close();

            assertThat(lease.state()).isEqualTo(LeaseState.RELEASED);
            assertThat(node.lastEvent().reason()).isEqualTo(RevocationReason.RESOURCE_MANAGER_STOPPED);
            assertRefused(refusal(() -> a.lease(node.request())), LeaseException.Kind.ENDED);
        }
    }
}
