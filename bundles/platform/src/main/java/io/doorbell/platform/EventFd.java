package io.doorbell.platform;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;

/**
 * An eventfd: any thread, and any process that has the descriptor, signals; one thread waits. Signals add up until {@link #drain} takes them.
 *
 * <p>Each call is a system call, allocates nothing, and is not affected by {@link Thread#interrupt}. A wait blocks its
 * thread in the kernel; on a virtual thread it would block the carrier, so wait on platform threads.
 *
 * <p>Ownership: whoever creates closes. After {@link #close} every method throws {@link IllegalStateException}, also in a thread that waits at that moment. The
 * descriptor number is not used again by this object, so it cannot hit a file that got the same number later.
 */
public final class EventFd implements AutoCloseable {
    /** How long {@link #close} waits for threads that are inside a call. */
    private static final Duration CLOSE_BOUND = Duration.ofSeconds(2);

    private static final long NANOS_PER_SECOND = 1_000_000_000;

    /** The most descriptors of others that a wait can end by. */
    public static final int MAX_OTHERS = 255;

    private static final StructLayout POLLFD = MemoryLayout.structLayout(
            JAVA_INT.withName("fd"), JAVA_SHORT.withName("events"), JAVA_SHORT.withName("revents"));
    private static final VarHandle POLLFD_FD =
            POLLFD.varHandle(groupElement("fd")).withInvokeExactBehavior();
    private static final VarHandle POLLFD_EVENTS =
            POLLFD.varHandle(groupElement("events")).withInvokeExactBehavior();

    private static final VarHandle POLLFD_REVENTS =
            POLLFD.varHandle(groupElement("revents")).withInvokeExactBehavior();

    private static final StructLayout TIMESPEC =
            MemoryLayout.structLayout(JAVA_LONG.withName("tv_sec"), JAVA_LONG.withName("tv_nsec"));
    private static final VarHandle TIMESPEC_SEC =
            TIMESPEC.varHandle(groupElement("tv_sec")).withInvokeExactBehavior();
    private static final VarHandle TIMESPEC_NSEC =
            TIMESPEC.varHandle(groupElement("tv_nsec")).withInvokeExactBehavior();

    private static final VarHandle WAITER;

    static {
        try {
            WAITER = MethodHandles.lookup()
                    .findVarHandle(EventFd.class, "waiter", Thread.class)
                    .withInvokeExactBehavior();
        } catch (ReflectiveOperationException impossible) {
            throw new ExceptionInInitializerError(impossible);
        }
    }

    private final int fd;
    // Shared: each call holds it while it is in the kernel, so that the descriptor, which is closed after it, is never
    // closed under a call.
    private final Arena arena;
    private final MemorySegment one;
    private final MemorySegment signalErrno;
    // The rest is the waiter's.
    private final MemorySegment count;
    private final MemorySegment pollfds;
    private final MemorySegment timespec;
    private final MemorySegment waitErrno;

    /** Whether the last wait ended by a signal, and not only by another descriptor. */
    private boolean signalled;

    /** Descriptors that end a wait too, behind the first of {@link #pollfds}. */
    private int others;

    private Thread waiter;
    private volatile boolean closing;

    private EventFd(int fd) {
        this.fd = fd;
        arena = Arena.ofShared();
        one = arena.allocateFrom(JAVA_LONG, 1);
        signalErrno = arena.allocate(Libc.ERRNO_STATE);
        count = arena.allocate(JAVA_LONG);
        pollfds = arena.allocate(POLLFD, 1 + MAX_OTHERS);
        timespec = arena.allocate(TIMESPEC);
        waitErrno = arena.allocate(Libc.ERRNO_STATE);
        POLLFD_FD.set(pollfds, 0L, fd);
        POLLFD_EVENTS.set(pollfds, 0L, Libc.POLLIN);
    }

    /**
     * A new one, not signalled, that is closed on exec.
     *
     * @throws PlatformException if this process has no file descriptor left
     */
    public static EventFd create() {
        NativeAccess.require();
        try (var scratch = Arena.ofConfined()) {
            int fd = Libc.eventfd(scratch.allocate(Libc.ERRNO_STATE), 0, Libc.EFD_CLOEXEC | Libc.EFD_NONBLOCK);
            if (fd < 0) {
                throw new PlatformException("eventfd", -fd, "");
            }
            return new EventFd(fd);
        }
    }

    /**
     * An eventfd that a peer made and sent over. Takes the descriptor over, also when it is none.
     *
     * @throws PlatformException if it is not an eventfd
     */
    public static EventFd of(Descriptor descriptor) {
        NativeAccess.require();
        try (descriptor) {
            // A peer may have sent anything; and one that made a blocking eventfd and filled it must not stop whoever
            // signals.
            descriptor.requireEventFd();
            descriptor.makeNonBlocking();
            return new EventFd(descriptor.take());
        }
    }

    /** The file descriptor, for passing on; it stays this object's. */
    public int fd() {
        requireOpen();
        return fd;
    }

    /** Wakes the waiter, now or when it next waits. Any thread. */
    public void signal() {
        requireOpen();
        // Several threads may leave their errno there at once, so it is never looked at: a failed write is repeated
        // with an errno of its own.
        if (Libc.write(signalErrno, fd, one) != Long.BYTES) {
            signalAgain();
        }
    }

    private void signalAgain() {
        try (var scratch = Arena.ofConfined()) {
            long result = Libc.write(scratch.allocate(Libc.ERRNO_STATE), fd, one);
            // EAGAIN: the count is at its maximum, so it is signalled all the same.
            if (result < 0 && result != -Errno.EAGAIN) {
                throw new PlatformException("write to an eventfd", (int) -result, "");
            }
        }
    }

    /**
     * From now on a wait ends too while any of these descriptors is readable; {@link #drain} leaves them alone. They belong to others, who call this
     * again before they close one. The waiter's thread.
     *
     * @throws IllegalArgumentException for more than {@link #MAX_OTHERS}
     */
    public void alsoOn(int... descriptors) {
        if (descriptors.length > MAX_OTHERS) {
            throw new IllegalArgumentException(descriptors.length + " descriptors: " + MAX_OTHERS + " at most");
        }
        enter();
        try {
            requireOpen();
            for (int i = 0; i < descriptors.length; i++) {
                long at = POLLFD.byteSize() * (1 + i);
                POLLFD_FD.set(pollfds, at, descriptors[i]);
                POLLFD_EVENTS.set(pollfds, at, Libc.POLLIN);
            }
            others = descriptors.length;
        } finally {
            leave();
        }
    }

    /**
     * Waits until it is signalled. Leaves the signal there: a second await returns at once until {@link #drain}.
     *
     * @param timeoutNanos how long at most; 0 only looks
     * @return whether it is signalled, or a descriptor of {@link #alsoOn} readable; {@code false} only after the whole timeout
     * @throws IllegalStateException if another thread is in await or drain, or it is closed meanwhile
     */
    public boolean await(long timeoutNanos) {
        if (timeoutNanos < 0) {
            throw new IllegalArgumentException("a timeout of " + timeoutNanos + " ns");
        }
        enter();
        try {
            long startNanos = System.nanoTime();
            long leftNanos = timeoutNanos;
            while (true) {
                // Before the poll: close() signals after it has set the flag, so either we see the flag or the poll
                // sees the signal.
                requireOpen();
                TIMESPEC_SEC.set(timespec, 0L, leftNanos / NANOS_PER_SECOND);
                TIMESPEC_NSEC.set(timespec, 0L, leftNanos % NANOS_PER_SECOND);
                int ready = Libc.ppoll(waitErrno, pollfds, 1L + others, timespec);
                requireOpen();
                if (ready >= 0) {
                    signalled = ready > 0 && (short) POLLFD_REVENTS.get(pollfds, 0L) != 0;
                    return ready > 0;
                }
                if (ready != -Errno.EINTR) {
                    throw new PlatformException("ppoll of an eventfd", -ready, "");
                }
                // A signal handler of the JVM or a debugger ran on this thread.
                leftNanos = Math.max(0, timeoutNanos - (System.nanoTime() - startNanos));
            }
        } finally {
            leave();
        }
    }

    /** Whether the last {@link #await} ended by a signal, and not only by what {@link #alsoOn} names. The waiter's thread. */
    public boolean isSignalled() {
        return signalled;
    }

    /**
     * Takes all signals. The waiter's thread.
     *
     * @return how many there were, 0 for none
     * @throws IllegalStateException if another thread is in await or drain, or it is closed
     */
    public long drain() {
        enter();
        try {
            requireOpen();
            long result = Libc.read(waitErrno, fd, count);
            if (result == Long.BYTES) {
                return count.get(JAVA_LONG, 0);
            }
            if (result == -Errno.EAGAIN) {
                return 0;
            }
            throw new PlatformException("read of an eventfd", (int) -result, "");
        } finally {
            leave();
        }
    }

    /**
     * Closes it; a thread that waits gets {@link IllegalStateException}, and then, but only then, another process that has the descriptor too sees
     * one more signal. Does nothing the second time.
     *
     * @throws IllegalStateException if a thread stays in a call for longer than 2 s; the call may be repeated
     */
    @Override
    public synchronized void close() {
        closing = true;
        if (!arena.scope().isAlive()) {
            return;
        }
        MemoryView.close(arena, CLOSE_BOUND, () -> {
            // Who comes to wait after this look sees that it is being closed.
            if ((Thread) WAITER.getVolatile(this) != null) {
                Libc.write(signalErrno, fd, one);
            }
        });
        try (var scratch = Arena.ofConfined()) {
            Libc.close(scratch.allocate(Libc.ERRNO_STATE), fd);
        }
    }

    private void requireOpen() {
        if (closing) {
            throw new IllegalStateException("this eventfd is closed");
        }
    }

    private void enter() {
        if (!WAITER.compareAndSet(this, (Thread) null, Thread.currentThread())) {
            throw new IllegalStateException("another thread waits on this eventfd");
        }
    }

    private void leave() {
        WAITER.setRelease(this, (Thread) null);
    }
}
