package io.doorbell.resources.lease;

import static io.doorbell.resources.lease.Allotment.Standing.COMING;
import static io.doorbell.resources.lease.Allotment.Standing.HELD;
import static io.doorbell.resources.lease.Allotment.Standing.LEAVING;
import static io.doorbell.resources.lease.Allotment.Standing.STUCK;
import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.resources.lease.Allotment.Decision;
import io.doorbell.resources.lease.Allotment.Decision.Grant;
import io.doorbell.resources.lease.Allotment.Decision.Promise;
import io.doorbell.resources.lease.Allotment.Decision.Refuse;
import io.doorbell.resources.lease.Allotment.Decision.TakeBack;
import io.doorbell.resources.lease.Allotment.Place;
import io.doorbell.resources.lease.Allotment.Request;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class AllotmentTest {
    private final List<Place> places = new ArrayList<>();
    private final List<Request> requests = new ArrayList<>();
    private Policy policy = Policy.NONE;

    private void policy(String... rules) {
        policy = Policy.parse(List.of(rules));
    }

    private void held(long grant, String holder) {
        places.add(new Place(grant, holder, HELD));
    }

    private void wanted(long ticket, String holder) {
        requests.add(new Request(ticket, holder));
    }

    private List<Decision> decide(int capacity) {
        return Allotment.decide(capacity, places, requests, policy);
    }

    @Test
    void grantsWhatIsFreeInTheOrderOfRequests() {
        wanted(2, "b");
        wanted(1, "a");
        wanted(3, "c");

        assertThat(decide(2)).containsExactly(new Grant(1), new Grant(2));
    }

    @Test
    void priorityGoesBeforeOrder() {
        policy("b: priority=9");
        wanted(1, "a");
        wanted(2, "b");

        assertThat(decide(1)).containsExactly(new Grant(2));
    }

    @Test
    void whatIsGuaranteedGoesBeforePriority() {
        policy("a: guaranteed=1", "b: priority=9");
        wanted(1, "b");
        wanted(2, "a");

        assertThat(decide(1)).containsExactly(new Grant(2));
    }

    @Test
    void onlyTheGuaranteedPartGoesFirst() {
        policy("a: guaranteed=1");
        wanted(1, "b");
        wanted(2, "a");
        wanted(3, "a");

        assertThat(decide(2)).containsExactly(new Grant(2), new Grant(1));
    }

    @Test
    void lendsWhatIsGuaranteedAndNotClaimed() {
        policy("a: guaranteed=2");
        wanted(1, "b");
        wanted(2, "b");

        assertThat(decide(2)).containsExactly(new Grant(1), new Grant(2));
    }

    @Test
    void takesSurplusBackForAGuaranteedRequest() {
        policy("a: guaranteed=1");
        held(1, "b");
        held(2, "b");
        wanted(1, "a");

        assertThat(decide(2)).containsExactly(new TakeBack(2), new Promise(1));
    }

    @Test
    void takesSurplusOfTheLeastPriorityFirstAndOfThatTheYoungest() {
        policy("a: guaranteed=1", "b: priority=2", "c: priority=1", "d: priority=1");
        held(1, "c");
        held(2, "d");
        held(3, "b");
        wanted(1, "a");

        assertThat(decide(3)).containsExactly(new TakeBack(2), new Promise(1));
    }

    @Test
    void neverTakesOutOfAGuaranteedPart() {
        policy("*: guaranteed=1");
        held(1, "b");
        held(2, "c");
        wanted(1, "a");

        assertThat(decide(2)).isEmpty();
    }

    @Test
    void takesNothingBackForARequestThatIsNotGuaranteed() {
        policy("a: priority=9");
        held(1, "b");
        wanted(1, "a");

        assertThat(decide(1)).isEmpty();
    }

    @Test
    void doesNotTakeBackWhatIsNotNeededSinceSomethingIsLeavingAnyway() {
        policy("a: guaranteed=1");
        places.add(new Place(1, "b", LEAVING));
        held(2, "b");
        wanted(1, "a");

        assertThat(decide(2)).containsExactly(new Promise(1));
    }

    @Test
    void doesNotCountOnWhatIsStuck() {
        policy("a: guaranteed=1");
        places.add(new Place(1, "b", STUCK));
        held(2, "b");
        wanted(1, "a");

        assertThat(decide(2)).containsExactly(new TakeBack(2), new Promise(1));
    }

    @Test
    void waitsForAQueuePairThatIsBeingMadeRatherThanTakingItBack() {
        policy("a: guaranteed=1");
        places.add(new Place(1, "b", COMING));
        wanted(1, "a");
        wanted(2, "c");

        assertThat(decide(1)).as("whatever its own bound").containsExactly(new Promise(1));
    }

    @Test
    void takesBackOneForEachGuaranteedRequestAndNoMore() {
        policy("a: guaranteed=2", "e: guaranteed=1");
        held(1, "b");
        held(2, "c");
        held(3, "d");
        wanted(1, "a");
        wanted(2, "a");
        wanted(3, "a");
        wanted(4, "e");

        assertThat(decide(3))
                .containsExactly(
                        new TakeBack(3),
                        new Promise(1),
                        new TakeBack(2),
                        new Promise(2),
                        new TakeBack(1),
                        new Promise(4));
    }

    @Test
    void refusesWhatPassesTheMaximum() {
        policy("a: maximum=1");
        held(1, "a");
        wanted(1, "a");

        assertThat(decide(2)).containsExactly(new Refuse(1));
    }

    @Test
    void refusesTheSecondOfTwoRequestsWhenTheFirstReachesTheMaximum() {
        policy("a: maximum=1");
        wanted(1, "a");
        wanted(2, "a");

        assertThat(decide(2)).containsExactly(new Grant(1), new Refuse(2));
    }

    @Test
    void waitsForOnesOwnLeavingLeaseAtTheMaximumAndLetsOthersPass() {
        policy("a: maximum=1 priority=9");
        places.add(new Place(1, "a", LEAVING));
        wanted(1, "a");
        wanted(2, "b");

        assertThat(decide(2)).containsExactly(new Grant(2));
    }
}
