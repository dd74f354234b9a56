package io.doorbell.lab.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QmpTest {
    @TempDir
    Path folder;

    /** What QEMU says is said at once; it waits in the socket until it is read. */
    private SocketChannel qemu(ServerSocketChannel listener, String... says) throws IOException {
        var qemu = listener.accept();
        var text = "{\"QMP\": {\"version\": {}}}\n{\"return\": {}}\n" + String.join("\n", says) + "\n";
        Channels.newOutputStream(qemu).write(text.getBytes(StandardCharsets.UTF_8));
        qemu.shutdownOutput();
        return qemu;
    }

    private ServerSocketChannel listener() throws IOException {
        return ServerSocketChannel.open(StandardProtocolFamily.UNIX)
                .bind(UnixDomainSocketAddress.of(folder.resolve("monitor")));
    }

    @Test
    void takesTheAnswerAndPassesEventsOver() throws IOException {
        try (var listener = listener();
                var monitor = SocketChannel.open(listener.getLocalAddress());
                var qemu =
                        qemu(listener, "{\"event\": \"DEVICE_DELETED\"}", "{\"return\": {\"status\": \"running\"}}")) {
            var qmp = Qmp.over(monitor);

            assertThat(qmp.execute("query-status", Map.of("a", 1))).isEqualTo(Map.of("status", "running"));

            monitor.shutdownOutput();
            var asked = new BufferedReader(Channels.newReader(qemu, StandardCharsets.UTF_8)).lines();
            assertThat(asked)
                    .satisfiesExactly(
                            first -> assertThat(first).contains("qmp_capabilities"),
                            second -> assertThat(second).contains("\"query-status\"", "\"arguments\":{\"a\":1}"));
        }
    }

    @Test
    void saysWhyQemuRefused() throws IOException {
        try (var listener = listener();
                var monitor = SocketChannel.open(listener.getLocalAddress());
                var _ = qemu(listener, "{\"error\": {\"class\": \"DeviceNotFound\", \"desc\": \"no hot9\"}}")) {
            var qmp = Qmp.over(monitor);

            assertThatThrownBy(() -> qmp.execute("device_del", Map.of("id", "hot9")))
                    .isInstanceOf(LabException.class)
                    .hasMessage("device_del was refused: no hot9");
        }
    }

    @Test
    void doesNotWaitForAQemuThatEnded() throws IOException {
        try (var listener = listener();
                var monitor = SocketChannel.open(listener.getLocalAddress());
                var _ = qemu(listener)) {
            var qmp = Qmp.over(monitor);

            assertThatThrownBy(() -> qmp.execute("quit", Map.of())).isInstanceOf(IOException.class);
        }
    }
}
