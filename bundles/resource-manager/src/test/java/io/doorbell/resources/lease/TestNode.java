package io.doorbell.resources.lease;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.host.CompletionHandler;
import io.doorbell.lease.LeaseEvent;
import io.doorbell.lease.LeaseRequest;
import io.doorbell.lease.QueuePairLease;
import io.doorbell.reactor.Poller;
import io.doorbell.reactor.Reactor;
import io.doorbell.reactor.Reactors.Role;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;

/** A manager with one controller, a reactor to own leases, and short bounds. */
final class TestNode implements AutoCloseable {
    static final Duration BOUND = Duration.ofSeconds(60);

    static final LeaseOptions OPTIONS = options(Duration.ofMillis(500), Duration.ofMillis(50), Duration.ofSeconds(60));

    /** For holders that poll to the end: their commands drain, however long the machine takes to let them. */
    static final LeaseOptions PATIENT = options(BOUND, BOUND, Duration.ofSeconds(60));

    static LeaseOptions options(Duration releaseGrace, Duration grace, Duration waitLimit) {
        return options(releaseGrace, grace, Duration.ofMillis(200), waitLimit);
    }

    static LeaseOptions options(Duration releaseGrace, Duration grace, Duration closeBound, Duration waitLimit) {
        return new LeaseOptions(
                releaseGrace,
                grace,
                grace,
                grace,
                Duration.ofMillis(50),
                Duration.ofMillis(100),
                closeBound,
                waitLimit,
                1 << 20,
                0,
                Policy.NONE);
    }

    final ReactorPool pool = new ReactorPool(ReactorOptions.DEFAULT);
    final Reactor reactor = pool.open("owner", Role.HOST, -1);
    final LeaseManager manager;
    final TestController controller;
    private long bundles;
    private final List<TestController> more = new ArrayList<>();

    TestNode(int queuePairs, String... policy) {
        this(OPTIONS.withPolicy(Policy.parse(List.of(policy))), queuePairs);
    }

    static TestNode patient(int queuePairs, String... policy) {
        return new TestNode(PATIENT.withPolicy(Policy.parse(List.of(policy))), queuePairs);
    }

    TestNode(LeaseOptions options, int queuePairs) {
        manager = new LeaseManager(options, pool);
        controller = new TestController("nvme0", queuePairs);
        manager.addController(controller);
    }

    TestController another(String name, int queuePairs) {
        var other = new TestController(name, queuePairs);
        more.add(other);
        return other;
    }

    HolderResources holder(String name) {
        return manager.open(new Holder(++bundles, name, "1.0.0"));
    }

    LeaseRequest request(CompletionHandler handler) {
        return LeaseRequest.of(controller.transportId(), reactor.thread(), handler, "test")
                .withQueueEntries(33);
    }

    LeaseRequest request() {
        return request((token, status, result) -> {});
    }

    /** Polls a lease on the node's reactor, and keeps it full while it may. */
    Load load(QueuePairLease lease) {
        var load = new Load(lease);
        reactor.add(load);
        return load;
    }

    /** Runs on the reactor, which owns the leases. */
    <T> T onOwner(Callable<T> task) {
        return reactor.call(task, BOUND);
    }

    /** Runs blocking code elsewhere. */
    static <T> CompletableFuture<T> later(Callable<T> task) {
        var result = new CompletableFuture<T>();
        Thread.ofVirtual().start(() -> {
            try {
                result.complete(task.call());
            } catch (Throwable thrown) {
                result.completeExceptionally(thrown);
            }
        });
        return result;
    }

    int waitingCount() {
        return manager.waitingCount();
    }

    List<LeaseEvent.Kind> kinds() {
        return manager.history().stream().map(LeaseEvent::kind).toList();
    }

    LeaseEvent lastEvent() {
        return manager.history().getLast();
    }

    /** A busy holder that behaves: submits until it is told not to, polls to the end. */
    final class Load implements Poller {
        private final QueuePairLease lease;
        final AtomicLong accepted = new AtomicLong();
        volatile boolean paused;

        Load(QueuePairLease lease) {
            this.lease = lease;
        }

        @Override
        public int poll(long nowNanos) {
            try {
                return cycle();
            } catch (IllegalStateException fenced) {
                if (lease.queuePair().inFlight() == 0) {
                    reactor.remove(this);
                }
                return 0;
            }
        }

        private int cycle() {
            var queuePair = lease.queuePair();
            int work = queuePair.poll(64);
            while (!paused && queuePair.read(1, 0, 1, null, 0, 0, accepted.get()) >= 0) {
                accepted.incrementAndGet();
                work++;
            }
            queuePair.commit();
            return work;
        }

        @Override
        public boolean readyToPark() {
            return false;
        }
    }

    @Override
    public void close() {
        controller.answering = true;
        controller.keepsQueues = false;
        controller.beforeCreate.countDown();
        manager.close();
        pool.close();
        assertThat(manager.leases()).isEmpty();
        assertThat(controller.liveQueuePairs).hasValue(0);
        assertThat(controller.liveAllocations).hasValue(0);
        controller.close();
        more.forEach(TestController::close);
    }
}
