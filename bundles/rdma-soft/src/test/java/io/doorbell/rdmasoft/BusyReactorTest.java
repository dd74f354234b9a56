package io.doorbell.rdmasoft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.reactor.HandReactor;
import io.doorbell.verbs.CompletionQueue;
import io.doorbell.verbs.ProtectionDomain;
import io.doorbell.verbs.QueuePairSetup;
import io.doorbell.verbs.VerbsQueuePair;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Reactors that are full of tasks, or do not come round in time: what is theirs is done on their thread, later, or can be tried again. */
class BusyReactorTest {
    private static final int BOUND_SECONDS = 60;

    private final SoftDevice device = Loopback.device(wire -> wire);
    private final ProtectionDomain domain = device.allocateProtectionDomain();
    private final HandReactor reactor = HandReactor.running("busy");

    @AfterEach
    void close() {
        domain.close();
        device.close();
        reactor.close();
    }

    private CompletionQueue queue() {
        return device.createCompletionQueue(reactor, 64);
    }

    private VerbsQueuePair pair(CompletionQueue queue) {
        return device.createQueuePair(new QueuePairSetup(domain, queue, queue, null, 4, 4, 1));
    }

    @Test
    void nothingRunsBesideAnOwnerThatIsFullOfTasks() throws Exception {
        try (var queue = queue()) {
            var lane = ((SoftCompletionQueue) queue).lane;
            var waitedFor = new CompletableFuture<Thread>();
            var later = new CompletableFuture<Thread>();

            reactor.full(3);
            lane.run(() -> waitedFor.complete(Thread.currentThread()));
            reactor.full(1);
            lane.runLater(() -> later.complete(Thread.currentThread()));

            assertThat(waitedFor).isCompletedWithValue(reactor.thread());
            assertThat(later.get(BOUND_SECONDS, TimeUnit.SECONDS)).isSameAs(reactor.thread());
        }
    }

    @Test
    void whatIsAnOwnersThatHasEndedIsDoneByWhoeverAsks() {
        try (var queue = queue()) {
            var lane = ((SoftCompletionQueue) queue).lane;
            var ran = new CompletableFuture<Thread>();
            reactor.close();

            lane.run(() -> ran.complete(Thread.currentThread()));

            assertThat(ran).isCompletedWithValue(Thread.currentThread());
        }
    }

    @Test
    void aQueuePairIsMadeWithoutWaitingForItsReactor() {
        try (var queue = queue()) {
            reactor.late(1);
            var pair = pair(queue);
            assertThatThrownBy(pair::close).isInstanceOf(IllegalStateException.class);

            pair.close();
        }
    }

    @Test
    void aReactorThatDidNotComeRoundCanBeTriedAgain() {
        reactor.late(1);
        assertThatThrownBy(this::queue).isInstanceOf(IllegalStateException.class);
        assertThat(reactor.statistics().pollers()).isZero();

        try (var queue = queue()) {
            assertThat(queue.owner()).isSameAs(reactor);
            assertThat(reactor.statistics().pollers()).isOne();
        }
        assertThat(reactor.statistics().pollers()).isZero();
    }

    @Test
    void aDeviceWhoseReactorDoesNotComeRoundCanBeClosedAgain() {
        var queue = queue();
        reactor.late(1);
        assertThatThrownBy(device::close).isInstanceOf(IllegalStateException.class);
        assertThat(reactor.statistics().pollers()).isOne();

        device.close();

        assertThat(reactor.statistics().pollers()).isZero();
        queue.close();
    }

    /** Who gets a lane waits, with the lock of the device, for a reactor; another reactor that ends a queue pair is not to wait for that one. */
    @Test
    void aQueuePairEndsWhileSomebodyWaitsForAnotherReactor() throws Exception {
        try (var queue = queue()) {
            var pair = pair(queue);
            var end = Thread.ofVirtual().unstarted(pair::close);

            synchronized (device) {
                end.start();
                assertThat(end.join(Duration.ofSeconds(BOUND_SECONDS))).isTrue();
            }
        }
    }

    @Test
    void aWindowThatIsNotBoundIsForNobody() {
        try (var queue = queue();
                var pair = pair(queue);
                var window = domain.allocateWindow()) {
            assertThat(((SoftWindow) window).isFor((SoftQueuePair) pair)).isFalse();
        }
    }
}
