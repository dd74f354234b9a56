package io.doorbell.emulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FaultPlanTest {
    @Test
    void readsEveryWordOfARule() {
        var plan = FaultPlan.parse(
                7,
                List.of(
                        "# a comment",
                        "",
                        "  io qid=3 opc=read nsid=2 slba=0x10..31 after=5 every=10 chance=0.5 count=3"
                                + " -> delay=100us..2ms status=0x4281 duplicate cid=^0x8000"));

        var rule = plan.rules().getFirst();
        assertThat(rule.match()).isEqualTo(new FaultRule.Match(FaultRule.Kind.IO, 3, 2, 2, 16, 31, 5, 10, 0.5, 3));
        assertThat(rule.action())
                .isEqualTo(new FaultRule.Action(
                        100_000, 2_000_000, 0x4281, false, true, FaultRule.CidChange.XOR, 0x8000, false, false));
        assertThat(plan.toString()).contains("qid=3", "seed 7");
    }

    @Test
    void matchesEverythingWithoutWords() {
        assertThat(FaultPlan.parse("-> remove").rules().getFirst().match())
                .isEqualTo(new FaultRule.Match(FaultRule.Kind.ANY, -1, -1, -1, -1, -1, 0, 1, 1, Long.MAX_VALUE));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
                io drop                  | match -> action
                io -> explode            | explode
                io ->                    | no action
                io admin -> drop         | not both
                qid=seven -> drop        | 'seven' is no number
                qid=70000 -> drop        | 0 to 65535
                every=0 -> drop          | 1 to
                chance=2 -> drop         | up to 1
                io io -> drop            | io twice
                io=1 -> drop             | takes no value
                opc -> drop              | without a value
                io -> delay=5            | ns, us, ms or s
                io -> delay=5ms..1ms     | shorter one first
                io -> status=0x8000      | 0 to 32767
                colour=red -> drop       | colour
                """)
    void saysWhatIsWrongWithARule(String line, String complaint) {
        assertThatThrownBy(() -> FaultPlan.parse(line))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(line)
                .hasMessageContaining(complaint);
    }
}
