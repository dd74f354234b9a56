package io.doorbell.resources.lease;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.resources.lease.Allotment.Decision;
import io.doorbell.resources.lease.Allotment.Place;
import io.doorbell.resources.lease.Allotment.Request;
import io.doorbell.resources.lease.Allotment.Standing;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Random situations, and what must be true of every decision. */
class AllotmentModelTest {
    private static final List<String> HOLDERS = List.of("a", "b", "c", "d");
    private static final int SITUATIONS_PER_SEED = 100;

    static Stream<Long> seeds() {
        var given = Long.getLong("doorbell.seed");
        return given != null ? Stream.of(given) : IntStream.range(0, 25).mapToObj(n -> n * 7919L + 17);
    }

    @ParameterizedTest(name = "-Ddoorbell.seed={0}")
    @MethodSource("seeds")
    void everyDecisionKeepsTheRules(long seed) {
        var random = new Random(seed);
        for (int i = 0; i < SITUATIONS_PER_SEED; i++) {
            new Situation(random).check();
        }
    }

    private static final class Situation {
        private final Policy policy;
        private final int capacity;
        private final List<Place> places = new ArrayList<>();
        private final List<Request> requests = new ArrayList<>();
        private final Map<String, Integer> holds = new HashMap<>();
        private List<Decision> decisions;

        Situation(Random random) {
            var rules = new ArrayList<String>();
            for (var holder : HOLDERS) {
                if (random.nextInt(4) > 0) {
                    int guaranteed = random.nextInt(3);
                    rules.add(holder + ": guaranteed=" + guaranteed + " maximum=" + (guaranteed + random.nextInt(4))
                            + " priority=" + random.nextInt(3));
                }
            }
            policy = Policy.parse(rules);
            capacity = random.nextInt(8);
            int taken = random.nextInt(capacity + 1);
            for (int i = 0; i < taken; i++) {
                places.add(new Place(i, pick(random), Standing.values()[random.nextInt(Standing.values().length)]));
            }
            for (int i = random.nextInt(6); i > 0; i--) {
                requests.add(new Request(100 - i, pick(random)));
            }
            HOLDERS.forEach(holder ->
                    holds.put(holder, (int) count(place -> place.holder().equals(holder) && !leaving(place))));
        }

        private static String pick(Random random) {
            return HOLDERS.get(random.nextInt(HOLDERS.size()));
        }

        private static boolean leaving(Place place) {
            return place.standing() == Standing.LEAVING || place.standing() == Standing.STUCK;
        }

        private long count(Predicate<Place> which) {
            return places.stream().filter(which).count();
        }

        private String holder(long ticket) {
            return requests.stream()
                    .filter(request -> request.ticket() == ticket)
                    .findFirst()
                    .orElseThrow()
                    .holder();
        }

        void check() {
            decisions = Allotment.decide(capacity, places, requests, policy);
            var seen = new ArrayList<Long>();
            int free = capacity - places.size();
            int promised = 0;
            int takenBack = 0;
            for (var decision : decisions) {
                switch (decision) {
                    case Decision.Grant(long ticket) -> {
                        free--;
                        seen.add(ticket);
                        int now = holds.merge(holder(ticket), 1, Integer::sum);
                        assertThat(now)
                                .as("maximum of %s in %s", holder(ticket), this)
                                .isLessThanOrEqualTo(policy.of(holder(ticket)).maximum());
                    }
                    case Decision.Refuse(long ticket) -> {
                        seen.add(ticket);
                        assertThat(holds.get(holder(ticket)))
                                .as("refused %s in %s", ticket, this)
                                .isGreaterThanOrEqualTo(
                                        policy.of(holder(ticket)).maximum());
                    }
                    case Decision.TakeBack(long grant) -> {
                        takenBack++;
                        var victim = places.stream()
                                .filter(place -> place.grant() == grant)
                                .findFirst()
                                .orElseThrow();
                        assertThat(victim.standing()).isEqualTo(Standing.HELD);
                        int left = holds.merge(victim.holder(), -1, Integer::sum);
                        assertThat(left)
                                .as("the guaranteed part of %s in %s", victim.holder(), this)
                                .isGreaterThanOrEqualTo(
                                        policy.of(victim.holder()).guaranteed());
                    }
                    case Decision.Promise(long ticket) -> {
                        promised++;
                        seen.add(ticket);
                        int now = holds.merge(holder(ticket), 1, Integer::sum);
                        assertThat(now)
                                .as("only what is guaranteed is promised in %s", this)
                                .isLessThanOrEqualTo(policy.of(holder(ticket)).guaranteed());
                    }
                }
            }
            assertThat(seen).as("one decision per request in %s", this).doesNotHaveDuplicates();
            assertThat(free).as("no more than there are in %s", this).isGreaterThanOrEqualTo(0);
            int beyondLeaving = Math.max(0, promised - (int) count(place -> place.standing() == Standing.LEAVING));
            assertThat(takenBack)
                    .as("nothing is taken back in vain in %s", this)
                    .isLessThanOrEqualTo(beyondLeaving);
            assertThat(beyondLeaving - takenBack)
                    .as("the others are promised what comes, in %s", this)
                    .isLessThanOrEqualTo((int) count(place -> place.standing() == Standing.COMING));
            checkNobodyIsForgotten(seen, free);
        }

        private void checkNobodyIsForgotten(List<Long> seen, int free) {
            for (var request : requests) {
                if (seen.contains(request.ticket())) {
                    continue;
                }
                var rule = policy.of(request.holder());
                long ownLeaving = count(place -> place.holder().equals(request.holder()) && leaving(place));
                boolean waitsForItself = holds.get(request.holder()) + ownLeaving >= rule.maximum();
                assertThat(free == 0 || waitsForItself)
                        .as("%s waits though there is one free in %s", request, this)
                        .isTrue();
                boolean guaranteed = holds.get(request.holder()) < rule.guaranteed();
                boolean surplus = places.stream()
                        .filter(place -> place.standing() == Standing.HELD)
                        .filter(place -> !decisions.contains(new Decision.TakeBack(place.grant())))
                        .anyMatch(place -> holds.get(place.holder())
                                > policy.of(place.holder()).guaranteed() + grantedOrPromised(place.holder()));
                assertThat(guaranteed && surplus && !waitsForItself)
                        .as("%s is guaranteed, and there is surplus, in %s", request, this)
                        .isFalse();
            }
        }

        /** Those count in the account, but cannot be taken back yet. */
        private int grantedOrPromised(String holder) {
            return (int) decisions.stream()
                    .filter(decision -> decision instanceof Decision.Grant(long ticket)
                                    && holder(ticket).equals(holder)
                            || decision instanceof Decision.Promise(long other)
                                    && holder(other).equals(holder))
                    .count();
        }

        @Override
        public String toString() {
            return capacity + " of " + places + " wanted " + requests + " by " + policy + " decided " + decisions;
        }
    }
}
