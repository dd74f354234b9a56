package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.Inet4Address;
import java.net.InetSocketAddress;

/**
 * A UDP socket that never blocks and is connected to nobody. Several may share an address as a group ({@link #bind}), and a rule says which of them
 * gets a datagram ({@link #steer}).
 *
 * <p>Owner: one thread at a time, which also closes it; hand it over at rest.
 */
public final class UdpSocket implements AutoCloseable {
    /** Nothing there, or no room, now. */
    public static final int AGAIN = -1;

    /** The kernel does not take this one, and will not: no route, too long for the path, forbidden. */
    public static final int REFUSED = -2;

    /** struct sock_filter and struct sock_fprog: linux/filter.h. */
    private static final int INSTRUCTION_BYTES = 8;

    private static final short LOAD_WORD = 0x20;
    private static final short AND = 0x54;
    private static final short JUMP_EQUAL = 0x15;
    private static final short RETURN_ACCUMULATOR = 0x16;
    private static final short RETURN = 0x06;

    private final int fd;
    private final boolean six;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment errno = arena.allocate(Libc.ERRNO_STATE);
    private boolean closed;

    private UdpSocket(int fd, boolean six) {
        this.fd = fd;
        this.six = six;
    }

    /**
     * Binds a socket; port 0 takes a free one.
     *
     * @param shared whether others of this process's user may be bound to the same address and port, all of them shared; the first one of a group has
     *     index 0 for {@link #steer}, the next one 1, as long as none of them is closed
     * @throws PlatformException if the address is not this machine's, or taken
     */
    public static UdpSocket bind(InetSocketAddress address, boolean shared) {
        NativeAccess.require();
        boolean six = !(address.getAddress() instanceof Inet4Address);
        try (var scratch = Arena.ofConfined()) {
            int fd = UdpCalls.socket(scratch.allocate(Libc.ERRNO_STATE), six ? TcpCalls.AF_INET6 : TcpCalls.AF_INET);
            if (fd < 0) {
                throw new PlatformException("socket", -fd, "");
            }
            var socket = new UdpSocket(fd, six);
            try {
                if (six) {
                    socket.option(TcpCalls.IPPROTO_IPV6, TcpCalls.IPV6_V6ONLY, 1);
                }
                if (shared) {
                    socket.option(SocketCalls.SOL_SOCKET, UdpCalls.SO_REUSEPORT, 1);
                }
                int result = SocketCalls.bind(socket.errno, fd, TcpSocket.sockaddr(address, scratch));
                if (result < 0) {
                    throw new PlatformException("bind of UDP " + address, -result, "");
                }
                return socket;
            } catch (RuntimeException failed) {
                socket.close();
                throw failed;
            }
        }
    }

    private void option(int level, int option, int value) {
        int result = tryOption(level, option, value);
        if (result < 0) {
            throw new PlatformException("setsockopt " + level + ", " + option, -result, "");
        }
    }

    private int tryOption(int level, int option, int value) {
        try (var scratch = Arena.ofConfined()) {
            return TcpCalls.setsockopt(errno, fd(), level, option, scratch.allocateFrom(JAVA_INT, value));
        }
    }

    private int option(int option) {
        try (var scratch = Arena.ofConfined()) {
            var value = scratch.allocate(JAVA_INT);
            var length = scratch.allocateFrom(JAVA_INT, Integer.BYTES);
            int result = TcpCalls.getsockopt(errno, fd(), SocketCalls.SOL_SOCKET, option, value, length);
            if (result < 0) {
                throw new PlatformException("getsockopt " + option, -result, "");
            }
            return value.get(JAVA_INT, 0);
        }
    }

    /**
     * Asks for room for what has come and is not received yet. What a datagram takes of it is more than its bytes.
     *
     * @return what the kernel gives: more than net.core.rmem_max only with CAP_NET_ADMIN
     */
    public int receiveBufferBytes(int wanted) {
        return bufferBytes(UdpCalls.SO_RCVBUFFORCE, UdpCalls.SO_RCVBUF, wanted);
    }

    /** As {@link #receiveBufferBytes}, for what is sent and has not left. */
    public int sendBufferBytes(int wanted) {
        return bufferBytes(UdpCalls.SO_SNDBUFFORCE, UdpCalls.SO_SNDBUF, wanted);
    }

    private int bufferBytes(int force, int ask, int wanted) {
        // The kernel doubles what it is asked for, to account for its own part: socket(7).
        if (tryOption(SocketCalls.SOL_SOCKET, force, wanted / 2) < 0) {
            option(SocketCalls.SOL_SOCKET, ask, wanted / 2);
        }
        return option(ask);
    }

    /** Sends nothing in fragments; with IPv4 the identification of what is sent is 0 then, since the socket is connected to nobody. */
    public void neverFragment() {
        if (six) {
            option(TcpCalls.IPPROTO_IPV6, UdpCalls.IPV6_MTU_DISCOVER, UdpCalls.PMTUDISC_DO);
        } else {
            option(UdpCalls.IPPROTO_IP, UdpCalls.IP_MTU_DISCOVER, UdpCalls.PMTUDISC_DO);
        }
    }

    /** For a protocol with a checksum of its own: sends without UDP's, and takes what has none. */
    public void withoutChecksum() {
        if (six) {
            option(UdpCalls.IPPROTO_UDP, UdpCalls.UDP_NO_CHECK6_TX, 1);
            option(UdpCalls.IPPROTO_UDP, UdpCalls.UDP_NO_CHECK6_RX, 1);
        } else {
            option(SocketCalls.SOL_SOCKET, UdpCalls.SO_NO_CHECK, 1);
        }
    }

    /**
     * Says for this socket's whole group which of it gets a datagram: take the 32 bits at {@code offset} of it, in network order, and
     * {@code fieldMask} of them; {@code first} is for the socket of index 0, any other value for that of index {@code value & indexMask}. What is too
     * short goes to index 0. An index without a socket lets the kernel choose.
     */
    public void steer(int offset, int fieldMask, int first, int indexMask) {
        try (var scratch = Arena.ofConfined()) {
            var program = scratch.allocate(6 * INSTRUCTION_BYTES, Long.BYTES);
            instruction(program, 0, LOAD_WORD, 0, offset);
            instruction(program, 1, AND, 0, fieldMask);
            instruction(program, 2, JUMP_EQUAL, 2, first);
            instruction(program, 3, AND, 0, indexMask);
            instruction(program, 4, RETURN_ACCUMULATOR, 0, 0);
            instruction(program, 5, RETURN, 0, 0);
            var header = scratch.allocate(16, Long.BYTES);
            header.set(JAVA_SHORT, 0, (short) 6);
            header.set(JAVA_LONG, 8, program.address());
            // Safety: the header names the program, which lives until the call has ended; the kernel checks and copies
            // it.
            int result =
                    TcpCalls.setsockopt(errno, fd(), SocketCalls.SOL_SOCKET, UdpCalls.SO_ATTACH_REUSEPORT_CBPF, header);
            if (result < 0) {
                throw new PlatformException("setsockopt SO_ATTACH_REUSEPORT_CBPF", -result, "");
            }
        }
    }

    private static void instruction(MemorySegment program, int index, short code, int jumpIfTrue, int operand) {
        long at = (long) index * INSTRUCTION_BYTES;
        program.set(JAVA_SHORT, at, code);
        program.set(java.lang.foreign.ValueLayout.JAVA_BYTE, at + 2, (byte) jumpIfTrue);
        program.set(JAVA_INT, at + 4, operand);
    }

    /** Receives as many datagrams as are there and fit into the batch, from slot 0 on. Returns how many, or {@link #AGAIN}. */
    public int receive(DatagramBatch into) {
        into.prepareReceive(into.slots());
        int result = UdpCalls.recvmmsg(errno, fd(), into.messages(), into.slots());
        // An error that the network reported for something sent earlier is no matter of what comes in.
        return result > 0 ? result : AGAIN;
    }

    /**
     * Sends the datagrams of the slots from {@code first} on.
     *
     * @return how many have left, at least 1; {@link #AGAIN}; or {@link #REFUSED} for the first of them
     */
    public int send(DatagramBatch from, int first, int count) {
        var messages = first == 0 ? from.messages() : from.messages(first);
        if (count < 1 || first < 0 || first > from.slots() - count) {
            throw new IndexOutOfBoundsException(count + " slots from " + first + " of " + from.slots());
        }
        int result = UdpCalls.sendmmsg(errno, fd(), messages, count);
        if (result > 0) {
            return result;
        }
        return switch (-result) {
            case Errno.EAGAIN, Errno.EINTR, Errno.ENOBUFS, Errno.ENOMEM -> AGAIN;
            default -> REFUSED;
        };
    }

    public InetSocketAddress localAddress() {
        return TcpSocket.name(errno, fd(), false);
    }

    /** Readable while there is something to receive: for sleeping on. It stays this object's. */
    public int fd() {
        if (closed) {
            throw new IllegalStateException("this socket is closed");
        }
        return fd;
    }

    /** Does nothing the second time. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            Libc.close(errno, fd);
            arena.close();
        }
    }
}
