package io.doorbell.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
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
                "pci list --fly",
                "key",
                "key dhchap --hash md5",
                "key dhchap --length 33",
                "key dhchap --hash sha256 --length 48",
                "key tls --hash sha512",
                "key check",
                "key check file --host nqn.2014-08.org.example:a",
                "revoke",
                "revoke seven",
                "deploy",
                "undeploy",
                "status now"
            })
    void whatIsNotUnderstoodGetsTheUsageOnStderrAndExitCodeTwo(String line) {
        var exit = run(line.isEmpty() ? new String[0] : line.split(" "));

        assertThat(exit).isEqualTo(2);
        assertThat(err.toString()).startsWith("doorbell: ").contains("Usage: doorbell");
        assertThat(out.toString()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--help",
                "run --help",
                "demo --help",
                "pci --help",
                "pci bind --help",
                "key --help",
                "key dhchap --help"
            })
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
    void bashCanReadWhatCompletesThisCommandLine(@TempDir Path folder) throws IOException, InterruptedException {
        assertThat(run("completion")).isZero();
        var script = folder.resolve("completion");
        Files.writeString(
                script,
                out + "\nCOMP_WORDS=(./doorbell con); COMP_CWORD=1; _complete_doorbell; echo \"${COMPREPLY[*]}\"\n");

        var bash = new ProcessBuilder("bash", "-c", "source '" + script + "'").start();

        assertThat(new String(bash.getInputStream().readAllBytes()).strip().split("\\s+"))
                .containsExactlyInAnyOrder("config", "controllers", "connections");
        assertThat(bash.waitFor()).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"status", "top", "leases", "revoke 7", "bundles", "undeploy a", "events", "config"})
    void withoutANodeEachCommandSaysHowToStartOne(String line, @TempDir Path folder) {
        var command = (line + " --home " + folder).split(" ");

        assertThat(run(command)).isEqualTo(1);
        assertThat(err.toString())
                .startsWith("doorbell: no node runs in " + folder)
                .hasLineCount(1);
        assertThat(out.toString()).isEmpty();
    }

    @Test
    void aRefusalIsOneLineWithoutAStackTrace() {
        var exit = run("run", "--home", "/proc/doorbell");

        assertThat(exit).isEqualTo(1);
        assertThat(err.toString()).startsWith("doorbell: ").hasLineCount(1);
    }

    @Test
    void keysAreMadeAndLookedAt(@TempDir Path folder) throws IOException {
        var dhchap = folder.resolve("dhchap");
        var tls = folder.resolve("tls");
        assertThat(run("key", "dhchap", "--hash", "sha384", dhchap.toString())).isZero();
        assertThat(run("key", "tls", tls.toString())).isZero();
        assertThat(out.toString()).isEmpty();
        assertThat(Files.readString(dhchap)).startsWith("DHHC-1:02:");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(tls)))
                .isEqualTo("rw-------");

        assertThat(run("key", "check", dhchap.toString())).isZero();
        var host = "nqn.2014-08.org.example:host";
        assertThat(run("key", "check", tls.toString(), "--host", host, "--subsystem", "nqn.2014-08.org.example:it"))
                .isZero();
        assertThat(out.toString())
                .contains("DH-HMAC-CHAP key of 48 bytes, sha384")
                .contains("NVMe0R01 " + host + " nqn.2014-08.org.example:it\n")
                .contains("NVMe1R01 " + host)
                .doesNotContain("NVMeTLSkey");

        assertThat(run("key", "tls", tls.toString())).isEqualTo(1);
        assertThat(err.toString()).contains("is there already");
        Files.setPosixFilePermissions(dhchap, PosixFilePermissions.fromString("rw-r--r--"));
        assertThat(run("key", "check", dhchap.toString())).isEqualTo(1);
        assertThat(err.toString()).contains("chmod 600");
        assertThat(run("key", "dhchap")).isZero();
        assertThat(out.toString()).contains("DHHC-1:00:");
    }
}
