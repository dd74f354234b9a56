package io.doorbell.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TcpSocketTest {
    private static final long BOUND_NANOS = TimeUnit.SECONDS.toNanos(60);

    private final NativeMemory memory = NativeMemory.allocate(1 << 16);
    private final SocketVector out = new SocketVector(memory, 4);
    private final SocketVector in = new SocketVector(memory, 4);
    private final Epoll epoll = new Epoll(8);

    @AfterEach
    void close() {
        epoll.close();
        out.close();
        in.close();
        memory.close();
    }

    private static long deadline() {
        return System.nanoTime() + BOUND_NANOS;
    }

    private static InetSocketAddress loopback(String address) throws Exception {
        return new InetSocketAddress(InetAddress.getByName(address), 0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "::1"})
    void carriesPartsBothWays(String address) throws Exception {
        try (var listening = TcpSocket.listen(loopback(address), 4);
                var client = TcpSocket.connect(listening.localAddress())) {
            assertThat(listening.awaitReadable(deadline())).isTrue();
            try (var server = listening.accept()) {
                client.finishConnect();
                server.noDelay();
                assertThat(server.peerAddress()).isEqualTo(client.localAddress());
                var bytes = memory.segment();
                for (int i = 0; i < 300; i++) {
                    bytes.set(ValueLayout.JAVA_BYTE, i, (byte) i);
                }

                out.clear();
                out.add(200, 100);
                out.add(0, 50);
                out.add(50, 50);
                assertThat(out.bytes()).isEqualTo(200);
                assertThat(client.send(out)).isEqualTo(200);

                assertThat(server.awaitReadable(deadline())).isTrue();
                in.clear();
                in.add(1000, 150);
                in.add(2000, 1000);
                assertThat(server.receive(in)).isEqualTo(200);
                assertThat(bytes.asSlice(1000, 100).mismatch(bytes.asSlice(200, 100)))
                        .isEqualTo(-1);
                assertThat(bytes.asSlice(1100, 50).mismatch(bytes.asSlice(0, 50)))
                        .isEqualTo(-1);
                assertThat(bytes.asSlice(2000, 50).mismatch(bytes.asSlice(50, 50)))
                        .isEqualTo(-1);
                assertThat(server.receive(in)).isEqualTo(TcpSocket.AGAIN);
                client.shutdownOutput();
                assertThat(server.awaitReadable(deadline())).isTrue();
                assertThat(server.receive(in)).isEqualTo(TcpSocket.END);
            }
        }
    }

    @Test
    void tellsWhoHasSomethingToDo() throws Exception {
        try (var listening = TcpSocket.listen(loopback("127.0.0.1"), 4)) {
            epoll.add(listening, 42, true, false);
            assertThat(epoll.look()).isZero();

            try (var client = TcpSocket.connect(listening.localAddress())) {
                assertThat(listening.awaitReadable(deadline())).isTrue();
                assertThat(epoll.look()).isEqualTo(1);
                assertThat(epoll.id(0)).isEqualTo(42);
                assertThat(epoll.isReadable(0)).isTrue();
                try (var server = listening.accept()) {
                    epoll.add(server, 7, true, true);
                    assertThat(epoll.look()).isEqualTo(1);
                    assertThat(epoll.id(0)).isEqualTo(7);
                    assertThat(epoll.isReadable(0)).isFalse();
                    assertThat(epoll.isWritable(0)).isTrue();

                    epoll.modify(server, 7, true, false);
                    assertThat(epoll.look()).isZero();
                    client.shutdownOutput();
                    assertThat(server.awaitReadable(deadline())).isTrue();
                    assertThat(epoll.look()).isEqualTo(1);
                    assertThat(epoll.isReadable(0)).isTrue();
                    epoll.remove(server);
                    assertThat(epoll.look()).isZero();
                }
            }
        }
    }

    @Test
    void anEventFdEndsItsWaitByAnEpollToo() throws Exception {
        try (var listening = TcpSocket.listen(loopback("127.0.0.1"), 4);
                var sign = EventFd.create()) {
            epoll.add(listening, 1, true, false);
            sign.alsoOn(epoll.fd());
            assertThat(sign.await(0)).isFalse();

            try (var client = TcpSocket.connect(listening.localAddress())) {
                assertThat(sign.await(BOUND_NANOS)).isTrue();
                assertThat(sign.drain()).isZero();
                assertThat(client.awaitWritable(deadline())).isTrue();

                sign.alsoOn();
                assertThat(sign.await(0)).isFalse();
                sign.signal();
                assertThat(sign.await(BOUND_NANOS)).isTrue();
            }
        }
    }

    @Test
    void saysThatNobodyListens() throws Exception {
        InetSocketAddress free;
        try (var listening = TcpSocket.listen(loopback("127.0.0.1"), 4)) {
            free = listening.localAddress();
            assertThatThrownBy(() -> TcpSocket.listen(free, 4))
                    .isInstanceOf(PlatformException.class)
                    .hasMessageContaining("EADDRINUSE");
        }
        try (var client = TcpSocket.connect(free)) {
            assertThat(client.awaitWritable(deadline())).isTrue();
            assertThatThrownBy(client::finishConnect)
                    .isInstanceOf(PlatformException.class)
                    .hasMessageContaining("ECONNREFUSED");
        } catch (PlatformException atOnce) {
            assertThat(atOnce).hasMessageContaining("ECONNREFUSED");
        }
    }

    @Test
    void aVectorStaysInItsMemoryAndKeepsItMapped() {
        assertThatThrownBy(() -> out.add(1 << 16, 1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> out.add((1 << 16) - 1, 2)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> out.add(-1, 2)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> out.add(0, 0)).isInstanceOf(IndexOutOfBoundsException.class);
        out.clear();
        for (int i = 0; i < 4; i++) {
            assertThat(out.add(i * 100, 10)).isTrue();
        }
        assertThat(out.add(1000, 10)).isFalse();
        assertThat(out.add(310, 10)).isTrue();
        assertThat(out.bytes()).isEqualTo(50);
        assertThatThrownBy(memory::close).isInstanceOf(IllegalStateException.class);
    }
}
