package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;

/**
 * A file descriptor that came over a socket. Whoever has the object owns the descriptor and closes it; nobody else keeps the number. Any thread.
 */
public final class Descriptor implements AutoCloseable {
    /** struct stat of Linux on x86-64, and what of it we read: stat(2). */
    private static final long STAT_BYTES = 144;

    private static final long STAT_MODE = 24;
    private static final long STAT_SIZE = 48;
    private static final long STAT_BLOCK_SIZE = 56;
    private static final int S_IFMT = 0xF000;
    private static final int S_IFREG = 0x8000;

    private final int fd;
    private boolean closed;

    Descriptor(int fd) {
        this.fd = fd;
    }

    /**
     * The number, for passing on while this object is open.
     *
     * @throws IllegalStateException after {@link #close}
     */
    public synchronized int fd() {
        if (closed) {
            throw new IllegalStateException("this descriptor is closed");
        }
        return fd;
    }

    /** What a file is made of, as far as mapping it goes. */
    record FileState(boolean regular, long bytes, long blockBytes) {}

    synchronized FileState state() {
        try (var scratch = Arena.ofConfined()) {
            var stat = scratch.allocate(STAT_BYTES, Long.BYTES);
            int result = SocketCalls.fstat(scratch.allocate(Libc.ERRNO_STATE), fd(), stat);
            if (result < 0) {
                throw new PlatformException("fstat", -result, "");
            }
            return new FileState(
                    (stat.get(JAVA_INT, STAT_MODE) & S_IFMT) == S_IFREG,
                    stat.get(JAVA_LONG, STAT_SIZE),
                    stat.get(JAVA_LONG, STAT_BLOCK_SIZE));
        }
    }

    /** Asks that nobody can shorten the file any more. Returns whether that is so. */
    synchronized boolean sealAgainstShrinking() {
        try (var scratch = Arena.ofConfined()) {
            return Libc.addSeals(scratch.allocate(Libc.ERRNO_STATE), fd(), Libc.F_SEAL_SHRINK) == 0;
        }
    }

    void requireEventFd() {
        try {
            var file = Files.readSymbolicLink(Path.of("/proc/self/fd/" + fd())).toString();
            if (!file.equals("anon_inode:[eventfd]")) {
                throw new PlatformException("The descriptor is not an eventfd but " + file + ".");
            }
        } catch (IOException unreadable) {
            throw new PlatformException("It cannot be told whether the descriptor is an eventfd: " + unreadable);
        }
    }

    synchronized void makeNonBlocking() {
        try (var scratch = Arena.ofConfined()) {
            int result = Libc.setStatusFlags(scratch.allocate(Libc.ERRNO_STATE), fd(), Libc.O_NONBLOCK);
            if (result < 0) {
                throw new PlatformException("fcntl(F_SETFL)", -result, "");
            }
        }
    }

    /** Gives the number to another owner: this object is closed, the descriptor is not. */
    synchronized int take() {
        int taken = fd();
        closed = true;
        return taken;
    }

    /** Closes all of them. */
    public static void closeAll(Collection<Descriptor> descriptors) {
        descriptors.forEach(Descriptor::close);
    }

    /** Closes the descriptor. Does nothing the second time. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        closeNumber(fd);
    }

    /** Closes a descriptor that has no object (yet). */
    static void closeNumber(int fd) {
        try (Arena scratch = Arena.ofConfined()) {
            MemorySegment errno = scratch.allocate(Libc.ERRNO_STATE);
            Libc.close(errno, fd);
        }
    }
}
