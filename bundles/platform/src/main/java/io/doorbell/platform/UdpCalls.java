package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** The calls of libc for datagrams, many at once, in the manner of {@link Libc}: a call answers what it returns, or a negative errno. */
final class UdpCalls {
    static final int SOCK_DGRAM = 2;
    static final int IPPROTO_IP = 0;
    static final int IPPROTO_UDP = 17;

    static final int SO_SNDBUF = 7;
    static final int SO_RCVBUF = 8;
    static final int SO_NO_CHECK = 11;
    static final int SO_REUSEPORT = 15;
    static final int SO_SNDBUFFORCE = 32;
    static final int SO_RCVBUFFORCE = 33;
    static final int SO_ATTACH_REUSEPORT_CBPF = 51;

    static final int IP_MTU_DISCOVER = 10;
    static final int IPV6_MTU_DISCOVER = 23;
    /** Both of IPv4 and of IPv6: fragment nothing, here or on the way. */
    static final int PMTUDISC_DO = 2;

    static final int UDP_NO_CHECK6_TX = 101;
    static final int UDP_NO_CHECK6_RX = 102;

    private static final MethodHandle SOCKET = Libc.call("socket", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle SENDMMSG = Libc.call("sendmmsg", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT);
    private static final MethodHandle RECVMMSG =
            Libc.call("recvmmsg", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS);

    private UdpCalls() {}

    static int socket(MemorySegment errno, int family) {
        try {
            // Safety: touches no memory.
            int type = SOCK_DGRAM | SocketCalls.SOCK_NONBLOCK | SocketCalls.SOCK_CLOEXEC;
            int result = (int) SOCKET.invokeExact(errno, family, type, IPPROTO_UDP);
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    /** {@code messages} are structs mmsghdr that {@link DatagramBatch} filled, {@code count} of them. */
    static int sendmmsg(MemorySegment errno, int fd, MemorySegment messages, int count) {
        try {
            // Safety: the messages name slots and addresses of the batch itself, each within its bounds.
            int result = (int) SENDMMSG.invokeExact(errno, fd, messages, count, SocketCalls.MSG_NOSIGNAL);
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    /** {@code messages} are structs mmsghdr that {@link DatagramBatch} filled, {@code count} of them. */
    static int recvmmsg(MemorySegment errno, int fd, MemorySegment messages, int count) {
        try {
            // Safety: as in sendmmsg; without a timeout, and the socket does not block.
            int result = (int) RECVMMSG.invokeExact(errno, fd, messages, count, 0, MemorySegment.NULL);
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }
}
