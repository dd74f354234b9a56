package io.doorbell.resources.lease;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.resources.lease.Policy.Rule;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PolicyTest {
    @Test
    void readsRules() {
        var policy = Policy.parse(List.of(
                "io.doorbell.bundle-perf: guaranteed=1 maximum=8 priority=5", " other :  maximum=2", "all:", ""));

        assertThat(policy.rules())
                .containsExactly(
                        new Rule("io.doorbell.bundle-perf", 1, 8, 5),
                        new Rule("other", 0, 2, 0),
                        new Rule("all", 0, 65_535, 0));
    }

    @Test
    void takesTheFirstRuleThatFits() {
        var policy = Policy.parse(List.of("a.b: priority=1", "a.*: priority=2", "*.z: priority=3"));

        assertThat(policy.of("a.b").priority()).isEqualTo(1);
        assertThat(policy.of("a.bb").priority()).isEqualTo(2);
        assertThat(policy.of("a.z").priority()).isEqualTo(2);
        assertThat(policy.of("b.z").priority()).isEqualTo(3);
        assertThat(policy.of("axb").priority()).isZero();
        assertThat(policy.of("x")).isEqualTo(new Rule("*", 0, 65_535, 0));
    }

    @Test
    void takesAPatternLiterallyButForItsStars() {
        var policy = Policy.parse(List.of("*a.b*: priority=1"));

        assertThat(policy.of("xa.b").priority()).isEqualTo(1);
        assertThat(policy.of("a.bx").priority()).isEqualTo(1);
        assertThat(policy.of("aXb").priority()).isZero();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "guaranteed=1                    | colon",
                "a b: maximum=1                  | symbolic name",
                "a: maximum                      | key=value",
                "a: most=1                       | most=1",
                "a: maximum=-1                   | 0 to 65535",
                "a: maximum=x                    | 0 to 65535",
                "a: priority=101                 | 0 to 100",
                "a: guaranteed=3 maximum=2       | more than maximum",
                "a: maximum=1 maximum=2          | second time",
            })
    void namesWhatIsWrongAndWhatIsAllowed(String line, String why) {
        assertThatThrownBy(() -> Policy.parse(List.of(line)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("\"" + line + "\"")
                .hasMessageContaining(why)
                .hasMessageContaining("Allowed: symbolic-name: guaranteed=");
    }

    @Test
    void refusesASecondRuleForTheSamePattern() {
        assertThatThrownBy(() -> Policy.parse(List.of("a: maximum=1", "a: maximum=2")))
                .hasMessageContaining("already");
    }
}
