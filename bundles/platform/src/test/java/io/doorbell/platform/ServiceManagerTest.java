package io.doorbell.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ServiceManagerTest {
    @TempDir
    private Path folder;

    private static ServiceManager at(String path) {
        return ServiceManager.of(Map.of("NOTIFY_SOCKET", path)).orElseThrow();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatIsToldArrivesAsOneDatagram(boolean inTheAbstractNamespace) {
        var path = inTheAbstractNamespace
                ? "@doorbell-test-" + ProcessHandle.current().pid()
                : folder.resolve("notify").toString();
        try (var manager = new NotifySocket(path)) {
            at(path).tell("READY=1\nSTATUS=up");
            at(path).tell("STOPPING=1");

            // A datagram is there as soon as it was sent.
            assertThat(manager.next()).contains("READY=1\nSTATUS=up");
            assertThat(manager.next()).contains("STOPPING=1");
            assertThat(manager.next()).isEmpty();
        }
    }

    @Test
    void aManagerThatIsGoneIsToldOf() {
        var path = folder.resolve("gone").toString();
        try (var _ = new NotifySocket(path)) {
            at(path).tell("READY=1");
        }

        assertThatThrownBy(() -> at(path).tell("READY=1"))
                .isInstanceOf(PlatformException.class)
                .hasMessageContaining(path);
    }

    @Test
    void aManagerThatDoesNotReadHoldsNobodyUp() {
        var path = folder.resolve("full").toString();
        try (var _ = new NotifySocket(path)) {
            for (int i = 0; i < 10_000; i++) {
                at(path).tell("WATCHDOG=1");
            }
        }
    }

    @Test
    void withoutOneThereIsNobodyToTell() {
        assertThat(ServiceManager.of(Map.of())).isEmpty();
        assertThat(ServiceManager.of(Map.of("NOTIFY_SOCKET", "vsock:2:1"))).isEmpty();
        assertThatThrownBy(() -> ServiceManager.of(Map.of("NOTIFY_SOCKET", "/" + "a".repeat(107))))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> at("/nowhere").tell("a".repeat(2000))).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void theWatchdogIsThatOfThisProcess() {
        var environment = new HashMap<>(Map.of("NOTIFY_SOCKET", "/a", "WATCHDOG_USEC", "30000000"));
        assertThat(ServiceManager.of(environment).orElseThrow().watchdog()).isEqualTo(Duration.ofSeconds(30));

        environment.put("WATCHDOG_PID", Long.toString(ProcessHandle.current().pid()));
        assertThat(ServiceManager.of(environment).orElseThrow().watchdog()).isEqualTo(Duration.ofSeconds(30));

        environment.put("WATCHDOG_PID", "1");
        assertThat(ServiceManager.of(environment).orElseThrow().watchdog()).isEqualTo(Duration.ZERO);
        environment.remove("WATCHDOG_PID");
        environment.put("WATCHDOG_USEC", "soon");
        assertThat(ServiceManager.of(environment).orElseThrow().watchdog()).isEqualTo(Duration.ZERO);
    }
}
