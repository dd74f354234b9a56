package io.doorbell.platform;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import org.junit.jupiter.api.Test;

/** Who has a port, with sockets of this process. */
class PortHolderTest {
    private static final InetAddress LOOPBACK = InetAddress.ofLiteral("127.0.0.1");

    @Test
    void whoListensIsNamedByItsProcess() throws IOException {
        try (var ours = new ServerSocket(0, 1, LOOPBACK)) {
            assertOurs(PortHolder.tcp(LOOPBACK, ours.getLocalPort()).orElseThrow());
        }
    }

    @Test
    void whoListensEverywhereIsInTheWayOfEachAddress() throws IOException {
        try (var ours = new ServerSocket(0)) {
            assertOurs(PortHolder.tcp(LOOPBACK, ours.getLocalPort()).orElseThrow());
        }
    }

    @Test
    void whoHasAPortOfUdpIsNamedToo() throws IOException {
        try (var ours = new DatagramSocket(new InetSocketAddress(LOOPBACK, 0))) {
            assertOurs(PortHolder.udp(LOOPBACK, ours.getLocalPort()).orElseThrow());
        }
    }

    @Test
    void addressesAreReadAsLinuxWritesThem() {
        var network = InetAddress.ofLiteral("192.0.2.10");

        assertThat(PortHolder.isInTheWay("0A0200C0:1144", network, 4420)).isTrue();
        assertThat(PortHolder.isInTheWay("0000000000000000FFFF00000A0200C0:1144", network, 4420))
                .isTrue();
        assertThat(PortHolder.isInTheWay("00000000000000000000000000000000:1144", network, 4420))
                .isTrue();
        assertThat(PortHolder.isInTheWay(
                        "B80D0120000000000000000001000000:FFFF", InetAddress.ofLiteral("2001:db8::1"), 65_535))
                .isTrue();
        assertThat(PortHolder.isInTheWay("0100007F:1144", network, 4420)).isFalse();
        assertThat(PortHolder.isInTheWay("0A0200C0:1145", network, 4420)).isFalse();
        assertThat(PortHolder.isInTheWay("local_address", network, 4420)).isFalse();
    }

    private static void assertOurs(PortHolder holder) throws IOException {
        assertThat(holder.pid()).isEqualTo(ProcessHandle.current().pid());
        assertThat(holder).hasToString(holder.command() + " (pid " + holder.pid() + ")");
        assertThat(holder.command()).isNotEmpty();
    }
}
