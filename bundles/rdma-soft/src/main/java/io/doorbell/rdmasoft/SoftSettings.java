package io.doorbell.rdmasoft;

import java.net.InetAddress;

/**
 * A device.
 *
 * @param name for messages
 * @param address of this machine, by which peers reach it; no wildcard, since a packet's check covers it
 * @param udpPort 4791; another one only where both ends agree on it, and 0 takes a free one
 * @param maxPathMtu the longest piece of a message in a packet: 1024, 2048 or 4096, and less where the network takes less
 * @param socketBufferBytes wanted for each socket, each way; what the kernel gives may be less
 */
public record SoftSettings(String name, InetAddress address, int udpPort, int maxPathMtu, int socketBufferBytes) {
    private static final int DEFAULT_SOCKET_BUFFER_BYTES = 8 << 20;

    public SoftSettings {
        if (address.isAnyLocalAddress() || address.isMulticastAddress()) {
            throw new IllegalArgumentException(
                    "address " + address.getHostAddress() + ": one of this machine's, by which peers reach it");
        }
        if (udpPort < 0 || udpPort > 0xFFFF) {
            throw new IllegalArgumentException("UDP port " + udpPort + ": 0 to 65535");
        }
        if (maxPathMtu != 1024 && maxPathMtu != 2048 && maxPathMtu != 4096) {
            throw new IllegalArgumentException("path MTU " + maxPathMtu + ": 1024, 2048 or 4096");
        }
        if (socketBufferBytes < 1 << 16 || socketBufferBytes > 1 << 30) {
            throw new IllegalArgumentException(
                    "socket buffer of " + socketBufferBytes + " bytes: " + (1 << 16) + " to " + (1 << 30));
        }
    }

    public static SoftSettings of(InetAddress address) {
        return new SoftSettings(
                "soft " + address.getHostAddress(), address, Headers.UDP_PORT, 4096, DEFAULT_SOCKET_BUFFER_BYTES);
    }

    public SoftSettings withUdpPort(int port) {
        return new SoftSettings(name, address, port, maxPathMtu, socketBufferBytes);
    }

    public SoftSettings withMaxPathMtu(int mtu) {
        return new SoftSettings(name, address, udpPort, mtu, socketBufferBytes);
    }
}
