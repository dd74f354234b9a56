package io.doorbell.deployment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.doorbell.configuration.ConfigurationFiles;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigurationTextTest {
    private static final String TEXT = """
        # What it is for.
        depth = 64

        # Another, with its default:
        # name = first
        """;

    @Test
    void aValueIsChangedWhereItStandsAndNothingElseIs() {
        assertThat(ConfigurationText.with(TEXT, Map.of("depth", "128"))).isEqualTo(TEXT.replace("64", "128"));
    }

    @Test
    void aDefaultThatStandsThereAsACommentGivesWay() {
        assertThat(ConfigurationText.with(TEXT, Map.of("name", "second")))
                .isEqualTo(TEXT.replace("# name = first", "name = second"));
    }

    @Test
    void aKeyThatIsNotThereComesLastAndOneThatIsUnsetGoes() {
        assertThat(ConfigurationText.with(TEXT, Map.of("nam", "x"))).isEqualTo(TEXT + "nam = x\n");
        assertThat(ConfigurationText.with(TEXT, Map.of("depth", ConfigurationFiles.UNSET)))
                .isEqualTo(TEXT.replace("depth = 64\n", ""));
        assertThat(ConfigurationText.with("", Map.of("depth", "1"))).isEqualTo("depth = 1\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"1\nname = evil", "1\r", "\0\0", "a\u0007"})
    void aValueIsOneLine(String value) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ConfigurationText.with(TEXT, Map.of("depth", value)))
                .withMessageContaining("one line");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a b", "# x", "a=b", "a\nb", ".x"})
    void aKeyIsAWord(String key) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ConfigurationText.with(TEXT, Map.of(key, "1")))
                .withMessageContaining("is no key");
    }

    @Test
    void listsComeBackAsTheyWere() {
        var elements = List.of("1=file:1GiB:4096:a,b", "back\\slash", "plain");

        assertThat(Option.split(ConfigurationFiles.list(elements))).isEqualTo(elements);
    }
}
