package io.doorbell.lab.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.lab.Case;
import io.doorbell.lab.Word;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The guest of these tests says what is written down for it, and then falls silent. */
class GuestTalkTest {
    private static final List<Case> CASES = List.of(Case.of("one", _ -> {}), Case.of("two", _ -> {}));

    @TempDir
    Path folder;

    private SocketChannel host;
    private SocketChannel guest;
    private final StringWriter printed = new StringWriter();
    private final Report report = new Report(new PrintWriter(printed));

    @BeforeEach
    void connect() throws IOException {
        var address = UnixDomainSocketAddress.of(folder.resolve("port"));
        try (var listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            listener.bind(address);
            host = SocketChannel.open(address);
            guest = listener.accept();
        }
    }

    @AfterEach
    void disconnect() throws IOException {
        host.close();
        guest.close();
    }

    private void says(String... lines) throws IOException {
        var out = Channels.newOutputStream(guest);
        out.write((String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8));
        guest.shutdownOutput();
    }

    private List<String> heard() throws IOException {
        host.shutdownOutput();
        return new BufferedReader(Channels.newReader(guest, StandardCharsets.UTF_8))
                .lines()
                .toList();
    }

    private void talk() throws IOException {
        new GuestTalk(host, GuestTalkTest::monitor, report).run(CASES);
        report.end();
    }

    private static Object monitor(String command, Map<String, Object> arguments) {
        if (!command.equals("device_del")) {
            throw new LabException(command + " was refused");
        }
        return arguments;
    }

    @Test
    void tellsTheGuestWhichCasesToRunAndReportsWhatCameOfThem() throws IOException {
        says("hello", "case one", "passed one 1500 7 MiB", "case two", "failed two 20 it broke: 1 is not 2", "done");

        talk();

        assertThat(heard()).containsExactly("run one two");
        assertThat(printed.toString().lines())
                .satisfiesExactly(
                        one -> assertThat(one).matches("ok +one +1\\.5 s  7 MiB"),
                        two -> assertThat(two).matches("FAILED +two +0\\.0 s  it broke: 1 is not 2"),
                        last -> assertThat(last).isEqualTo("1 passed, 1 failed"));
        assertThat(report.allPassed()).isFalse();
    }

    @Test
    void aNoteOfSeveralLinesIsAsManyInTheReport() throws IOException {
        var figures = Word.of(Word.Kind.PASSED, "one", 1500, "figures\n7 MiB\n8 MiB");
        says("hello", figures.toString(), "passed two 20", "done");

        talk();

        assertThat(printed.toString().lines())
                .satisfiesExactly(
                        one -> assertThat(one).matches("ok +one +1\\.5 s  figures"),
                        first -> assertThat(first).matches(" +7 MiB"),
                        second -> assertThat(second).matches(" +8 MiB"),
                        two -> assertThat(two).matches("ok +two +0\\.0 s"),
                        last -> assertThat(last).isEqualTo("2 passed, 0 failed"));
    }

    @Test
    void answersWhatTheMonitorSays() throws IOException {
        says("hello", "ask device_del {\"id\":\"hot0\"}", "ask quit", "passed one 1", "passed two 1", "done");

        talk();

        assertThat(heard()).containsExactly("run one two", "answer {\"id\":\"hot0\"}", "refused quit was refused");
        assertThat(report.allPassed()).isTrue();
    }

    @Test
    void casesThatAGuestDidNotGetToHaveFailed() throws IOException {
        says("hello", "case one");

        talk();

        assertThat(printed.toString())
                .contains("the guest ended in it")
                .contains("the guest ended before it")
                .endsWith("0 passed, 2 failed\n");
    }

    @Test
    void aGuestThatSaysSomethingElseIsAnError() throws IOException {
        says("panic");

        assertThatThrownBy(this::talk).isInstanceOf(LabException.class).hasMessageContaining("PANIC");
    }

    @Test
    void aGuestThatNeverCameUpHasNoCases() throws IOException {
        guest.close();

        assertThatThrownBy(this::talk).isInstanceOf(GuestTalk.NotBooted.class);

        assertThat(printed.toString()).isEmpty();
    }

    @Test
    void nothingPassedIsNoSuccess() {
        assertThat(report.allPassed()).isFalse();
    }
}
