package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(300)
class UnixSocketTest {
    private static final long MINUTE_NANOS = TimeUnit.MINUTES.toNanos(1);

    @TempDir
    Path directory;

    private final List<Descriptor> received = new ArrayList<>();

    @Test
    void carriesBytesBothWays() {
        try (var ends = new Ends()) {
            ends.one.send(text("hello"), MINUTE_NANOS);
            ends.other.send(text("world"), MINUTE_NANOS);

            assertThat(receiveText(ends.other)).isEqualTo("hello");
            assertThat(receiveText(ends.one)).isEqualTo("world");
            assertThat(received).isEmpty();
        }
    }

    @Test
    void carriesMoreThanTheKernelHoldsAtOneTime() throws Exception {
        var bytes = new byte[3 << 20];
        new Random(7).nextBytes(bytes);
        try (var ends = new Ends()) {
            var sent = CompletableFuture.runAsync(() -> ends.one.send(MemorySegment.ofArray(bytes), MINUTE_NANOS));

            var got = MemorySegment.ofArray(new byte[bytes.length]);
            long count = 0;
            while (count < bytes.length) {
                count += ends.other.receive(got.asSlice(count), received, MINUTE_NANOS);
            }

            sent.get(60, TimeUnit.SECONDS);
            assertThat(got.toArray(JAVA_BYTE)).isEqualTo(bytes);
        }
    }

    @Test
    void carriesDescriptorsWithTheFirstByte() {
        try (var ends = new Ends();
                var memory = SharedMemory.create("passed", 8_192, MappingOptions.ORDINARY);
                var sign = EventFd.create()) {
            memory.segment().set(JAVA_LONG, 4_096, 17);

            ends.one.send(text("two"), MINUTE_NANOS, memory.fd(), sign.fd());
            int count = ends.other.receive(MemorySegment.ofArray(new byte[1]), received, MINUTE_NANOS);

            assertThat(count).isEqualTo(1);
            assertThat(received).hasSize(2);
            try (var peer = PeerMemory.map(received.get(0), 4_096, 4_096);
                    var peerSign = EventFd.of(received.get(1))) {
                assertThat(peer.segment().get(JAVA_LONG, 0)).isEqualTo(17);
                peerSign.signal();
                assertThat(sign.drain()).isEqualTo(1);
            }
            Descriptor.closeAll(received);
        }
    }

    @Test
    void takesNothingButAnEventFdForAnEventFd() throws Exception {
        try (var ends = new Ends();
                var memory = SharedMemory.create("none", 4_096, MappingOptions.ORDINARY)) {
            int open = openDescriptors();
            ends.one.send(text("a"), MINUTE_NANOS, memory.fd());
            receiveText(ends.other);

            assertThatThrownBy(() -> EventFd.of(received.getFirst()))
                    .isInstanceOf(PlatformException.class)
                    .hasMessageContaining("not an eventfd but /memfd:none");
            assertThat(openDescriptors()).isEqualTo(open);
        }
    }

    @Test
    void keepsTheDescriptorsOfTwoMessagesApart() {
        try (var ends = new Ends();
                var first = EventFd.create();
                var second = EventFd.create()) {
            ends.one.send(text("a"), MINUTE_NANOS, first.fd());
            ends.one.send(text("b"), MINUTE_NANOS, second.fd());

            assertThat(receiveText(ends.other)).isEqualTo("a");
            assertThat(received).hasSize(1);
            assertThat(receiveText(ends.other)).isEqualTo("b");
            assertThat(received).hasSize(2);
            Descriptor.closeAll(received);
        }
    }

    @Test
    void closesDescriptorsBeyondTheMost() throws Exception {
        int open;
        try (var ends = new Ends();
                var sign = EventFd.create()) {
            var most = new int[UnixSocket.MAX_DESCRIPTORS];
            java.util.Arrays.fill(most, sign.fd());
            open = openDescriptors();

            ends.one.send(text("a"), MINUTE_NANOS, most);
            ends.one.send(text("b"), MINUTE_NANOS, most);
            receiveText(ends.other);
            receiveText(ends.other);

            assertThat(received).hasSize(UnixSocket.MAX_DESCRIPTORS);
            assertThat(openDescriptors()).isEqualTo(open + UnixSocket.MAX_DESCRIPTORS);
            Descriptor.closeAll(received);
            assertThat(openDescriptors()).isEqualTo(open);
        }
    }

    @Test
    void receivedDescriptorsAreClosedOnExec() throws Exception {
        try (var ends = new Ends();
                var sign = EventFd.create()) {
            ends.one.send(text("a"), MINUTE_NANOS, sign.fd());
            receiveText(ends.other);

            var flags = Files.readAllLines(
                            Path.of("/proc/self/fdinfo/" + received.get(0).fd()))
                    .stream()
                    .filter(line -> line.startsWith("flags:"))
                    .findFirst()
                    .orElseThrow();

            assertThat(Long.parseLong(flags.substring(6).strip(), 8) & 0x80000)
                    .as("O_CLOEXEC")
                    .isNotZero();
            Descriptor.closeAll(received);
        }
    }

    @Test
    void receiveEndsAfterItsTimeout() {
        try (var ends = new Ends()) {
            long startNanos = System.nanoTime();

            int count = ends.one.receive(MemorySegment.ofArray(new byte[8]), received, 3_000_000);

            assertThat(count).isZero();
            assertThat(System.nanoTime() - startNanos).isGreaterThanOrEqualTo(3_000_000);
        }
    }

    @Test
    void sendEndsAfterItsTimeoutWhenThePeerDoesNotRead() {
        try (var ends = new Ends()) {
            assertThatThrownBy(() -> ends.one.send(MemorySegment.ofArray(new byte[8 << 20]), 3_000_000))
                    .isInstanceOf(PlatformException.class)
                    .hasMessageContaining("ETIMEDOUT");
        }
    }

    @Test
    void tellsTheEndOfThePeer() {
        try (var ends = new Ends()) {
            ends.other.send(text("last"), MINUTE_NANOS);
            assertThat(ends.one.peerHasLeft()).isFalse();
            ends.other.close();

            assertThat(ends.one.peerHasLeft())
                    .as("before the last of it is received")
                    .isTrue();
            assertThat(receiveText(ends.one)).isEqualTo("last");
            assertThat(ends.one.receive(MemorySegment.ofArray(new byte[8]), received, MINUTE_NANOS))
                    .isEqualTo(UnixSocket.END);
            assertThatThrownBy(() -> ends.one.send(text("nobody"), MINUTE_NANOS))
                    .isInstanceOf(PlatformException.class)
                    .hasMessageContaining("EPIPE");
        }
    }

    @Test
    void closeWakesWhoeverReceives() throws Exception {
        try (var ends = new Ends()) {
            var waiting = CompletableFuture.supplyAsync(() -> catchThrowable(() -> receiveText(ends.one)));
            TaskCalls.awaitPpoll();

            ends.one.close();

            assertThat(waiting.get(60, TimeUnit.SECONDS)).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void nothingWorksAfterClose() {
        try (var ends = new Ends()) {
            ends.one.close();
            ends.one.close();

            assertThatThrownBy(() -> ends.one.send(text("a"), 0)).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> receiveText(ends.one)).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(ends.one::shutdown).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void connectsToWhoeverListens() {
        var path = directory.resolve("cntrl");
        try (var listener = UnixListener.listen(path, 1);
                var client = UnixSocket.connect(path, Duration.ofSeconds(1));
                var server = listener.accept(MINUTE_NANOS)) {
            client.send(text("hello"), MINUTE_NANOS);

            assertThat(receiveText(server)).isEqualTo("hello");
        }
    }

    @Test
    void listensForThisUserOnlyAndRemovesThePathOnClose() throws Exception {
        var path = directory.resolve("cntrl");
        var listener = UnixListener.listen(path, 1);

        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                .isEqualTo("rw-------");
        listener.close();
        listener.close();

        assertThat(path).doesNotExist();
        assertThatThrownBy(() -> UnixSocket.connect(path, Duration.ofSeconds(1)))
                .isInstanceOf(PlatformException.class)
                .hasMessageContaining("ENOENT");
    }

    @Test
    void acceptEndsAfterItsTimeoutAndByClose() throws Exception {
        var listener = UnixListener.listen(directory.resolve("cntrl"), 1);
        assertThat(listener.accept(1_000_000)).isNull();
        var waiting = CompletableFuture.supplyAsync(() -> catchThrowable(() -> listener.accept(MINUTE_NANOS)));
        TaskCalls.awaitPpoll();

        listener.close();

        assertThat(waiting.get(60, TimeUnit.SECONDS)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void replacesASocketThatAKilledProcessLeft() throws Exception {
        var path = directory.resolve("cntrl");
        try (var left = java.nio.channels.ServerSocketChannel.open(java.net.StandardProtocolFamily.UNIX)) {
            left.bind(java.net.UnixDomainSocketAddress.of(path));
        }
        assertThat(path).exists();

        try (var listener = UnixListener.listen(path, 1);
                var client = UnixSocket.connect(path, Duration.ofSeconds(1))) {
            assertThat(listener.accept(MINUTE_NANOS)).isNotNull().satisfies(UnixSocket::close);
            assertThat(client).isNotNull();
        }
    }

    @Test
    void doesNotReplaceALivingSocketNorAFile() throws Exception {
        var path = directory.resolve("cntrl");
        try (var listener = UnixListener.listen(path, 1)) {
            assertThatThrownBy(() -> UnixListener.listen(path, 1))
                    .isInstanceOf(PlatformException.class)
                    .hasMessageContainingAll("bind to " + path, "EADDRINUSE");
            assertThat(listener.path()).isEqualTo(path);
        }
        Files.writeString(path, "precious");

        assertThatThrownBy(() -> UnixListener.listen(path, 1)).hasMessageContaining("EADDRINUSE");
        assertThat(path).hasContent("precious");
    }

    @Test
    void closeLeavesASocketOfAnotherAtItsPath() throws Exception {
        var path = directory.resolve("cntrl");
        var first = UnixListener.listen(path, 1);
        Files.delete(path);
        try (var second = UnixListener.listen(path, 1)) {
            first.close();

            assertThat(second.path()).exists();
        }
    }

    @Test
    void saysHowLongAPathMayBe() {
        var path = directory.resolve("a".repeat(100));

        assertThatThrownBy(() -> UnixSocket.connect(path, Duration.ZERO))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("1 to 107 bytes");
    }

    private String receiveText(UnixSocket socket) {
        var buffer = new byte[64];
        int count = socket.receive(MemorySegment.ofArray(buffer), received, MINUTE_NANOS);
        return new String(buffer, 0, count, StandardCharsets.UTF_8);
    }

    private static MemorySegment text(String text) {
        return MemorySegment.ofArray(text.getBytes(StandardCharsets.UTF_8));
    }

    private static int openDescriptors() throws IOException {
        try (var descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return (int) descriptors.count();
        }
    }

    /** A pair that is closed. */
    private static final class Ends implements AutoCloseable {
        final UnixSocket one;
        final UnixSocket other;

        Ends() {
            var pair = UnixSocket.pair();
            one = pair.get(0);
            other = pair.get(1);
        }

        @Override
        public void close() {
            one.close();
            other.close();
        }
    }
}
