package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Which of many sockets have something to do: epoll(7), level triggered. It is readable itself while one of them has, so a thread that sleeps on
 * {@link #fd} sleeps on all of them.
 *
 * <p>Owner: one thread, but for {@link #fd}.
 */
public final class Epoll implements AutoCloseable {
    private static final int IN = 1;
    private static final int OUT = 4;
    private static final int ERROR = 8;
    private static final int HANG_UP = 16;
    private static final int ONE_SHOT = 1 << 30;

    /** struct epoll_event is packed on x86-64: events, then our 64 bits. */
    private static final long EVENT_BYTES = 12;

    private static final long DATA = 4;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment errno;
    private final MemorySegment event;
    private final MemorySegment events;
    private final int maxEvents;
    private final int fd;
    private boolean closed;

    /** @param maxEvents the most that one {@link #look} tells of */
    public Epoll(int maxEvents) {
        NativeAccess.require();
        this.maxEvents = maxEvents;
        errno = arena.allocate(Libc.ERRNO_STATE);
        event = arena.allocate(EVENT_BYTES, Integer.BYTES);
        events = arena.allocate(EVENT_BYTES * maxEvents, Integer.BYTES);
        int made = TcpCalls.epollCreate(errno);
        if (made < 0) {
            arena.close();
            throw new PlatformException("epoll_create1", -made, "");
        }
        fd = made;
    }

    /** For sleeping on. */
    public int fd() {
        return fd;
    }

    /** Watches a socket; {@code id} comes back in {@link #id}. */
    public void add(TcpSocket socket, int id, boolean readable, boolean writable) {
        control(TcpCalls.EPOLL_CTL_ADD, socket, id, readable, writable);
    }

    /** Watches it for something else. */
    public void modify(TcpSocket socket, int id, boolean readable, boolean writable) {
        control(TcpCalls.EPOLL_CTL_MOD, socket, id, readable, writable);
    }

    /** Forgets a socket that stays open. */
    public void remove(TcpSocket socket) {
        control(TcpCalls.EPOLL_CTL_DEL, socket, 0, false, false);
    }

    private void control(int operation, TcpSocket socket, int id, boolean readable, boolean writable) {
        event.set(JAVA_INT, 0, (readable ? IN : 0) | (writable ? OUT : 0));
        event.set(JAVA_INT_UNALIGNED, DATA, id);
        event.set(JAVA_INT_UNALIGNED, DATA + 4, 0);
        int result = TcpCalls.epollCtl(errno, fd, operation, socket.fd(), event);
        if (result < 0) {
            throw new PlatformException("epoll_ctl", -result, "");
        }
    }

    /** Watches a socket that tells when it is to be looked at, each time anew, by {@link Watch#arm}. */
    public Watch watch(TcpSocket socket, int id, Arena lease) {
        var watch = new Watch(fd, socket.fd(), id, lease);
        watch.control(TcpCalls.EPOLL_CTL_ADD, ONE_SHOT);
        return watch;
    }

    /** A socket that is looked at when its owner says so. Owner: that of the socket, until {@code lease} is closed. */
    public static final class Watch {
        private final int epoll;
        private final int fd;
        private final MemorySegment errno;
        private final MemorySegment event;

        private Watch(int epoll, int fd, int id, Arena lease) {
            this.epoll = epoll;
            this.fd = fd;
            errno = lease.allocate(Libc.ERRNO_STATE);
            event = lease.allocate(EVENT_BYTES, Integer.BYTES);
            event.set(JAVA_INT_UNALIGNED, DATA, id);
        }

        /** The epoll tells once that there is something to receive, now or later, or where wanted that there is room to send. */
        public void arm(boolean writable) {
            control(TcpCalls.EPOLL_CTL_MOD, ONE_SHOT | IN | (writable ? OUT : 0));
        }

        private void control(int operation, int events) {
            event.set(JAVA_INT, 0, events);
            int result = TcpCalls.epollCtl(errno, epoll, operation, fd, event);
            if (result < 0) {
                throw new PlatformException("epoll_ctl", -result, "");
            }
        }
    }

    /** Looks who has something to do, without waiting. Returns how many. */
    public int look() {
        int result = TcpCalls.epollLook(errno, fd, events, maxEvents);
        if (result < 0) {
            if (result == -Errno.EINTR) {
                return 0;
            }
            throw new PlatformException("epoll_wait", -result, "");
        }
        return result;
    }

    /** Who it is, of those that the last look found. */
    public int id(int index) {
        return events.get(JAVA_INT_UNALIGNED, EVENT_BYTES * index + DATA);
    }

    /** Whether it has something to receive: data, or its end. */
    public boolean isReadable(int index) {
        return (events.get(JAVA_INT, EVENT_BYTES * index) & (IN | ERROR | HANG_UP)) != 0;
    }

    /** Whether it has room to send, or is broken. */
    public boolean isWritable(int index) {
        return (events.get(JAVA_INT, EVENT_BYTES * index) & (OUT | ERROR | HANG_UP)) != 0;
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
