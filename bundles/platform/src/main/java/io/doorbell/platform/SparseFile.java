package io.doorbell.platform;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * A file, opened beside its {@link java.nio.channels.FileChannel} for what the JDK does not do: holes, and a lock that
 * belongs to this opening. (The locks of a FileChannel belong to the process, which loses them as soon as anything in it
 * closes the same file.) Control path and worker threads; any thread.
 */
public final class SparseFile implements AutoCloseable {
    /** Signals that may interrupt one call before that is taken for an error. */
    private static final int MAX_INTERRUPTIONS = 100;

    private final Path path;
    private final int fd;

    // Guarded by this, so that nobody works on a number that is another file's by then.
    private boolean closed;

    private SparseFile(Path path, int fd) {
        this.path = path;
        this.fd = fd;
    }

    /**
     * Opens a file that exists, for reading and writing.
     *
     * @throws PlatformException if Linux refuses it
     */
    public static SparseFile open(Path path) {
        NativeAccess.require();
        try (var scratch = Arena.ofConfined()) {
            int fd = Libc.open(
                    scratch.allocate(Libc.ERRNO_STATE),
                    scratch.allocateFrom(path.toAbsolutePath().toString()),
                    Libc.O_RDWR | Libc.O_CLOEXEC);
            if (fd < 0) {
                throw new PlatformException("open", -fd, "The file is " + path + ".");
            }
            return new SparseFile(path, fd);
        }
    }

    /** Locks the file against every other opening of it that locks, here and in other processes. Ends with {@link #close}. */
    public synchronized boolean tryLock() {
        try (var scratch = Arena.ofConfined()) {
            int result = Libc.flock(errno(scratch), fd, Libc.LOCK_EX | Libc.LOCK_NB);
            if (result < 0 && result != -Errno.EAGAIN) {
                throw new PlatformException("flock", -result, "The file is " + path + ".");
            }
            return result == 0;
        }
    }

    /**
     * Makes a range read zero and gives its space back. The size stays.
     *
     * @return false where the file system cannot do it; nothing happened then
     */
    public synchronized boolean punchHole(long offset, long bytes) {
        try (var scratch = Arena.ofConfined()) {
            int mode = Libc.FALLOC_FL_PUNCH_HOLE | Libc.FALLOC_FL_KEEP_SIZE;
            int result = -Errno.EINTR;
            for (int i = 0; i < MAX_INTERRUPTIONS && result == -Errno.EINTR; i++) {
                result = Libc.fallocate(errno(scratch), fd, mode, offset, bytes);
            }
            if (result == -Errno.EOPNOTSUPP || result == -Errno.ENOSYS) {
                return false;
            }
            if (result < 0) {
                throw new PlatformException("fallocate(FALLOC_FL_PUNCH_HOLE)", -result, "The file is " + path + ".");
            }
            return true;
        }
    }

    private MemorySegment errno(Arena scratch) {
        if (closed) {
            throw new IllegalStateException(path + " is closed");
        }
        return scratch.allocate(Libc.ERRNO_STATE);
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        try (var scratch = Arena.ofConfined()) {
            Libc.close(errno(scratch), fd);
            closed = true;
        }
    }
}
