package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * Sends and receives of many sockets in one system call, by io_uring(7). They are what {@link TcpSocket#send} and {@link TcpSocket#receive} are: nobody
 * waits, and when {@link #run} returns all of them are done and the kernel knows of none any more.
 *
 * <p>Use: fill {@link #vector}, then {@link #send} or {@link #receive}; as many as there is room for; {@link #run}; {@link #result} of each in that
 * order. Owner: one thread at a time.
 */
public final class SocketBatch implements AutoCloseable {
    private static final long SYS_IO_URING_SETUP = 425;
    private static final long SYS_IO_URING_ENTER = 426;

    private static final long OFFSET_RINGS = 0;
    private static final long OFFSET_ENTRIES = 0x1000_0000;
    private static final int FEATURE_SINGLE_MAPPING = 1;
    private static final long ENTER_GET_EVENTS = 1;

    private static final byte OP_SENDMSG = 9;
    private static final byte OP_RECVMSG = 10;
    private static final int MSG_DONTWAIT = 0x40;

    // struct io_uring_params, with the offsets into the rings that the kernel fills in.
    private static final long PARAMS_BYTES = 120;
    private static final long FEATURES = 20;
    private static final long SUBMISSION_TAIL = 44;
    private static final long SUBMISSION_MASK = 48;
    private static final long SUBMISSION_ARRAY = 64;
    private static final long COMPLETION_HEAD = 80;
    private static final long COMPLETION_TAIL = 84;
    private static final long COMPLETION_MASK = 88;
    private static final long COMPLETION_ENTRIES = 100;

    // struct io_uring_sqe and struct io_uring_cqe.
    private static final long ENTRY_BYTES = 64;
    private static final long ENTRY_FD = 4;
    private static final long ENTRY_ADDRESS = 16;
    private static final long ENTRY_LENGTH = 24;
    private static final long ENTRY_FLAGS = 28;
    private static final long ENTRY_USER_DATA = 32;
    private static final long RESULT_BYTES = 16;
    private static final long RESULT_VALUE = 8;

    /** Rounds of waiting for what should be there at once. */
    private static final int MAX_WAITS = 1000;

    private static final VarHandle INT = JAVA_INT.varHandle().withInvokeExactBehavior();

    /** syscall(2); libc has no names for these two. */
    private static final MethodHandle SYSCALL = Libc.variadicCall(
            "syscall",
            1,
            FunctionDescriptor.of(
                    JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));

    private final Arena arena = Arena.ofShared();
    private final MemorySegment errno = arena.allocate(Libc.ERRNO_STATE);
    private final int fd;
    private final Mapping rings;
    private final Mapping entries;
    private final MemorySegment ring;
    private final MemorySegment entry;
    private final SocketVector[] vectors;
    private final int[] results;
    private final long submissionTail;
    private final int submissionMask;
    private final long submissionArray;
    private final long completionHead;
    private final long completionTail;
    private final int completionMask;
    private final long completions;
    private int staged;
    private boolean closed;

    private SocketBatch(int fd, MemorySegment params, NativeMemory memory, int calls, int maxParts) {
        this.fd = fd;
        int submissions = params.get(JAVA_INT, 0);
        int most = params.get(JAVA_INT, 4);
        long arrayEnd = Integer.toUnsignedLong(params.get(JAVA_INT, SUBMISSION_ARRAY)) + 4L * submissions;
        completions = Integer.toUnsignedLong(params.get(JAVA_INT, COMPLETION_ENTRIES));
        rings = Mapping.device(fd, OFFSET_RINGS, pages(Math.max(arrayEnd, completions + RESULT_BYTES * most)));
        entries = Mapping.device(fd, OFFSET_ENTRIES, pages(ENTRY_BYTES * submissions));
        ring = rings.segment();
        entry = entries.segment();
        submissionTail = params.get(JAVA_INT, SUBMISSION_TAIL);
        submissionMask = ring.get(JAVA_INT, params.get(JAVA_INT, SUBMISSION_MASK));
        submissionArray = params.get(JAVA_INT, SUBMISSION_ARRAY);
        completionHead = params.get(JAVA_INT, COMPLETION_HEAD);
        completionTail = params.get(JAVA_INT, COMPLETION_TAIL);
        completionMask = ring.get(JAVA_INT, params.get(JAVA_INT, COMPLETION_MASK));
        for (int i = 0; i < submissions; i++) {
            ring.set(JAVA_INT, submissionArray + 4L * i, i);
        }
        results = new int[calls];
        vectors = new SocketVector[calls];
        for (int i = 0; i < calls; i++) {
            vectors[i] = new SocketVector(memory, maxParts);
        }
    }

    private static long pages(long bytes) {
        return (bytes + Machine.PAGE_BYTES - 1) / Machine.PAGE_BYTES * Machine.PAGE_BYTES;
    }

    /**
     * A batch, or null where the kernel has no io_uring or does not let this process have it (containers often do not), or where
     * {@code -Ddoorbell.io_uring=false} says that it is not wanted.
     *
     * @param memory what all parts of all calls are of
     * @param calls the most in one {@link #run}, 1 to 1024
     * @param maxParts of each
     */
    public static SocketBatch open(NativeMemory memory, int calls, int maxParts) {
        if (calls < 1 || calls > 1024) {
            throw new IllegalArgumentException(calls + " calls of a batch: 1 to 1024");
        }
        NativeAccess.require();
        if (System.getProperty("doorbell.io_uring", "").equals("false")) {
            return null;
        }
        try (var scratch = Arena.ofConfined()) {
            var errno = scratch.allocate(Libc.ERRNO_STATE);
            var params = scratch.allocate(PARAMS_BYTES, Long.BYTES);
            long fd = syscall(errno, SYS_IO_URING_SETUP, calls, params.address(), 0, 0);
            if (fd < 0) {
                return null;
            }
            if ((params.get(JAVA_INT, FEATURES) & FEATURE_SINGLE_MAPPING) == 0) {
                Libc.close(errno, (int) fd);
                return null;
            }
            try {
                return new SocketBatch((int) fd, params, memory, calls, maxParts);
            } catch (RuntimeException refused) {
                Libc.close(errno, (int) fd);
                throw refused;
            }
        }
    }

    private static long syscall(MemorySegment errno, long number, long first, long second, long third, long fourth) {
        try {
            // Safety: io_uring_setup fills params, which is live in our caller; io_uring_enter touches what the entries
            // name: message headers of our own vectors, whose parts are of memory that they keep mapped.
            long result = (long) SYSCALL.invokeExact(errno, number, first, second, third, fourth, 0L, 0L);
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    /** The most calls in one {@link #run}. */
    public int calls() {
        return results.length;
    }

    /** The parts of a call, which are the caller's to clear and fill. */
    public SocketVector vector(int call) {
        return vectors[call];
    }

    /** The next call sends what is in its vector. */
    public void send(TcpSocket socket) {
        stage(OP_SENDMSG, socket, MSG_DONTWAIT | SocketCalls.MSG_NOSIGNAL);
    }

    /** The next call receives into its vector. */
    public void receive(TcpSocket socket) {
        stage(OP_RECVMSG, socket, MSG_DONTWAIT);
    }

    private void stage(byte operation, TcpSocket socket, int flags) {
        var message = vectors[staged].message();
        long at = ENTRY_BYTES * ((int) INT.get(ring, submissionTail) + staged & submissionMask);
        entry.asSlice(at, ENTRY_BYTES).fill((byte) 0);
        entry.set(JAVA_BYTE, at, operation);
        entry.set(JAVA_INT, at + ENTRY_FD, socket.fd());
        entry.set(JAVA_LONG, at + ENTRY_ADDRESS, message.address());
        entry.set(JAVA_INT, at + ENTRY_LENGTH, 1);
        entry.set(JAVA_INT, at + ENTRY_FLAGS, flags);
        entry.set(JAVA_LONG, at + ENTRY_USER_DATA, staged);
        staged++;
    }

    /**
     * Makes the calls, in order. Nothing is staged after it.
     *
     * @throws PlatformException when the kernel does not take them, which it has no reason for
     */
    public void run() {
        if (closed) {
            throw new IllegalStateException("this batch is closed");
        }
        int count = staged;
        staged = 0;
        INT.setRelease(ring, submissionTail, (int) INT.get(ring, submissionTail) + count);
        int submitted = 0;
        int ended = 0;
        for (int round = 0; ended < count && round < MAX_WAITS; round++) {
            long result = syscall(errno, SYS_IO_URING_ENTER, fd, count - submitted, 0, ENTER_GET_EVENTS);
            if (result < 0 && result != -Errno.EINTR && result != -Errno.EAGAIN) {
                throw new PlatformException("io_uring_enter", (int) -result, "");
            }
            submitted += (int) Math.max(0, result);
            ended += reap(count);
        }
        if (ended < count) {
            throw new PlatformException("io_uring_enter", Errno.EAGAIN, ended + " of " + count + " calls ended.");
        }
    }

    private int reap(int count) {
        int head = (int) INT.get(ring, completionHead);
        int tail = (int) INT.getAcquire(ring, completionTail);
        int ended = 0;
        for (; head != tail; head++) {
            long at = completions + RESULT_BYTES * (head & completionMask);
            int call = (int) ring.get(JAVA_LONG, at);
            if (call >= 0 && call < count) {
                results[call] = ring.get(JAVA_INT, at + RESULT_VALUE);
                ended++;
            }
        }
        INT.setRelease(ring, completionHead, head);
        return ended;
    }

    /** What a receive of the last {@link #run} answers: as {@link TcpSocket#receive}. */
    public int received(int call) {
        return results[call] == 0 ? TcpSocket.END : sent(call);
    }

    /** What a send of the last {@link #run} answers: as {@link TcpSocket#send}. */
    public int sent(int call) {
        int result = results[call];
        if (result >= 0) {
            return result;
        }
        return result == -Errno.EAGAIN || result == -Errno.EINTR ? TcpSocket.AGAIN : TcpSocket.END;
    }

    /** Lets the memory go. Does nothing the second time. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            for (var vector : vectors) {
                vector.close();
            }
            rings.close();
            entries.close();
            Libc.close(errno, fd);
            arena.close();
        }
    }
}
