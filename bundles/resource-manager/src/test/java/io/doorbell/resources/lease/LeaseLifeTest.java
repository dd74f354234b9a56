package io.doorbell.resources.lease;

import static io.doorbell.lease.LeaseState.FENCED;
import static io.doorbell.lease.LeaseState.GRANTED;
import static io.doorbell.lease.LeaseState.RELEASED;
import static io.doorbell.lease.LeaseState.REQUESTED;
import static io.doorbell.lease.LeaseState.REVOKING;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.lease.LeaseState;
import io.doorbell.lease.RevocationReason;
import io.doorbell.resources.lease.LeaseLife.Closed;
import io.doorbell.resources.lease.LeaseLife.Granted;
import io.doorbell.resources.lease.LeaseLife.Step;
import io.doorbell.resources.lease.LeaseLife.TakenBack;
import io.doorbell.resources.lease.LeaseLife.Withdrawn;
import java.util.List;
import org.junit.jupiter.api.Test;

class LeaseLifeTest {
    private static final Step STOP = new TakenBack(RevocationReason.HOLDER_STOPPED);
    private static final Step PREEMPT = new TakenBack(RevocationReason.PREEMPTED);

    private static LeaseState after(LeaseState from, Step... steps) {
        return List.of(steps).stream().reduce(from, LeaseLife::next, (_, last) -> last);
    }

    @Test
    void endsReleasedWhenEverythingDrained() {
        assertThat(after(REQUESTED, new Granted(), STOP, new Closed(0))).isEqualTo(RELEASED);
    }

    @Test
    void endsFencedWhenSomethingDidNotDrain() {
        assertThat(after(REQUESTED, new Granted(), STOP, new Closed(1))).isEqualTo(FENCED);
    }

    @Test
    void endsReleasedWhenItWasNeverGranted() {
        assertThat(after(REQUESTED, new Withdrawn())).isEqualTo(RELEASED);
    }

    @Test
    void isTakenBackOnceHoweverOftenThatIsAsked() {
        assertThat(after(REQUESTED, new Granted(), STOP, PREEMPT)).isEqualTo(REVOKING);
        assertThat(after(REQUESTED, new Granted(), STOP, PREEMPT, new Closed(0), STOP))
                .isEqualTo(RELEASED);
        assertThat(after(REQUESTED, new Granted(), STOP, new Closed(3), STOP)).isEqualTo(FENCED);
    }

    @Test
    void allowsNothingElse() {
        var forbidden = List.of(
                new Object[] {REQUESTED, STOP},
                new Object[] {REQUESTED, new Closed(0)},
                new Object[] {GRANTED, new Granted()},
                new Object[] {GRANTED, new Withdrawn()},
                new Object[] {GRANTED, new Closed(0)},
                new Object[] {REVOKING, new Granted()},
                new Object[] {REVOKING, new Withdrawn()},
                new Object[] {RELEASED, new Granted()},
                new Object[] {RELEASED, new Closed(0)},
                new Object[] {FENCED, new Granted()},
                new Object[] {FENCED, new Withdrawn()});

        assertThat(forbidden)
                .allSatisfy(pair -> assertThatThrownBy(() -> LeaseLife.next((LeaseState) pair[0], (Step) pair[1]))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining(pair[0].toString()));
    }
}
