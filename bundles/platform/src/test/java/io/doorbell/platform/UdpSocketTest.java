package io.doorbell.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class UdpSocketTest {
    private static final long BOUND_NANOS = 60_000_000_000L;
    private static final ValueLayout.OfInt WORD = ValueLayout.JAVA_INT.withOrder(ByteOrder.BIG_ENDIAN);

    private static InetSocketAddress loopback(String address) throws Exception {
        return new InetSocketAddress(InetAddress.getByName(address), 0);
    }

    private static long[] words(InetAddress address) {
        var bytes = ByteBuffer.wrap(address.getAddress());
        return bytes.remaining() == 4
                ? new long[] {0, DatagramBatch.MAPPED | bytes.getInt() & 0xFFFF_FFFFL}
                : new long[] {bytes.getLong(), bytes.getLong()};
    }

    private static int receive(UdpSocket socket, DatagramBatch batch) {
        long deadline = System.nanoTime() + BOUND_NANOS;
        int count;
        do {
            count = socket.receive(batch);
        } while (count == UdpSocket.AGAIN && System.nanoTime() - deadline < 0);
        return count;
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "::1"})
    void carriesManyDatagramsInOneCall(String address) throws Exception {
        boolean six = address.contains(":");
        try (var left = UdpSocket.bind(loopback(address), false);
                var right = UdpSocket.bind(loopback(address), false);
                var out = new DatagramBatch(six, 8, 64);
                var in = new DatagramBatch(six, 8, 32)) {
            left.neverFragment();
            left.withoutChecksum();
            right.withoutChecksum();
            var to = words(right.localAddress().getAddress());
            for (int slot = 0; slot < 5; slot++) {
                out.memory().set(WORD, out.offset(slot), slot);
                out.address(
                        slot,
                        slot == 4 ? 64 : 4,
                        to[0],
                        to[1],
                        right.localAddress().getPort());
            }

            assertThat(left.send(out, 0, 1)).isEqualTo(1);
            assertThat(left.send(out, 1, 4)).isEqualTo(4);

            var seen = new ArrayList<Integer>();
            while (seen.size() < 5) {
                int count = receive(right, in);
                assertThat(count).isPositive();
                for (int slot = 0; slot < count; slot++) {
                    int number = in.memory().get(WORD, in.offset(slot));
                    seen.add(number);
                    assertThat(in.isTruncated(slot)).isEqualTo(number == 4);
                    assertThat(in.bytes(slot)).isEqualTo(number == 4 ? 32 : 4);
                    assertThat(in.port(slot)).isEqualTo(left.localAddress().getPort());
                    assertThat(new long[] {in.addressHigh(slot), in.addressLow(slot)})
                            .isEqualTo(to);
                }
            }
            // One after the other mostly; but datagrams may overtake each other.
            assertThat(seen).containsExactlyInAnyOrder(0, 1, 2, 3, 4);
            assertThat(right.receive(in)).isEqualTo(UdpSocket.AGAIN);
        }
    }

    @Test
    void steersDatagramsByAFieldOfTheirs() throws Exception {
        var group = new ArrayList<UdpSocket>();
        try (var sender = UdpSocket.bind(loopback("127.0.0.1"), false);
                var out = new DatagramBatch(false, 32, 16);
                var in = new DatagramBatch(false, 32, 16)) {
            group.add(UdpSocket.bind(loopback("127.0.0.1"), true));
            var address = group.getFirst().localAddress();
            for (int i = 1; i < 4; i++) {
                group.add(UdpSocket.bind(address, true));
            }
            group.getFirst().steer(4, 0xFFFFFF, 1, 3);
            var to = words(address.getAddress());
            for (int slot = 0; slot < 32; slot++) {
                out.memory().set(WORD, out.offset(slot) + 4, 0xAB00_0000 | slot);
                out.address(slot, 8, to[0], to[1], address.getPort());
            }

            assertThat(sender.send(out, 0, 32)).isEqualTo(32);

            int seen = 0;
            long start = System.nanoTime();
            // The kernel may deliver a little after the send has returned.
            while (seen < 32 && System.nanoTime() - start < BOUND_NANOS) {
                for (int index = 0; index < 4; index++) {
                    int count = group.get(index).receive(in);
                    for (int slot = 0; slot < count; slot++) {
                        int value = in.memory().get(WORD, in.offset(slot) + 4) & 0xFFFFFF;
                        assertThat(value == 1 ? 0 : value & 3)
                                .as("index of " + value)
                                .isEqualTo(index);
                        seen++;
                    }
                }
            }
            assertThat(seen).isEqualTo(32);
        } finally {
            group.forEach(UdpSocket::close);
        }
    }

    @Test
    void refusesWhatCannotBeSentAndWhatIsTaken() throws Exception {
        try (var socket = UdpSocket.bind(loopback("127.0.0.1"), false);
                var out = new DatagramBatch(false, 1, 64)) {
            var taken = socket.localAddress();
            assertThatThrownBy(() -> UdpSocket.bind(taken, false).close()).hasMessageContaining("EADDRINUSE");
            assertThatThrownBy(() -> UdpSocket.bind(taken, true).close()).hasMessageContaining("EADDRINUSE");

            // A loopback address cannot send to the broadcast address of everybody.
            out.address(0, 8, 0, DatagramBatch.MAPPED | 0xFFFF_FFFFL, 9);
            assertThat(socket.send(out, 0, 1)).isEqualTo(UdpSocket.REFUSED);
            assertThatThrownBy(() -> out.address(0, 65, 0, 0, 9)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> socket.send(out, 0, 2)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThat(socket.receiveBufferBytes(1 << 16)).isGreaterThanOrEqualTo(1 << 15);
            assertThat(socket.sendBufferBytes(1 << 16)).isGreaterThanOrEqualTo(1 << 15);
        }
    }

    @Test
    void isNothingAfterClose() throws Exception {
        var socket = UdpSocket.bind(loopback("127.0.0.1"), false);
        var batch = new DatagramBatch(false, 1, 8);
        socket.close();
        socket.close();
        batch.close();
        batch.close();

        assertThatThrownBy(socket::fd).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> socket.receive(batch)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> new DatagramBatch(false, 0, 8)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new DatagramBatch(false, 1, 7)).isInstanceOf(IllegalArgumentException.class);
    }
}
