package io.doorbell.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... args) {
        return Main.run(new PrintWriter(out, true), new PrintWriter(err, true), args);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "fly",
                "--fly",
                "run --fly",
                "run home",
                "demo --seconds",
                "demo --seconds many",
                "demo --seconds 0",
                "demo --seconds 3601",
                "demo nvme0"
            })
    void whatIsNotUnderstoodGetsTheUsageOnStderrAndExitCodeTwo(String line) {
        var exit = run(line.isEmpty() ? new String[0] : line.split(" "));

        assertThat(exit).isEqualTo(2);
        assertThat(err.toString()).contains("Usage: doorbell");
        assertThat(out.toString()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"--help", "run --help", "demo --help"})
    void helpGoesToStdoutWithExitCodeZero(String line) {
        assertThat(run(line.split(" "))).isZero();
        assertThat(out.toString()).startsWith("Usage: doorbell");
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void aRefusalIsOneLineWithoutAStackTrace() {
        var exit = run("run", "--home", "/proc/doorbell");

        assertThat(exit).isEqualTo(1);
        assertThat(err.toString()).startsWith("doorbell: ").hasLineCount(1);
    }
}
