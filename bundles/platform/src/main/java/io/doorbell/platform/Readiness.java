package io.doorbell.platform;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;

/** Waits until one descriptor is ready, by ppoll(2). One thread at a time. */
final class Readiness {
    private static final long NANOS_PER_SECOND = 1_000_000_000;

    private static final StructLayout POLLFD = MemoryLayout.structLayout(
            JAVA_INT.withName("fd"), JAVA_SHORT.withName("events"), JAVA_SHORT.withName("revents"));
    private static final long EVENTS = POLLFD.byteOffset(groupElement("events"));

    private static final StructLayout TIMESPEC =
            MemoryLayout.structLayout(JAVA_LONG.withName("tv_sec"), JAVA_LONG.withName("tv_nsec"));
    private static final long NSEC = TIMESPEC.byteOffset(groupElement("tv_nsec"));

    private final MemorySegment pollfd;
    private final MemorySegment timespec;
    private final MemorySegment errno;

    Readiness(Arena arena, int fd, short events) {
        pollfd = arena.allocate(POLLFD);
        timespec = arena.allocate(TIMESPEC);
        errno = arena.allocate(Libc.ERRNO_STATE);
        pollfd.set(JAVA_INT, 0, fd);
        pollfd.set(JAVA_SHORT, EVENTS, events);
    }

    /** Whether it is ready, or broken, which a call on it will tell; {@code false} when the deadline of {@link System#nanoTime} has passed. */
    boolean await(long deadlineNanos) {
        while (true) {
            long leftNanos = Math.max(0, deadlineNanos - System.nanoTime());
            timespec.set(JAVA_LONG, 0, leftNanos / NANOS_PER_SECOND);
            timespec.set(JAVA_LONG, NSEC, leftNanos % NANOS_PER_SECOND);
            int ready = Libc.ppollOne(errno, pollfd, timespec);
            if (ready > 0) {
                return true;
            }
            if (ready < 0 && ready != -Errno.EINTR) {
                throw new PlatformException("ppoll of a socket", -ready, "");
            }
            if (leftNanos == 0) {
                return false;
            }
        }
    }
}
