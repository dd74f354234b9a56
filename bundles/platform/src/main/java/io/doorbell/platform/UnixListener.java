package io.doorbell.platform;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;

/**
 * A Unix stream socket that listens at a path. One thread accepts; any thread closes. As with {@link UnixSocket}, a wait blocks its thread in the
 * kernel.
 */
public final class UnixListener implements AutoCloseable {
    private static final Duration CLOSE_BOUND = Duration.ofSeconds(2);

    private final Path path;
    private final Object file;
    private final int fd;
    private final Arena arena = Arena.ofShared();
    private final Readiness readable;
    private volatile boolean closing;

    private UnixListener(Path path, int fd) {
        this.path = path;
        this.fd = fd;
        this.file = fileKey(path);
        readable = new Readiness(arena, fd, Libc.POLLIN);
    }

    /**
     * Listens at {@code path}, for this user only. A socket that a process left behind there when it was killed is replaced; one at which somebody
     * listens is not.
     *
     * @throws PlatformException if somebody listens there already, something else is there, or the directory is missing or not ours
     */
    public static UnixListener listen(Path path, int backlog) {
        NativeAccess.require();
        removeStale(path);
        try (var scratch = Arena.ofConfined()) {
            var address = UnixSocket.address(path, scratch);
            var errno = scratch.allocate(Libc.ERRNO_STATE);
            int fd = UnixSocket.open(errno);
            try {
                check(SocketCalls.bind(errno, fd, address), "bind to " + path);
                // Before it listens, nobody can connect: so this is not too late.
                Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
                check(SocketCalls.listen(errno, fd, backlog), "listen at " + path);
                return new UnixListener(path, fd);
            } catch (IOException | RuntimeException failed) {
                Descriptor.closeNumber(fd);
                if (failed instanceof RuntimeException unchecked) {
                    throw unchecked;
                }
                throw new UncheckedIOException((IOException) failed);
            }
        }
    }

    private static void removeStale(Path path) {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        try {
            UnixSocket.connect(path, Duration.ZERO).close();
        } catch (PlatformException refused) {
            if (refused.errno() != Errno.ECONNREFUSED) {
                return; // Not a socket, or not ours: bind says so.
            }
            try {
                if (Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                        .isOther()) {
                    Files.delete(path);
                }
            } catch (IOException notOurs) {
                // bind says so.
            }
        }
    }

    private static void check(int result, String call) {
        if (result < 0) {
            throw new PlatformException(call, -result, "");
        }
    }

    /** Where it listens. */
    public Path path() {
        return path;
    }

    /**
     * Waits for a connection.
     *
     * @return the connection, or {@code null} if none came within {@code timeoutNanos}
     * @throws IllegalStateException if it is closed, also meanwhile
     * @throws PlatformException if this process has no file descriptor left
     */
    public UnixSocket accept(long timeoutNanos) {
        long deadlineNanos = System.nanoTime() + Math.min(timeoutNanos, Long.MAX_VALUE / 2);
        synchronized (readable) {
            while (true) {
                requireOpen();
                if (!readable.await(deadlineNanos)) {
                    return null;
                }
                requireOpen();
                int result;
                try (var scratch = Arena.ofConfined()) {
                    result = SocketCalls.accept(scratch.allocate(Libc.ERRNO_STATE), fd);
                }
                if (result >= 0) {
                    return new UnixSocket(result);
                }
                requireOpen();
                // ECONNABORTED: whoever it was has given up.
                if (result != -Errno.EAGAIN && result != -Errno.EINTR && result != -Errno.ECONNABORTED) {
                    throw new PlatformException("accept at " + path, -result, "");
                }
            }
        }
    }

    /**
     * Stops listening and removes the path, if it is still ours. A thread that waits gets {@link IllegalStateException}. Does nothing the second time.
     */
    @Override
    public synchronized void close() {
        closing = true;
        if (!arena.scope().isAlive()) {
            return;
        }
        try {
            if (file.equals(fileKey(path))) {
                Files.deleteIfExists(path);
            }
        } catch (IOException | UncheckedIOException gone) {
            // Whoever removed the directory removed it too.
        }
        MemoryView.close(arena, CLOSE_BOUND, () -> UnixSocket.shutdownNumber(fd));
        Descriptor.closeNumber(fd);
    }

    private static Object fileKey(Path path) {
        try {
            return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                    .fileKey();
        } catch (IOException gone) {
            throw new UncheckedIOException(gone);
        }
    }

    private void requireOpen() {
        if (closing) {
            throw new IllegalStateException("nobody listens at " + path + " any more");
        }
    }
}
