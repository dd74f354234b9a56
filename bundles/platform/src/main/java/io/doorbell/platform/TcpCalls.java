package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** The calls of libc for TCP sockets and epoll, in the manner of {@link Libc}: a call answers what it returns, or a negative errno. */
final class TcpCalls {
    static final int AF_INET = 2;
    static final int AF_INET6 = 10;
    static final int IPPROTO_TCP = 6;
    static final int IPPROTO_IPV6 = 41;
    static final int SO_REUSEADDR = 2;
    static final int SO_ERROR = 4;
    static final int TCP_NODELAY = 1;
    static final int TCP_CONGESTION = 13;
    static final int IPV6_V6ONLY = 26;
    static final int SHUT_WR = 1;
    static final int SHUT_RDWR = 2;

    static final int EPOLL_CLOEXEC = 0x80000;
    static final int EPOLL_CTL_ADD = 1;
    static final int EPOLL_CTL_DEL = 2;
    static final int EPOLL_CTL_MOD = 3;

    private static final MethodHandle SOCKET = Libc.call("socket", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle SETSOCKOPT =
            Libc.call("setsockopt", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle GETSOCKOPT =
            Libc.call("getsockopt", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
    private static final MethodHandle GETSOCKNAME = Libc.call("getsockname", JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
    private static final MethodHandle GETPEERNAME = Libc.call("getpeername", JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
    private static final MethodHandle SHUTDOWN = Libc.call("shutdown", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle SENDMSG = Libc.call("sendmsg", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle RECVMSG = Libc.call("recvmsg", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle EPOLL_CREATE = Libc.call("epoll_create1", JAVA_INT, JAVA_INT);
    private static final MethodHandle EPOLL_CTL =
            Libc.call("epoll_ctl", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS);
    private static final MethodHandle EPOLL_WAIT =
            Libc.call("epoll_wait", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT);

    private TcpCalls() {}

    static int socket(MemorySegment errno, int family) {
        try {
            // Safety: touches no memory.
            int result = (int) SOCKET.invokeExact(errno, family, SocketCalls.STREAM, IPPROTO_TCP);
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    static int setsockopt(MemorySegment errno, int fd, int level, int option, MemorySegment value) {
        try {
            // Safety: the kernel reads at most the length of the segment that it is given.
            int result = (int) SETSOCKOPT.invokeExact(errno, fd, level, option, value, (int) value.byteSize());
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    /** {@code length} holds the size of {@code value}. */
    static int getsockopt(
            MemorySegment errno, int fd, int level, int option, MemorySegment value, MemorySegment length) {
        try {
            // Safety: the kernel writes at most as many bytes as length says, which is the size of value.
            int result = (int) GETSOCKOPT.invokeExact(errno, fd, level, option, value, length);
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    /** {@code length} holds the size of {@code address}. */
    static int name(MemorySegment errno, int fd, boolean peer, MemorySegment address, MemorySegment length) {
        try {
            // Safety: the kernel writes at most as many bytes as length says, which is the size of address.
            int result = peer
                    ? (int) GETPEERNAME.invokeExact(errno, fd, address, length)
                    : (int) GETSOCKNAME.invokeExact(errno, fd, address, length);
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    static int shutdown(MemorySegment errno, int fd, int how) {
        try {
            // Safety: touches no memory.
            int result = (int) SHUTDOWN.invokeExact(errno, fd, how);
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    /** {@code message} is a msghdr that {@link SocketVector} filled. */
    static long sendmsg(MemorySegment errno, int fd, MemorySegment message) {
        try {
            // Safety: the message names parts of memory that SocketVector keeps mapped, each within its bounds.
            long result = (long) SENDMSG.invokeExact(errno, fd, message, SocketCalls.MSG_NOSIGNAL);
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    /** {@code message} is a msghdr that {@link SocketVector} filled. */
    static long recvmsg(MemorySegment errno, int fd, MemorySegment message) {
        try {
            // Safety: as in sendmsg.
            long result = (long) RECVMSG.invokeExact(errno, fd, message, 0);
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    static int epollCreate(MemorySegment errno) {
        try {
            // Safety: touches no memory.
            int result = (int) EPOLL_CREATE.invokeExact(errno, EPOLL_CLOEXEC);
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    /** {@code event} is a struct epoll_event. */
    static int epollCtl(MemorySegment errno, int epoll, int operation, int fd, MemorySegment event) {
        try {
            // Safety: the kernel reads a struct epoll_event.
            int result = (int) EPOLL_CTL.invokeExact(errno, epoll, operation, fd, event);
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    /** {@code events} has room for {@code maxEvents}. Looks, and does not wait. */
    static int epollLook(MemorySegment errno, int epoll, MemorySegment events, int maxEvents) {
        try {
            // Safety: the kernel writes at most maxEvents structures, for which there is room.
            int result = (int) EPOLL_WAIT.invokeExact(errno, epoll, events, maxEvents, 0);
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }
}
