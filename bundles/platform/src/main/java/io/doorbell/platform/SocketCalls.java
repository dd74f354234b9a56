package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The calls of libc for sockets and for files that others gave us, one method each, in the manner of {@link Libc}: a call answers what it
 * returns, or a negative errno.
 */
final class SocketCalls {
    static final int AF_UNIX = 1;
    static final int SOCK_STREAM = 1;
    static final int SOCK_DGRAM = 2;
    static final int SOCK_NONBLOCK = 0x800;
    static final int SOCK_CLOEXEC = 0x80000;
    static final int STREAM = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

    static final int SOL_SOCKET = 1;
    static final int SCM_RIGHTS = 1;
    static final int MSG_NOSIGNAL = 0x4000;
    static final int MSG_CMSG_CLOEXEC = 0x4000_0000;

    static final int SHUT_RDWR = 2;

    private static final MethodHandle SOCKET = Libc.call("socket", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle SOCKETPAIR =
            Libc.call("socketpair", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS);
    private static final MethodHandle CONNECT = Libc.call("connect", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle BIND = Libc.call("bind", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle LISTEN = Libc.call("listen", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle ACCEPT4 = Libc.call("accept4", JAVA_INT, JAVA_INT, ADDRESS, ADDRESS, JAVA_INT);
    private static final MethodHandle SENDMSG = Libc.call("sendmsg", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle RECVMSG = Libc.call("recvmsg", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle SHUTDOWN = Libc.call("shutdown", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle FSTAT = Libc.call("fstat", JAVA_INT, JAVA_INT, ADDRESS);

    private SocketCalls() {}

    static int socket(MemorySegment errno) {
        return socket(errno, STREAM);
    }

    static int datagramSocket(MemorySegment errno) {
        return socket(errno, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC);
    }

    private static int socket(MemorySegment errno, int type) {
        try {
            // Safety: touches no memory.
            int result = (int) SOCKET.invokeExact(errno, AF_UNIX, type, 0);
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    /** {@code two} has room for two ints. */
    static int socketpair(MemorySegment errno, MemorySegment two) {
        try {
            // Safety: writes two ints, for which there is room.
            int result = (int) SOCKETPAIR.invokeExact(errno, AF_UNIX, STREAM, 0, two);
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    static int connect(MemorySegment errno, int fd, MemorySegment address) {
        try {
            // Safety: the kernel reads at most the length of the segment that it is given.
            int result = (int) CONNECT.invokeExact(errno, fd, address, (int) address.byteSize());
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    static int bind(MemorySegment errno, int fd, MemorySegment address) {
        try {
            // Safety: the kernel reads at most the length of the segment that it is given.
            int result = (int) BIND.invokeExact(errno, fd, address, (int) address.byteSize());
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    static int listen(MemorySegment errno, int fd, int backlog) {
        try {
            // Safety: touches no memory.
            int result = (int) LISTEN.invokeExact(errno, fd, backlog);
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    static int accept(MemorySegment errno, int fd) {
        try {
            // Safety: with no place for the peer's address, none is written.
            int result = (int) ACCEPT4.invokeExact(
                    errno, fd, MemorySegment.NULL, MemorySegment.NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    /** {@code message} is a msghdr that {@link SocketMessage} filled. */
    static long sendmsg(MemorySegment errno, int fd, MemorySegment message) {
        try {
            // Safety: the message names buffers of SocketMessage, in the arena of the message itself, with their
            // lengths.
            long result = (long) SENDMSG.invokeExact(errno, fd, message, MSG_NOSIGNAL);
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    /** {@code message} is a msghdr that {@link SocketMessage} filled. */
    static long recvmsg(MemorySegment errno, int fd, MemorySegment message) {
        try {
            // Safety: as in sendmsg.
            long result = (long) RECVMSG.invokeExact(errno, fd, message, MSG_CMSG_CLOEXEC);
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    static int shutdown(MemorySegment errno, int fd) {
        try {
            // Safety: touches no memory.
            int result = (int) SHUTDOWN.invokeExact(errno, fd, SHUT_RDWR);
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    /** {@code stat} has room for a struct stat. */
    static int fstat(MemorySegment errno, int fd, MemorySegment stat) {
        try {
            // Safety: writes a struct stat, for which there is room.
            int result = (int) FSTAT.invokeExact(errno, fd, stat);
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }
}
