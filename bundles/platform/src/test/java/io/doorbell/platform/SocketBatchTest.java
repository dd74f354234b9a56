package io.doorbell.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SocketBatchTest {
    private static final int CONNECTIONS = 5;
    private static final int PART_BYTES = 256;
    private static final int IN = 32 << 10;

    private final NativeMemory memory = NativeMemory.allocate(1 << 16);
    private final List<TcpSocket> clients = new ArrayList<>();
    private final List<TcpSocket> servers = new ArrayList<>();
    private SocketBatch batch;

    @BeforeEach
    void connect() throws Exception {
        batch = SocketBatch.open(memory, 2 * CONNECTIONS, 4);
        assumeThat(batch)
                .as("io_uring, which this machine does not let us have")
                .isNotNull();
        try (var listening =
                TcpSocket.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), CONNECTIONS)) {
            for (int i = 0; i < CONNECTIONS; i++) {
                var client = TcpSocket.connect(listening.localAddress());
                clients.add(client);
                assertThat(listening.awaitReadable(deadline())).isTrue();
                servers.add(listening.accept());
                client.finishConnect();
            }
        }
    }

    @AfterEach
    void close() {
        clients.forEach(TcpSocket::close);
        servers.forEach(TcpSocket::close);
        if (batch != null) {
            batch.close();
            batch.close();
        }
        memory.close();
    }

    private static long deadline() {
        return System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
    }

    private void fill(int call, long offset, int bytes) {
        batch.vector(call).clear();
        batch.vector(call).add(offset, bytes);
    }

    private void receiveOfAll() {
        for (int i = 0; i < CONNECTIONS; i++) {
            fill(i, IN + (long) i * PART_BYTES, PART_BYTES);
            batch.receive(servers.get(i));
        }
        batch.run();
    }

    @Test
    void sendsAndReceivesOfManySocketsAtOnce() {
        for (int round = 0; round < 100; round++) {
            for (int i = 0; i < CONNECTIONS; i++) {
                memory.segment().set(ValueLayout.JAVA_INT, (long) i * PART_BYTES, round * CONNECTIONS + i);
                fill(i, (long) i * PART_BYTES, 100 + i);
                batch.send(clients.get(i));
            }
            batch.run();
            for (int i = 0; i < CONNECTIONS; i++) {
                assertThat(batch.sent(i)).isEqualTo(100 + i);
                assertThat(servers.get(i).awaitReadable(deadline())).isTrue();
            }

            receiveOfAll();

            for (int i = 0; i < CONNECTIONS; i++) {
                assertThat(batch.received(i)).isEqualTo(100 + i);
                assertThat(memory.segment().get(ValueLayout.JAVA_INT, IN + (long) i * PART_BYTES))
                        .isEqualTo(round * CONNECTIONS + i);
            }
        }
    }

    @Test
    void answersAsASocketDoes() {
        clients.get(1).close();
        fill(0, 0, 10);
        batch.send(clients.get(2));
        batch.run();
        assertThat(batch.sent(0)).isEqualTo(10);
        assertThat(servers.get(1).awaitReadable(deadline())).isTrue();
        assertThat(servers.get(2).awaitReadable(deadline())).isTrue();

        receiveOfAll();

        assertThat(List.of(batch.received(0), batch.received(1), batch.received(2), batch.received(3)))
                .containsExactly(TcpSocket.AGAIN, TcpSocket.END, 10, TcpSocket.AGAIN);
    }

    /** Nothing of a call that would have to wait is left behind in the kernel. */
    @Test
    void sendsAsFarAsThereIsRoom() {
        int sent = 0;
        int last;
        do {
            fill(0, 0, 1 << 16);
            batch.send(clients.getFirst());
            batch.run();
            last = batch.sent(0);
            sent += Math.max(0, last);
        } while (last == 1 << 16 && sent < 1 << 28);
        assertThat(last).isLessThan(1 << 16);

        int received = 0;
        while (received < sent) {
            assertThat(servers.getFirst().awaitReadable(deadline())).isTrue();
            fill(0, 0, 1 << 16);
            batch.receive(servers.getFirst());
            batch.run();
            received += Math.max(0, batch.received(0));
        }
        assertThat(received).isEqualTo(sent);
    }

    @Test
    void isNotThereWhereItIsNotWanted() {
        System.setProperty("doorbell.io_uring", "false");
        try {
            assertThat(SocketBatch.open(memory, 4, 4)).isNull();
        } finally {
            System.clearProperty("doorbell.io_uring");
        }
    }

    @Test
    void refusesMoreThanARingHasAndUseAfterItsEnd() {
        assertThatThrownBy(() -> SocketBatch.open(memory, 0, 4)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> SocketBatch.open(memory, 1025, 4)).isInstanceOf(IllegalArgumentException.class);
        batch.close();
        assertThatThrownBy(batch::run).isInstanceOf(IllegalStateException.class);
    }
}
