package io.doorbell.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Commands that ask a running node of the assembled distribution. One node serves all tests. */
class RemoteIT {
    private static final Duration BOUND = Duration.ofSeconds(180);

    @TempDir
    private static Path folder;

    private static Path home;
    private static NodeProcess node;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @BeforeAll
    static void start() throws IOException {
        home = folder.resolve("home");
        NodeProcess.listenersOf(home);
        node = NodeProcess.run(folder, home);
        node.awaitOutput("management at");
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    private int run(String... command) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        var words = new ArrayList<>(List.of(command));
        words.add("--home");
        words.add(home.toString());
        return Main.run(new PrintWriter(out, true), new PrintWriter(err, true), words.toArray(String[]::new));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "leases",
                "controllers",
                "subsystems",
                "hosts",
                "connections",
                "bundles",
                "config",
                "config io.doorbell.resources",
                "top --interval 1 --count 1"
            })
    void eachIsAnsweredAsATableAndAsJson(String line) {
        await().atMost(BOUND)
                .untilAsserted(() ->
                        assertThat(run(line.split(" "))).as(out + " " + err).isZero());
        assertThat(out.toString()).isNotBlank();
        assertThat(err.toString()).isEmpty();

        assertThat(run((line + " --json").split(" "))).as(err.toString()).isZero();
        assertThat(out.toString())
                .satisfies(json -> assertThat(JSON.std.anyFrom(json)).isNotNull());
    }

    @Test
    void statusSaysWhereThePageIs() {
        await().atMost(BOUND).untilAsserted(() -> {
            run("status");
            assertThat(out.toString()).contains(home.toString(), "http://127.0.0.1:", "namespaces   3");
        });
    }

    @Test
    void whatIsNotThereIsNamed() {
        assertThat(run("revoke", "987654")).isEqualTo(1);
        assertThat(err.toString()).startsWith("doorbell: ").contains("987654").hasLineCount(1);

        await().atMost(BOUND)
                .untilAsserted(() -> assertThat(run("config", "io.doorbell.tcp.target~tcp0", "name"))
                        .isZero());
        assertThat(out.toString().strip()).isEqualTo("tcp0");
        assertThat(run("config", "io.doorbell.nothing")).isEqualTo(1);
        assertThat(err.toString()).contains("no configuration io.doorbell.nothing.cfg; there are ", "io.doorbell.pcie");
        assertThat(run("config", "io.doorbell.tcp.target~tcp0", "nothing")).isEqualTo(1);
        assertThat(err.toString())
                .startsWith("doorbell: nothing does not stand in")
                .hasLineCount(1);

        assertThat(run("undeploy", "nothing")).isEqualTo(1);
        assertThat(err.toString()).contains("no plug-in 'nothing' in deploy/; there are io.doorbell.bundle-admin");

        assertThat(run("deploy", "gone.jar")).isEqualTo(1);
        assertThat(err.toString()).isEqualTo("doorbell: there is no file gone.jar\n");
        assertThat(run("deploy", home.resolve("config/logback.xml").toString())).isEqualTo(1);
        assertThat(err.toString()).contains(".jar at the end").hasLineCount(1);
    }

    @Test
    void aPlugInIsDeployedReplacedAndTakenAway() throws IOException {
        var name = "io.doorbell.bundle-admin";
        var delivered = NodeProcess.distribution().resolve("deploy/bundle-admin-" + NodeProcess.version() + ".jar");
        var newer = LocalNode.withVersion(delivered, "99.1.0", folder.resolve("bundle-admin-99.1.0.jar"));

        assertThat(run("deploy", newer.toString())).as(err.toString()).isZero();
        assertThat(out.toString().strip()).isEqualTo(name + " 99.1.0: ACTIVE");

        assertThat(run("undeploy", name)).as(err.toString()).isZero();
        assertThat(out.toString())
                .contains(
                        name + " is gone",
                        newer.getFileName().toString(),
                        delivered.getFileName().toString());
        assertThat(run("bundles")).isZero();
        assertThat(out.toString()).doesNotContain(name).contains("io.doorbell.bundle-tcp");

        assertThat(run("deploy", delivered.toString(), "--json"))
                .as(err.toString())
                .isZero();
        assertThat(JSON.std.mapFrom(out.toString()))
                .containsEntry("name", name)
                .containsEntry("version", NodeProcess.version())
                .containsEntry("state", "ACTIVE");
    }

    @Test
    void eventsAreFollowedAsTheyHappen() throws Exception {
        var operator = NodeOverHttp.operator(node, home);
        try (var words = NodeProcess.doorbell(folder, "events", "--follow", "--home", home.toString());
                var json = NodeProcess.doorbell(folder, "events", "-f", "--json", "--home", home.toString())) {
            // What was before comes first.
            words.awaitOutput("link.up", "tcp0");
            json.awaitOutput("\"link.up\"", "\"tcp0\"");

            operator.done("Bundles", "drain", "io.doorbell.bundle-perf");
            operator.done("Bundles", "start", "io.doorbell.bundle-perf");

            words.awaitOutput("bundle.stopped", "io.doorbell.bundle-perf");
            words.awaitOutput("bundle.started", "io.doorbell.bundle-perf");
            json.awaitOutput("\"bundle.stopped\"", "io.doorbell.bundle-perf");
            json.awaitOutput("\"bundle.started\"", "io.doorbell.bundle-perf");
            var said = json.output();
            for (var line :
                    said.substring(0, said.lastIndexOf('\n') + 1).lines().toList()) {
                assertThat(JSON.std.mapFrom(line)).containsKeys("id", "timeMillis", "kind", "subject", "message");
            }
            words.terminate();
            words.exitCode(BOUND);
        }
    }

    @Test
    void supportHasNoPassword() throws IOException {
        var file = folder.resolve("support.zip");

        assertThat(run("support", "-o", file.toString())).as(err.toString()).isZero();
        assertThat(run("support", "-o", folder.resolve("none/support.zip").toString()))
                .isEqualTo(1);
        assertThat(err.toString()).contains("nothing can be written into " + folder.resolve("none"), "-o FILE");

        var password = Files.readString(home.resolve("var/management.password")).strip();
        try (var zip = new ZipFile(file.toFile())) {
            assertThat(zip.getEntry("doorbell-support/node/Leases.json")).isNotNull();
            for (var entry : Collections.list(zip.entries())) {
                assertThat(new String(zip.getInputStream(entry).readAllBytes()))
                        .as(entry.getName())
                        .doesNotContain(password);
            }
        }
    }
}
