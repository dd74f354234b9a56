package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteOrder;

/**
 * A TCP socket that never blocks: a listening one, or a connection. What cannot be done now answers {@link #AGAIN}; {@link Epoll} tells when to
 * come again.
 *
 * <p>Owner: one thread at a time, which also closes it; hand it over at rest.
 */
public final class TcpSocket implements AutoCloseable {
    /** Nothing there yet, or no room yet. */
    public static final int AGAIN = -1;

    /** The peer has ended its direction, or the connection is broken. */
    public static final int END = -2;

    /** struct sockaddr_in and sockaddr_in6: ip(7), ipv6(7). */
    private static final int SOCKADDR_IN_BYTES = 16;

    private static final int SOCKADDR_IN6_BYTES = 28;
    private static final java.lang.foreign.ValueLayout.OfShort PORT =
            java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private final int fd;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment errno = arena.allocate(Libc.ERRNO_STATE);
    private boolean closed;

    private TcpSocket(int fd) {
        this.fd = fd;
    }

    /**
     * Listens at an address; port 0 takes a free one.
     *
     * @throws PlatformException if the address is not this machine's, or taken
     */
    public static TcpSocket listen(InetSocketAddress address, int backlog) {
        var socket = open(address);
        try (var scratch = Arena.ofConfined()) {
            socket.option(SocketCalls.SOL_SOCKET, TcpCalls.SO_REUSEADDR, 1);
            if (address.getAddress().getAddress().length == 16) {
                socket.option(TcpCalls.IPPROTO_IPV6, TcpCalls.IPV6_V6ONLY, 1);
            }
            int result = SocketCalls.bind(socket.errno, socket.fd, sockaddr(address, scratch));
            if (result == 0) {
                result = SocketCalls.listen(socket.errno, socket.fd, backlog);
            }
            if (result < 0) {
                throw new PlatformException("listen at " + address, -result, "");
            }
            return socket;
        } catch (RuntimeException failed) {
            socket.close();
            throw failed;
        }
    }

    /**
     * Begins to connect; the socket becomes writable when that has ended, and {@link #finishConnect} tells how.
     *
     * @throws PlatformException if it cannot even begin
     */
    public static TcpSocket connect(InetSocketAddress address) {
        var socket = open(address);
        try (var scratch = Arena.ofConfined()) {
            int result = SocketCalls.connect(socket.errno, socket.fd, sockaddr(address, scratch));
            if (result < 0 && result != -Errno.EINPROGRESS) {
                throw new PlatformException("connect to " + address, -result, "");
            }
            return socket;
        } catch (RuntimeException failed) {
            socket.close();
            throw failed;
        }
    }

    private static TcpSocket open(InetSocketAddress address) {
        NativeAccess.require();
        try (var scratch = Arena.ofConfined()) {
            int fd = TcpCalls.socket(
                    scratch.allocate(Libc.ERRNO_STATE),
                    address.getAddress() instanceof Inet4Address ? TcpCalls.AF_INET : TcpCalls.AF_INET6);
            if (fd < 0) {
                throw new PlatformException("socket", -fd, "");
            }
            return new TcpSocket(fd);
        }
    }

    /** @throws PlatformException if the connection could not be made */
    public void finishConnect() {
        try (var scratch = Arena.ofConfined()) {
            var value = scratch.allocate(JAVA_INT);
            int result = TcpCalls.getsockopt(
                    errno,
                    fd(),
                    SocketCalls.SOL_SOCKET,
                    TcpCalls.SO_ERROR,
                    value,
                    scratch.allocateFrom(JAVA_INT, Integer.BYTES));
            int error = result < 0 ? -result : value.get(JAVA_INT, 0);
            if (error != 0) {
                throw new PlatformException("connect", error, "");
            }
        }
    }

    /** Waits until it can be written, or is broken. Control path. Returns false when the deadline of {@link System#nanoTime} has passed. */
    public boolean awaitWritable(long deadlineNanos) {
        try (var scratch = Arena.ofConfined()) {
            return new Readiness(scratch, fd(), Libc.POLLOUT).await(deadlineNanos);
        }
    }

    /** Waits until there is something to receive, or it is broken. Control path. Returns false when the deadline has passed. */
    public boolean awaitReadable(long deadlineNanos) {
        try (var scratch = Arena.ofConfined()) {
            return new Readiness(scratch, fd(), Libc.POLLIN).await(deadlineNanos);
        }
    }

    /**
     * The next connection of a listening socket, or null when nobody waits.
     *
     * @throws PlatformException if this process can have no more descriptors
     */
    public TcpSocket accept() {
        int result = SocketCalls.accept(errno, fd());
        if (result >= 0) {
            return new TcpSocket(result);
        }
        return switch (-result) {
            case Errno.EAGAIN, Errno.EINTR, Errno.ECONNABORTED -> null;
            default -> throw new PlatformException("accept", -result, "");
        };
    }

    /** Small messages go at once: TCP_NODELAY. */
    public void noDelay() {
        option(TcpCalls.IPPROTO_TCP, TcpCalls.TCP_NODELAY, 1);
    }

    /**
     * Lets it send as fast as the peer takes. For a peer on this machine: there is no network between that could be congested, and a congestion
     * control that paces, BBR, waits for nothing. Where the machine does not permit it, all stays as it is.
     */
    public void unpaced() {
        try (var scratch = Arena.ofConfined()) {
            var name = scratch.allocateFrom("reno"); // Always there, and permitted unless somebody has forbidden it.
            TcpCalls.setsockopt(errno, fd(), TcpCalls.IPPROTO_TCP, TcpCalls.TCP_CONGESTION, name);
        }
    }

    private void option(int level, int option, int value) {
        try (var scratch = Arena.ofConfined()) {
            int result = TcpCalls.setsockopt(errno, fd(), level, option, scratch.allocateFrom(JAVA_INT, value));
            if (result < 0) {
                throw new PlatformException("setsockopt " + level + ", " + option, -result, "");
            }
        }
    }

    /** Receives into the parts, in order. Returns how many bytes, {@link #AGAIN} or {@link #END}. */
    public int receive(SocketVector into) {
        long result = TcpCalls.recvmsg(errno, fd(), into.message());
        if (result > 0) {
            return (int) result;
        }
        return result == -Errno.EAGAIN || result == -Errno.EINTR ? AGAIN : END;
    }

    /** Sends the parts, in order, as far as there is room. Returns how many bytes, {@link #AGAIN} or {@link #END}. */
    public int send(SocketVector from) {
        long result = TcpCalls.sendmsg(errno, fd(), from.message());
        if (result >= 0) {
            return (int) result;
        }
        return result == -Errno.EAGAIN || result == -Errno.EINTR ? AGAIN : END;
    }

    /** Says that nothing more is sent; what was sent still arrives. */
    public void shutdownOutput() {
        // ENOTCONN: the peer was faster.
        TcpCalls.shutdown(errno, fd(), TcpCalls.SHUT_WR);
    }

    /**
     * Ends both directions: whoever receives learns of the end, when what has come is received. Any thread, beside the owner; not
     * beside {@link #close}.
     */
    public void shutdown() {
        try (var scratch = Arena.ofConfined()) {
            // ENOTCONN: the peer was faster. An errno of its own: the owner may be in a call.
            TcpCalls.shutdown(scratch.allocate(Libc.ERRNO_STATE), fd(), TcpCalls.SHUT_RDWR);
        }
    }

    public InetSocketAddress localAddress() {
        return name(false);
    }

    /** @throws PlatformException if there is none (any more) */
    public InetSocketAddress peerAddress() {
        return name(true);
    }

    private InetSocketAddress name(boolean peer) {
        return name(errno, fd(), peer);
    }

    static InetSocketAddress name(MemorySegment errno, int fd, boolean peer) {
        try (var scratch = Arena.ofConfined()) {
            var address = scratch.allocate(SOCKADDR_IN6_BYTES, Integer.BYTES);
            int result = TcpCalls.name(errno, fd, peer, address, scratch.allocateFrom(JAVA_INT, SOCKADDR_IN6_BYTES));
            if (result < 0) {
                throw new PlatformException(peer ? "getpeername" : "getsockname", -result, "");
            }
            return address(address);
        }
    }

    /** What a sockaddr says. */
    static InetSocketAddress address(MemorySegment sockaddr) {
        boolean four = sockaddr.get(JAVA_SHORT, 0) == TcpCalls.AF_INET;
        byte[] bytes = sockaddr.asSlice(four ? 4 : 8, four ? 4 : 16).toArray(JAVA_BYTE);
        try {
            return new InetSocketAddress(InetAddress.getByAddress(bytes), Short.toUnsignedInt(sockaddr.get(PORT, 2)));
        } catch (UnknownHostException impossible) {
            throw new AssertionError("4 or 16 bytes", impossible);
        }
    }

    static MemorySegment sockaddr(InetSocketAddress address, Arena arena) {
        byte[] bytes = address.getAddress().getAddress();
        boolean four = bytes.length == 4;
        var sockaddr = arena.allocate(four ? SOCKADDR_IN_BYTES : SOCKADDR_IN6_BYTES, Integer.BYTES);
        sockaddr.set(JAVA_SHORT, 0, (short) (four ? TcpCalls.AF_INET : TcpCalls.AF_INET6));
        sockaddr.set(PORT, 2, (short) address.getPort());
        MemorySegment.copy(bytes, 0, sockaddr, JAVA_BYTE, four ? 4 : 8, bytes.length);
        if (address.getAddress() instanceof java.net.Inet6Address six) {
            sockaddr.set(JAVA_INT, 24, six.getScopeId());
        }
        return sockaddr;
    }

    int fd() {
        if (closed) {
            throw new IllegalStateException("this socket is closed");
        }
        return fd;
    }

    /** Closes it; an {@link Epoll} forgets it. Does nothing the second time. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            Libc.close(errno, fd);
            arena.close();
        }
    }
}
