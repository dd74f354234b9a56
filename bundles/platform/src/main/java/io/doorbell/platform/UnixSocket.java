package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * One end of a connected Unix stream socket, over which file descriptors travel beside bytes; the JDK's channels have no way for those.
 *
 * <p>Any thread: senders queue up among themselves, receivers too. A wait blocks its thread in the kernel; on a virtual thread it would block the
 * carrier, so receive on platform threads. Not affected by {@link Thread#interrupt}.
 *
 * <p>Ownership: whoever connects or accepts closes. After {@link #close} every method throws {@link IllegalStateException}, also in a thread that
 * waits at that moment.
 */
public final class UnixSocket implements AutoCloseable {
    /** The most descriptors that travel with one message. */
    public static final int MAX_DESCRIPTORS = 16;

    /** The longest path of a socket, in bytes: sockaddr_un has room for that and a NUL. */
    public static final int MAX_PATH_BYTES = 107;

    /** The answer of {@link #receive} when the peer has closed or shut down its end. */
    public static final int END = -1;

    private static final Duration CLOSE_BOUND = Duration.ofSeconds(2);
    private static final long RETRY_NANOS = 1_000_000;

    private final int fd;
    private final Arena arena = Arena.ofShared();
    private volatile boolean closing;

    // Each is its own lock: who sends does not wait for who receives.
    private final SocketMessage outgoing = new SocketMessage(arena);
    private final SocketMessage incoming = new SocketMessage(arena);
    private final Readiness writable;
    private final Readiness readable;
    private final Readiness left;

    UnixSocket(int fd) {
        this.fd = fd;
        writable = new Readiness(arena, fd, Libc.POLLOUT);
        readable = new Readiness(arena, fd, Libc.POLLIN);
        left = new Readiness(arena, fd, Libc.POLLRDHUP);
    }

    /**
     * Connects to whoever listens at {@code path}.
     *
     * @throws PlatformException if nobody does, or has not accepted others for all of {@code timeout}
     */
    public static UnixSocket connect(Path path, Duration timeout) {
        NativeAccess.require();
        long deadlineNanos = System.nanoTime() + timeout.toNanos();
        try (var scratch = Arena.ofConfined()) {
            var address = address(path, scratch);
            var errno = scratch.allocate(Libc.ERRNO_STATE);
            int fd = open(errno);
            // A Unix socket connects at once or not at all: EAGAIN means that the queue of whoever listens is full.
            int result = SocketCalls.connect(errno, fd, address);
            while ((result == -Errno.EAGAIN || result == -Errno.EINTR) && deadlineNanos - System.nanoTime() > 0) {
                LockSupport.parkNanos(RETRY_NANOS);
                result = SocketCalls.connect(errno, fd, address);
            }
            if (result < 0) {
                Descriptor.closeNumber(fd);
                throw new PlatformException(
                        "connect to " + path,
                        -result,
                        result == -Errno.EAGAIN ? "Its queue of connections stayed full for " + timeout + "." : "");
            }
            return new UnixSocket(fd);
        }
    }

    /** Two ends that are connected with each other. */
    public static List<UnixSocket> pair() {
        NativeAccess.require();
        try (var scratch = Arena.ofConfined()) {
            var two = scratch.allocate(JAVA_INT, 2);
            int result = SocketCalls.socketpair(scratch.allocate(Libc.ERRNO_STATE), two);
            if (result < 0) {
                throw new PlatformException("socketpair", -result, "");
            }
            return List.of(new UnixSocket(two.getAtIndex(JAVA_INT, 0)), new UnixSocket(two.getAtIndex(JAVA_INT, 1)));
        }
    }

    static int open(MemorySegment errno) {
        int fd = SocketCalls.socket(errno);
        if (fd < 0) {
            throw new PlatformException("socket", -fd, "");
        }
        return fd;
    }

    /** A struct sockaddr_un: unix(7). */
    static MemorySegment address(Path path, Arena arena) {
        byte[] bytes = path.toString().getBytes(StandardCharsets.UTF_8);
        if (bytes.length == 0 || bytes.length > MAX_PATH_BYTES) {
            throw new IllegalArgumentException("the path of a Unix socket has 1 to " + MAX_PATH_BYTES + " bytes: '"
                    + path + "' has " + bytes.length);
        }
        var address = arena.allocate(Short.BYTES + bytes.length + 1, Short.BYTES);
        address.set(JAVA_SHORT, 0, (short) SocketCalls.AF_UNIX);
        MemorySegment.copy(bytes, 0, address, JAVA_BYTE, Short.BYTES, bytes.length);
        return address;
    }

    /**
     * Sends all of {@code bytes}, which may be on the heap. The peer gets {@code descriptors} with the first of them, as descriptors of its own to
     * the same files; these stay ours.
     *
     * @param timeoutNanos how long the peer may take to make room
     * @throws PlatformException if the peer is gone (EPIPE, ECONNRESET), or has made no room (ETIMEDOUT): a part may have been sent then, so
     *     this end is good for nothing but closing
     */
    public void send(MemorySegment bytes, long timeoutNanos, int... descriptors) {
        if (bytes.byteSize() == 0 || descriptors.length > MAX_DESCRIPTORS) {
            throw new IllegalArgumentException("a message has a byte at least and " + MAX_DESCRIPTORS
                    + " descriptors at most, not " + bytes.byteSize() + " and " + descriptors.length);
        }
        long deadlineNanos = deadline(timeoutNanos);
        synchronized (outgoing) {
            long sent = 0;
            while (sent < bytes.byteSize()) {
                requireOpen();
                long result = sent == 0 ? outgoing.send(fd, bytes, 0, descriptors) : outgoing.send(fd, bytes, sent);
                requireOpen();
                if (result > 0) {
                    sent += result;
                } else if (result == -Errno.EAGAIN) {
                    if (!writable.await(deadlineNanos)) {
                        throw new PlatformException("sendmsg", Errno.ETIMEDOUT, "The peer does not read.");
                    }
                } else if (result != -Errno.EINTR) {
                    throw new PlatformException("sendmsg", (int) -result, "");
                }
            }
        }
    }

    /**
     * Receives what is there, up to the size of {@code bytes}, which may be on the heap, and waits for the first of it.
     *
     * @param descriptors gets the descriptors that came with it, which are the caller's to close from now on, also when this throws; when
     *     it has {@link #MAX_DESCRIPTORS}, any more are closed
     * @return how many bytes came, 0 if none did within {@code timeoutNanos}, or {@link #END}
     * @throws PlatformException if the connection is broken
     */
    public int receive(MemorySegment bytes, List<Descriptor> descriptors, long timeoutNanos) {
        if (bytes.byteSize() == 0) {
            throw new IllegalArgumentException("no room to receive into");
        }
        long deadlineNanos = deadline(timeoutNanos);
        synchronized (incoming) {
            while (true) {
                requireOpen();
                long result = incoming.receive(fd, bytes, descriptors);
                requireOpen();
                if (result > 0) {
                    return (int) result;
                }
                if (result == 0) {
                    return END;
                }
                if (result == -Errno.EAGAIN) {
                    if (!readable.await(deadlineNanos)) {
                        return 0;
                    }
                } else if (result != -Errno.EINTR) {
                    throw new PlatformException("recvmsg", (int) -result, "");
                }
            }
        }
    }

    /** Whether the peer has closed or shut down its end; what it sent before may not have been received yet. */
    public boolean peerHasLeft() {
        synchronized (left) {
            requireOpen();
            return left.await(System.nanoTime());
        }
    }

    private static long deadline(long timeoutNanos) {
        if (timeoutNanos < 0) {
            throw new IllegalArgumentException("a timeout of " + timeoutNanos + " ns");
        }
        long nowNanos = System.nanoTime();
        // Far away, but never so far that the difference to now wraps.
        return nowNanos + Math.min(timeoutNanos, Long.MAX_VALUE / 2);
    }

    /** Ends both directions: the peer receives {@link #END} after what was sent, and who waits here too. Does nothing the second time. */
    public void shutdown() {
        requireOpen();
        shutdownNumber(fd);
    }

    static void shutdownNumber(int fd) {
        try (var scratch = Arena.ofConfined()) {
            // ENOTCONN: the peer was faster.
            SocketCalls.shutdown(scratch.allocate(Libc.ERRNO_STATE), fd);
        }
    }

    /**
     * Closes this end; a thread that waits gets {@link IllegalStateException}. Does nothing the second time.
     *
     * @throws IllegalStateException if a thread stays in a call for longer than 2 s; the call may be repeated
     */
    @Override
    public synchronized void close() {
        closing = true;
        if (!arena.scope().isAlive()) {
            return;
        }
        // Each call holds the arena while it is in the kernel, so the descriptor is never closed under one.
        MemoryView.close(arena, CLOSE_BOUND, () -> shutdownNumber(fd));
        Descriptor.closeNumber(fd);
    }

    private void requireOpen() {
        if (closing) {
            throw new IllegalStateException("this socket is closed");
        }
    }
}
