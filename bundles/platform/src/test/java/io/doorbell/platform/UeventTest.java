package io.doorbell.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class UeventTest {
    private static final Path NULL_DEVICE = Path.of("/sys/class/mem/null/uevent");

    private static final long BOUND_NANOS = TimeUnit.SECONDS.toNanos(60);

    private static byte[] message(String... words) {
        return (String.join("\0", words) + "\0").getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void isAnActionAPathAndValues() {
        var news = Uevent.decode(message(
                        "unbind@/devices/pci0000:00/0000:00:04.0/0000:01:00.0",
                        "ACTION=unbind",
                        "SUBSYSTEM=pci",
                        "PCI_SLOT_NAME=0000:01:00.0",
                        "NOTHING",
                        "=x",
                        "EMPTY="))
                .orElseThrow();

        assertThat(news.action()).isEqualTo("unbind");
        assertThat(news.path()).isEqualTo("/devices/pci0000:00/0000:00:04.0/0000:01:00.0");
        assertThat(news.value("PCI_SLOT_NAME")).isEqualTo("0000:01:00.0");
        assertThat(news.value("EMPTY")).isEmpty();
        assertThat(news.value("DRIVER")).isEmpty();
        assertThat(news.values()).hasSize(4);
    }

    @Test
    void whatIsNotOfTheKernelIsNone() {
        assertThat(Uevent.decode(message("libudev", "x"))).isEmpty();
        assertThat(Uevent.decode(message("@/devices"))).isEmpty();
        assertThat(Uevent.decode(new byte[] {0})).isEmpty();
        assertThat(Uevent.decode(new byte[0])).isEmpty();
    }

    @Test
    void aWokenWaitReturnsAtOnceWithoutNews() {
        try (var socket = UeventSocket.open()) {
            socket.wake();

            long start = System.nanoTime();
            var batch = socket.await(TimeUnit.SECONDS.toNanos(15));

            assertThat(batch.complete()).isTrue();
            assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(60));
        }
    }

    /** Empty when the kernel tells of a device now; containers have a /sys that looks writable to root and is not. */
    private static String refusalToTell() {
        try {
            Files.writeString(NULL_DEVICE, "change");
            return "";
        } catch (IOException readOnly) {
            return readOnly.toString();
        }
    }

    @Test
    void newsOfTheKernelArrive() {
        assumeTrue(Files.isWritable(NULL_DEVICE), "only root makes the kernel tell something");
        try (var socket = UeventSocket.open()) {
            var refusal = refusalToTell();
            assumeTrue(refusal.isEmpty(), "the kernel cannot be made to tell something here: " + refusal);

            boolean seen = false;
            long deadline = System.nanoTime() + BOUND_NANOS;
            for (long left = BOUND_NANOS; !seen && left > 0; left = deadline - System.nanoTime()) {
                seen = socket.await(left).news().stream()
                        .anyMatch(news ->
                                news.action().equals("change") && news.path().endsWith("/mem/null"));
            }
            assertThat(seen).as("the kernel told of the change within 10 s").isTrue();
        }
    }

    @Test
    void isOfNoUseAfterItsClose() {
        var socket = UeventSocket.open();
        socket.close();
        socket.close();
        socket.wake();

        assertThatThrownBy(() -> socket.await(1)).isInstanceOf(IllegalStateException.class);
    }
}
