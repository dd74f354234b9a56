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
                "demo nvme0",
                "pci",
                "pci bind",
                "pci bind nvme0",
                "pci unbind 01:00.0 02:00.0",
                "pci list --fly"
            })
    void whatIsNotUnderstoodGetsTheUsageOnStderrAndExitCodeTwo(String line) {
        var exit = run(line.isEmpty() ? new String[0] : line.split(" "));

        assertThat(exit).isEqualTo(2);
        assertThat(err.toString()).contains("Usage: doorbell");
        assertThat(out.toString()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"--help", "run --help", "demo --help", "pci --help", "pci bind --help"})
    void helpGoesToStdoutWithExitCodeZero(String line) {
        assertThat(run(line.split(" "))).isZero();
        assertThat(out.toString()).startsWith("Usage: doorbell");
        assertThat(err.toString()).isEmpty();
    }

    /** Of whatever machine this is: nothing is changed, and no node is needed. */
    @Test
    void theBusIsListedAsATableAndAsJson() {
        assertThat(run("pci", "list", "--all")).isZero();
        assertThat(run("pci", "list", "--all", "--json")).isZero();

        assertThat(out.toString()).contains("address", "driver", "group", "[").endsWith("]\n");
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void aFunctionThatIsNotThereIsNotBound() {
        assertThat(run("pci", "bind", "ffff:ff:1f.7")).isEqualTo(1);
        assertThat(err.toString()).startsWith("doorbell: ffff:ff:1f.7").hasLineCount(1);
    }

    @Test
    void aRefusalIsOneLineWithoutAStackTrace() {
        var exit = run("run", "--home", "/proc/doorbell");

        assertThat(exit).isEqualTo(1);
        assertThat(err.toString()).startsWith("doorbell: ").hasLineCount(1);
    }
}
