package io.doorbell.management;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.host.ControllerState;
import java.time.Duration;
import org.apache.felix.hc.api.FormattingResultLog;
import org.apache.felix.hc.api.Result;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NodeChecksTest {
    private static ControllerHealth health(int warning, int spare, int threshold, int used, long mediaErrors) {
        return new ControllerHealth(1, 40, used, spare, threshold, warning, 0, 0, mediaErrors, 0, 0, 0, 0);
    }

    private static Result look(ControllerState state, ControllerHealth health) {
        var log = new FormattingResultLog();
        log.info("looked");
        NodeChecks.look(log, "nvme0", state, health);
        return new Result(log);
    }

    @ParameterizedTest
    @CsvSource({
        "READY, 0, 100, 10, 3, 0, OK",
        "READY, 2, 100, 10, 3, 0, CRITICAL",
        "READY, 0, 9, 10, 3, 0, CRITICAL",
        "READY, 0, 100, 10, 100, 0, WARN",
        "READY, 0, 100, 10, 3, 1, WARN",
        "RESETTING, 0, 100, 10, 3, 0, TEMPORARILY_UNAVAILABLE",
        "FAILED, 0, 100, 10, 3, 0, CRITICAL",
        "REMOVED, 0, 100, 10, 3, 0, CRITICAL",
    })
    void aControllerIsJudgedByItsStateAndItsSmartLog(
            ControllerState state, int warning, int spare, int threshold, int used, long errors, Result.Status status) {
        assertThat(look(state, health(warning, spare, threshold, used, errors)).getStatus())
                .isEqualTo(status);
    }

    @Test
    void warningsAreNamed() {
        assertThat(look(ControllerState.READY, health(0b1010, 100, 10, 3, 0)).toString())
                .contains("temperature", "media are read only")
                .doesNotContain("spare blocks are few");
    }

    @Test
    void whatWasNotReadYetSaysNothing() {
        assertThat(look(ControllerState.READY, ControllerHealth.UNKNOWN).isOk()).isTrue();
    }

    @Test
    void aBundleThatIsBeingStartedIsNotLateYet() {
        var late = new NodeChecks.Late();
        long bound = NodeChecks.START_BOUND.toNanos();

        assertThat(late.is(7, false, 100)).isFalse();
        assertThat(late.is(7, false, 100 + bound)).isFalse();
        assertThat(late.is(7, false, 101 + bound)).isTrue();
        assertThat(late.is(8, false, 101 + bound)).as("each by itself").isFalse();
        assertThat(late.is(7, true, 102 + bound)).isFalse();
        assertThat(late.is(7, false, 103 + bound)).as("it ran meanwhile").isFalse();
    }

    @Test
    void aNodeThatStoodStillSaysSoForAWhile() {
        var standStill = new NodeChecks.StandStill();
        var interval = Duration.ofSeconds(2);
        long now = System.nanoTime();
        standStill.look(interval, now + interval.toNanos());
        assertThat(standStill.check().execute().isOk()).isTrue();

        standStill.look(interval, now + 2 * interval.toNanos() + 60_000_000_000L);

        var result = standStill.check().execute();
        assertThat(result.getStatus()).isEqualTo(Result.Status.WARN);
        assertThat(result.toString()).contains("stood still for 60 s");
    }
}
