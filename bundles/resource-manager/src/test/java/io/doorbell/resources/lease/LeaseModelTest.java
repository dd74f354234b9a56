package io.doorbell.resources.lease;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.doorbell.host.CompletionHandler;
import io.doorbell.host.ControllerState;
import io.doorbell.lease.LeaseEvent;
import io.doorbell.lease.LeaseException;
import io.doorbell.lease.LeaseListener;
import io.doorbell.lease.LeaseRequest;
import io.doorbell.lease.QueuePairLease;
import io.doorbell.nvme.TransportId;
import io.doorbell.reactor.Poller;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A node in which everything happens at once, in a random order: requests that wait and that do not, releases, bundles that
 * stop, devices that fall silent, controllers that are reset, lost and replaced, under I/O all the time. What the events
 * say is held against a model, and every command is counted.
 */
@Timeout(300)
class LeaseModelTest {
    private static final int STEPS = 80;
    private static final int QUEUE_PAIRS = 3;
    private static final List<String> NAMES = List.of("plain", "limited", "high");
    private static final List<String> CONTROLLERS = List.of("nvme0", "nvme1");

    static Stream<Long> seeds() {
        var given = Long.getLong("doorbell.seed");
        return given != null
                ? Stream.of(given)
                : LongStream.range(0, 10).map(n -> n * 104_729 + 5).boxed();
    }

    @ParameterizedTest(name = "-Ddoorbell.seed={0}")
    @MethodSource("seeds")
    void keepsItsPromisesWhateverHappens(long seed) throws Exception {
        new Run(new Random(seed)).run();
    }

    private static final class Run {
        private final Random random;
        private final TestNode node = new TestNode(
                TestNode.options(Duration.ofMillis(10), Duration.ofMillis(10), TestNode.BOUND)
                        .withPolicy(Policy.parse(
                                List.of("promised: guaranteed=1 maximum=1", "limited: maximum=2", "high: priority=5"))),
                QUEUE_PAIRS);
        private final Map<String, TestController> controllers = new LinkedHashMap<>();
        private final Map<String, HolderResources> holders = new LinkedHashMap<>();
        private final List<CompletableFuture<QueuePairLease>> requests = new ArrayList<>();
        private final List<Traffic> traffic = Collections.synchronizedList(new ArrayList<>());
        private final Model model = new Model();

        Run(Random random) {
            this.random = random;
            controllers.put("nvme0", node.controller);
            controllers.put("nvme1", node.another("nvme1", QUEUE_PAIRS));
            node.manager.addController(controllers.get("nvme1"));
            NAMES.forEach(name -> holders.put(name, node.holder(name)));
            holders.put("promised", node.holder("promised"));
        }

        void run() throws Exception {
            try (var _ = node.manager.onEvent(model::on)) {
                for (int step = 0; step < STEPS; step++) {
                    step();
                    Thread.sleep(Duration.ofNanos(random.nextInt(2_000_000)));
                }
                calmDown();
                node.close();
            }
            assertThat(model.broken).isEmpty();
            assertThat(model.live).isEmpty();
            assertThat(traffic).isNotEmpty();
            traffic.forEach(Traffic::checkEveryCommandEndedOnce);
        }

        private void step() throws Exception {
            switch (random.nextInt(12)) {
                case 0, 1, 2, 3 -> request(pick(NAMES), pick(CONTROLLERS), Duration.ofMillis(random.nextInt(60)));
                case 4 -> askForWhatIsPromised();
                case 5, 6 -> anyLease(QueuePairLease::close);
                case 7 ->
                    anyLease(lease -> {
                        try {
                            node.manager.revoke(lease.id());
                        } catch (LeaseException over) {
                            assertThat(over.kind()).isEqualTo(LeaseException.Kind.ENDED);
                        }
                    });
                case 8 -> {
                    var name = pick(NAMES);
                    holders.get(name).close();
                    holders.put(name, node.holder(name));
                }
                case 9 -> {
                    var controller = controllers.get(pick(CONTROLLERS));
                    controller.answering = !controller.answering;
                    controller.heedsAbort = random.nextBoolean();
                }
                case 10 -> {
                    var controller = controllers.get(pick(CONTROLLERS));
                    controller.change(ControllerState.RESETTING, "model");
                    Thread.sleep(Duration.ofNanos(random.nextInt(1_000_000)));
                    controller.change(ControllerState.READY, "model");
                }
                default -> {
                    var name = pick(CONTROLLERS);
                    node.manager.removeController(controllers.get(name));
                    controllers.put(name, node.another(name, QUEUE_PAIRS));
                    node.manager.addController(controllers.get(name));
                }
            }
        }

        private <T> T pick(List<T> all) {
            return all.get(random.nextInt(all.size()));
        }

        private LeaseRequest asked(String controller, CompletionHandler handler, Duration bound) {
            return new LeaseRequest(
                    TransportId.emulated(controller),
                    9,
                    node.reactor.thread(),
                    handler,
                    LeaseListener.NONE,
                    bound,
                    "model");
        }

        private void request(String holder, String controller, Duration bound) {
            var resources = holders.get(holder);
            requests.add(TestNode.later(() -> {
                var mine = new Traffic();
                mine.lease = resources.lease(asked(controller, mine, bound));
                traffic.add(mine);
                node.reactor.add(mine);
                return mine.lease;
            }));
        }

        /** Promises are fewer than queue pairs, so this is never refused for want of one, though it does not wait. */
        private void askForWhatIsPromised() throws Exception {
            var resources = holders.get("promised");
            try (var lease = resources.lease(asked(pick(CONTROLLERS), new Traffic(), Duration.ZERO))) {
                assertThat(lease.id()).isPositive();
            } catch (LeaseException refused) {
                assertThat(refused.kind()).as(refused.getMessage()).isEqualTo(LeaseException.Kind.NO_CONTROLLER);
            }
        }

        private void anyLease(java.util.function.Consumer<QueuePairLease> use) {
            var all = holders.values().stream()
                    .flatMap(each -> each.leases().stream())
                    .toList();
            if (!all.isEmpty()) {
                use.accept(pick(all));
            }
        }

        /** Everything works again and whoever holds lets go: nobody may be left waiting. */
        private void calmDown() throws Exception {
            controllers.values().forEach(controller -> controller.answering = true);
            // One that waits for long, behind whatever there is.
            request("plain", "nvme0", TestNode.BOUND);
            await().pollInterval(Duration.ofMillis(2)).atMost(TestNode.BOUND).until(() -> {
                holders.values().forEach(each -> each.leases().forEach(QueuePairLease::close));
                return requests.stream().allMatch(CompletableFuture::isDone);
            });
            assertThat(requests.getLast().get().id()).isPositive();
            for (var request : requests) {
                try {
                    request.get();
                } catch (ExecutionException e) {
                    assertThat(e).cause().isInstanceOf(LeaseException.class);
                }
            }
        }

        /** Keeps a lease busy, and counts. Its owner is the reactor, who alone touches it. */
        private final class Traffic implements Poller, CompletionHandler {
            private static final int AT_ONCE = 6;
            private volatile QueuePairLease lease;
            private final BitSet ended = new BitSet();
            private int accepted;
            private String wrong = "";

            @Override
            public int poll(long nowNanos) {
                try {
                    var queuePair = lease.queuePair();
                    int work = queuePair.poll(16);
                    while (queuePair.inFlight() < AT_ONCE && queuePair.read(1, 0, 1, null, 0, 0, accepted) >= 0) {
                        accepted++;
                    }
                    queuePair.commit();
                    return work;
                } catch (IllegalStateException fenced) {
                    // Thrown by staging it may come before the rest was handed over: go on until nothing is in flight.
                    if (lease.queuePair().inFlight() == 0) {
                        node.reactor.remove(this);
                    }
                    return 0;
                }
            }

            @Override
            public boolean readyToPark() {
                return false;
            }

            @Override
            public void complete(long token, int status, long result) {
                if (token >= accepted || ended.get((int) token)) {
                    wrong += " " + token + (token >= accepted ? " was never accepted" : " ended twice");
                }
                ended.set((int) token);
            }

            void checkEveryCommandEndedOnce() {
                assertThat(wrong).isEmpty();
                assertThat(ended.cardinality()).as("commands of %s", lease).isEqualTo(accepted);
            }
        }
    }

    /** What must be true of the events, in their order. */
    private static final class Model {
        private final Map<String, Long> epochs = new HashMap<>();
        private final Map<String, Long> live = new HashMap<>();
        private final Set<Long> ids = new HashSet<>();
        final List<String> broken = Collections.synchronizedList(new ArrayList<>());

        void on(LeaseEvent event) {
            var lease = event.lease();
            var queuePair = lease.controller() + " queue " + lease.queueId();
            switch (event.kind()) {
                case GRANTED -> {
                    require(ids.add(lease.id()), "an id twice", event);
                    require(live.put(queuePair, lease.id()) == null, "two live leases of one queue pair", event);
                    var before = epochs.put(queuePair, lease.epoch());
                    require(before == null || before < lease.epoch(), "an epoch that does not grow", event);
                    long held = live.keySet().stream()
                            .filter(name -> name.startsWith(lease.controller()))
                            .count();
                    require(held <= QUEUE_PAIRS, "more leases than queue pairs", event);
                }
                case REVOKING -> require(live.containsValue(lease.id()), "taking back what is not granted", event);
                case RELEASED, FENCED ->
                    require(live.remove(queuePair, lease.id()), "an end of what is not live", event);
                case REFUSED, HANDED_OVER, NOT_POLLED -> {}
            }
        }

        private void require(boolean holds, String otherwise, LeaseEvent event) {
            if (!holds) {
                broken.add(otherwise + ": " + event);
            }
        }
    }
}
