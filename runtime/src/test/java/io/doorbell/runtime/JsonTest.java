package io.doorbell.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
    @Test
    void readsEveryKindOfValue() {
        assertThat(Json.parse(" {\"a\": [1, -2.5e3, true, false, null, \"x\"], \"b\": {}, \"c\": [] } "))
                .isEqualTo(Map.of(
                        "a", Arrays.asList(1.0, -2500.0, true, false, null, "x"), "b", Map.of(), "c", List.of()));
    }

    @Test
    void readsEscapesAndWritesWhatItReads() {
        assertThat(Json.parse("\"a\\\"\\\\\\/\\n\\t\\u00e9\"")).isEqualTo("a\"\\/\n\té");
        assertThat(Json.parse(Json.quote("a\"\\\n\u0001é"))).isEqualTo("a\"\\\n\u0001é");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "[1,]",
                "{\"a\"}",
                "{a: 1}",
                "[1 2]",
                "\"a",
                "\"\\x\"",
                "\"\\u12\"",
                "nul",
                "1 2",
                "--1",
                "\"\\"
            })
    void whatIsNotJsonIsRefusedWithThePosition(String text) {
        assertThatThrownBy(() -> Json.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("at position");
    }

    @Test
    void depthIsBounded() {
        assertThatThrownBy(() -> Json.parse("[".repeat(100_000)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("at most 32 levels");
    }
}
